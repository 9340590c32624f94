"""``coursekit publish``: what it writes, leaves alone and refuses, and where its links lead."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from coursekit.cli import main
from coursekit.course.assignment import Assignment, assignments, read_notebook
from coursekit.course.origin_digests import source_digest
from coursekit.processes.whole_files import write_whole
from coursekit.publishing import published_folder
from coursekit.publishing.published_notebook import published_notebook
from resnets_utils.notebooks.notebook_reader import read_file
from resnets_utils.notebooks.published_cells import FIRST_LINE
from resnets_utils.notebooks.stamp import KEY, Stamp, digest_cells

HOUSE = Path(__file__).resolve().parents[2]
NAME, NOTEBOOK = "tiny-v1", "tiny-v1/Tiny_v1.ipynb"
SECRET, HIDDEN = "return 2 * x + hidden_offset", "checks.call(x=17).equals(43.5)"
ADDRESS = ("--address", "https://github.com/some-owner/a.course")
FILES = ("--files", "https://example.org/course/")


def make_release(course: Path, text: str) -> None:
    """Write a source with that text in a cell, and its release, as `coursekit release` would."""
    assignment = Assignment(course, NAME)
    solution = f"def f(x):\n    ### BEGIN SOLUTION\n    {SECRET}\n    ### END SOLUTION"
    for folder, code in (("source", solution), ("release", "def f(x):\n    pass")):
        (course / folder / NAME).mkdir(parents=True, exist_ok=True)
        notebook = new_notebook(
            cells=[
                new_markdown_cell(f"# Tiny & small\n\n{text}", id="title"),
                new_code_cell("# import nothing_yet", id="later"),
                new_code_cell("import keras\nimport os, no_such_package", id="imports"),
                new_code_cell(code, id="f"),
            ]
        )
        if folder == "release":
            digests = digest_cells(notebook.cells), source_digest(assignment), f"sha256:{64 * '0'}"
            notebook.metadata[KEY] = Stamp(NAME, "v1", "", *digests, "1").as_metadata()
        (course / folder / NOTEBOOK).write_text(writes(notebook))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    course = tmp_path / "course"
    make_release(course, "A text.")
    for name, text in {
        "nbgrader_config.py": "",
        "nbgrader_config.json": "{}",
        f"grader_tests/{NAME}/f.py": HIDDEN,
        f"source/{NAME}/assignment.toml": 'version = "v1"\nprevious = ""\nupdates = []\n',
        f"release/{NAME}/expected.json": "{}",
        f"release/{NAME}/resnets_utils/__init__.py": "import numpy, resnets_utils.deeper\n",
        f"release/{NAME}/resnets_utils/deeper.py": "import PIL\n",
        f"release/{NAME}/images/hand.png": "a hand",
        # What running it left.
        f"release/{NAME}/datasets/train_signs.h5": "hands",
        f"release/{NAME}/.ipynb_checkpoints/Tiny_v1-checkpoint.ipynb": "{}",
    }.items():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(text)
    make_release(course, "A text.")
    return course


Publish = Callable[..., tuple[int, str]]


@pytest.fixture
def publish(course: Path, capsys: pytest.CaptureFixture[str]) -> Publish:
    def run(*arguments: str) -> tuple[int, str]:
        """Publish into ``public`` beside the course; return the exit status and what was said."""
        folder = str(course.parent / "public")
        code = main(["--course", str(course), "publish", folder, *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def downloads(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "downloads").glob("*.zip"))


def test_a_release_is_published_whole_with_nothing_that_students_must_not_see(
    course: Path, publish: Publish
) -> None:
    code, said = publish(*ADDRESS, "--hub", "https://hub.example.edu/")
    assert code == 0, said
    folder = course.parent / "public"
    made, release = files(folder), files(course / "release" / NAME)
    for name in [*release]:
        if name.startswith((".", "datasets")):
            del release[name]
    [archive] = downloads(folder)
    assert set(made) == {
        *(f"{NAME}/{name}" for name in release),
        *(".binder/requirements.txt", ".binder/runtime.txt", ".binder/apt.txt"),
        *(".devcontainer/devcontainer.json", ".vscode/extensions.json"),
        *("README.md", "index.html", ".gitattributes", ".nojekyll", "published.json"),
        *("downloads/SHA256SUMS", f"downloads/{archive}"),
    }
    digest = hashlib.sha256(made[f"downloads/{archive}"]).hexdigest()
    assert archive == f"{NAME}-{digest[:12]}.zip"
    assert made["downloads/SHA256SUMS"].decode() == f"{digest}  {archive}\n"
    with zipfile.ZipFile(folder / "downloads" / archive) as packed:
        inside = {name: packed.read(name) for name in packed.namelist()}
        # The same files give the same bytes, whenever and wherever they are packed.
        times = {(one.date_time, one.compress_type) for one in packed.infolist()}
        assert times == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)}
    assert inside == {f"{NAME}/{name}": content for name, content in release.items()}
    for name, content in release.items():
        assert (made[f"{NAME}/{name}"] == content) == (name != "Tiny_v1.ipynb"), name
    for name, content in made.items():
        # A zip of ours is not compressed.
        for secret in (SECRET, HIDDEN, "BEGIN SOLUTION", str(course)):
            assert secret.encode() not in content, name


def test_a_published_notebook_is_the_released_one_with_two_more_cells(
    course: Path, publish: Publish
) -> None:
    assert publish(*ADDRESS)[0] == 0
    notebook = read_notebook(course.parent / "public" / NOTEBOOK)
    ids = [cell.id for cell in notebook.cells]
    assert ids == ["open-in-colab", "title", "later", "fetch-files", "imports", "f"]
    released = [notebook.cells[place] for place in (1, 2, 4, 5)]
    assert digest_cells(released) == notebook.metadata[KEY]["release"]
    # Whoever reads it for grading or upgrading does not see the two.
    read = read_file(course.parent / "public" / NOTEBOOK)
    assert [cell.cell_id for cell in read.cells] == ["title", "later", "imports", "f"]
    added = [notebook.cells[0], notebook.cells[3]]
    for cell, more in zip(added, (" Mine.", "\ndef mine(): pass"), strict=True):
        cell.source += more
    (course / "mine.ipynb").write_text(writes(notebook))
    assert [cell.cell_id for cell in read_file(course / "mine.ipynb").cells] == ids


@pytest.mark.parametrize("assignment", assignments(HOUSE), ids=lambda one: one.name)
def test_in_our_notebooks_the_cell_that_fetches_stands_above_the_imports(
    assignment: Assignment,
) -> None:
    released = read_notebook(assignment.release)
    notebook = published_notebook(released, "https://colab.example", f"{FIRST_LINE}\nfetch_files()")
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(released.cells) + 2
    place = ids.index("fetch-files")
    # A line of code that is no comment.
    runs = [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and re.search(r"^[^#\n]", cell.source, re.MULTILINE)
    ]
    assert runs[0] == "fetch-files" and runs[1] == ids[place + 1]


def test_only_what_changed_is_written_and_old_copies_of_a_notebook_still_find_their_files(
    course: Path, publish: Publish
) -> None:
    folder = course.parent / "public"
    assert publish(*ADDRESS)[0] == 0
    before = files(folder)
    assert "(0 files written, 0 removed)" in publish()[1] and files(folder) == before
    [old] = downloads(folder)
    settings = course / "source" / NAME / "assignment.toml"
    settings.write_text(settings.read_text() + "# changed\n")
    assert f"{NAME}: source/ has changed since the release" in publish()[1]
    make_release(course, "Another text.")
    (course / "release" / NAME / "images" / "hand.png").unlink()
    said = publish()[1]
    after = files(folder)
    [new] = {*downloads(folder)} - {old}
    assert not (folder / NAME / "images").exists()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == {
        *(NOTEBOOK, f"{NAME}/images/hand.png", f"downloads/{new}", "downloads/SHA256SUMS"),
        *("README.md", "index.html", "published.json"),
    }
    assert "(5 files written, 1 removed)" in said
    assert after["downloads/SHA256SUMS"].decode().count(".zip\n") == 2
    assert new in after["README.md"].decode() and old not in after["README.md"].decode()
    (folder / ".vscode" / "extensions.json").unlink()
    assert "(1 files written, 0 removed)" in publish()[1] and files(folder) == after
    # Another course's folder is not emptied.
    (course / "source" / NAME).rename(course / "source" / "other-v1")
    code, said = publish("other-v1")
    assert code == 1 and f"also has {NAME}, which is not in this course\nhint: remove" in said
    assert files(folder) == after


def test_an_interrupted_command_goes_on(
    course: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = course.parent / "public"
    assert publish(*ADDRESS)[0] == 0
    make_release(course, "Another text.")
    left = [5]

    def interrupted(path: Path, content: bytes) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        write_whole(path, content)

    with monkeypatch.context() as context:
        context.setattr(published_folder, "write_whole", interrupted)
        assert publish()[0] == 130
    make_release(course, "A third text.")
    assert publish()[0] == 0
    again = course.parent / "again"
    shutil.move(folder, again)
    assert publish(*ADDRESS)[0] == 0
    expected = files(folder)
    found = {name: content for name, content in files(again).items() if "download" not in name}
    assert {name for name in found if found[name] != expected[name]} <= {"published.json"}


def test_files_of_somebody_elses_stay(course: Path, publish: Publish) -> None:
    folder = course.parent / "public"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text(SECRET)  # git's own affair
    (folder / "README.md").write_text("# Mine\n")
    (folder / "LICENSE").write_text("mine")
    code, said = publish(*ADDRESS)
    assert code == 0 and "README.md is yours and stays as it is" in said
    assert (folder / "README.md").read_text() == "# Mine\n"
    (folder / "index.html").write_text("mine")
    (folder / "week-1.md").write_text("mine")
    said = publish()[1]
    assert "index.html is yours" in said and "README.md is yours" in said
    assert (folder / "index.html").read_text() == (folder / "week-1.md").read_text() == "mine"
    (folder / "index.html").unlink()
    assert "index.html is yours" not in publish()[1]
    (folder / "nowhere").symlink_to("no-such-file")
    os.mkfifo(folder / "pipe")
    assert publish()[0] == 0
    (folder / "pipe").unlink()
    before = files(folder)
    # Run and saved by somebody, perhaps with a solution.
    for name in (NOTEBOOK, f"{NAME}/expected.json"):
        (folder / name).write_text("mine")
        code, said = publish()
        assert code == 1 and f"{folder / name}\nhint: " in said and "nothing was written" in said
        (folder / name).write_bytes(before[name])
    elsewhere = course.parent / "elsewhere"
    (folder / NAME / "images").rename(elsewhere)
    (folder / NAME / "images").symlink_to(elsewhere)
    assert publish()[0] == 1
    (course / "release" / NAME / "images" / "hand.png").unlink()
    assert publish()[0] == 0 and (elsewhere / "hand.png").exists()


def test_a_secret_in_the_folder_stops_it(course: Path, publish: Publish) -> None:
    folder = course.parent / "public"
    assert publish(*ADDRESS)[0] == 0
    for name, content in (
        ("notes/week-1.md", HIDDEN),
        ("solution.ipynb", writes(new_notebook(cells=[new_code_cell(f"x\n{SECRET}")]))),
        ("damaged.ipynb", SECRET),
        ("README.md", SECRET),
    ):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_bytes() if path.exists() else b""
        path.write_text(content)
        code, said = publish()
        assert code == 1 and said.startswith("error: nothing was published: "), said
        assert f"{path}" in said and "students would see a line of" in said
        path.write_bytes(before)


def _edited_release(course: Path) -> None:
    path = course / "release" / NOTEBOOK
    path.write_text(path.read_text().replace("A text.", "An edited text."))


def _leaking_release(course: Path) -> None:
    (course / "release" / NAME / "images" / "hand.png").write_text(SECRET)


def _no_release(course: Path) -> None:
    shutil.rmtree(course / "release")


def _half_a_release(course: Path) -> None:
    (course / "release" / NAME / "expected.json").unlink()


def _other_files(course: Path) -> None:
    (course.parent / "public").mkdir()
    (course.parent / "public" / "thesis.txt").write_text("mine")


def _a_file(course: Path) -> None:
    (course.parent / "public").write_text("mine")


def _a_course(course: Path) -> None:
    (course.parent / "public" / "grader_tests").mkdir(parents=True)


def _a_broken_record(course: Path) -> None:
    (course.parent / "public").mkdir()
    (course.parent / "public" / "published.json").write_text('{"schema": 1}')


def _a_record_that_leads_elsewhere(course: Path) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    record = {"schema": 1, "address": {}, "assignments": []}
    record["files"] = {"../course/nbgrader_config.json": [digest]}
    (course.parent / "public").mkdir()
    (course.parent / "public" / "published.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (
            _edited_release,
            "is not as it was released\nhint: make it again, with: coursekit release",
        ),
        (_leaking_release, f"release/{NAME}/images/hand.png: students would see"),
        (_no_release, "there is no release to publish\nhint: make one"),
        (_half_a_release, "has no expected.json\nhint: "),
        (_other_files, "has files of something else, such as thesis.txt"),
        (_a_file, "is no folder\nhint: choose a folder of its own"),
        (_a_course, "it has grader_tests, which students must not see\nhint: "),
        (_a_broken_record, "cannot be read: it is not what coursekit publish wrote\nhint: "),
        (_a_record_that_leads_elsewhere, "cannot be read: it is not what"),
    ],
)
def test_what_cannot_be_published_is_told_and_nothing_is_written(
    prepare: Callable[[Path], None], error: str, course: Path, publish: Publish
) -> None:
    prepare(course)
    before = files(course.parent)
    code, said = publish(*ADDRESS)
    assert code == 1 and said.startswith("error: ") and error in said, said
    assert files(course.parent) == before


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("course", "it has source, which students must not see"),
        (".", "it has the course course, which students must not see"),
        ("course/release/public", "is in the course's release/"),
        ("course/submitted/x", "is in the course's submitted/"),
    ],
)
def test_a_folder_with_secrets_or_of_another_purpose_is_refused(
    place: str, error: str, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(course.parent / place)
    assert main(["--course", str(course), "publish", folder, *ADDRESS]) == 1
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "it is not known where this will be published\nhint: give the repository"),
        (("--address", "https://gitlab.com/a/b"), "is no repository on GitHub\nhint: give"),
        (("--address", "https://github.com/owner"), "is no repository on GitHub\nhint: give"),
        ((*ADDRESS, "--branch", "a/../x"), "is no name of a branch\nhint: "),
        (("--files", "ftp://example.org"), "is no address of the web\nhint: "),
        (("--files", 'https://example.org/"+evil()+"'), "is no address of the web\nhint: "),
        ((*FILES, "--hub", "https://hub.example.edu"), "a JupyterHub fetches a repository"),
        ((*ADDRESS, "--hub", "hub.example.edu"), "is no address of the web\nhint: "),
    ],
)
def test_a_wrong_address_is_told(arguments: tuple[str, ...], error: str, publish: Publish) -> None:
    code, said = publish(*arguments)
    assert code == 1 and said.startswith("error: ") and error in said, said


def links(folder: Path) -> dict[str, str]:
    """The links of the page by their hosts."""
    page = (folder / "README.md").read_text()
    found = re.findall(r"\]\((https://[^)]+)\): ", page)
    assert len(found) == len(re.findall(r"^- ", page, re.MULTILINE))
    # Both pages lead to the same places.
    html = (folder / "index.html").read_text()
    assert re.findall(r'href="([^"]+)"', html) == [one.replace("&", "&amp;") for one in found]
    assert "Tiny &amp; small (v1)" in html and "script" not in html
    return {urlsplit(one).hostname or "": one for one in found}


def test_each_link_leads_to_the_notebook(course: Path, publish: Publish) -> None:
    hub = ("--hub", "https://hub.example.edu/jupyter/")
    code, said = publish(*ADDRESS, "--branch", "autumn/26", *hub)
    assert code == 0, said
    folder = course.parent / "public"
    by_host = links(folder)
    # As nbgitpuller reads them.
    pulled = urlsplit(by_host["hub.example.edu"])
    assert pulled.path == "/jupyter/hub/user-redirect/git-pull"
    assert "://" not in pulled.query
    assert parse_qs(pulled.query, strict_parsing=True) == {
        "repo": [ADDRESS[1]],
        "branch": ["autumn/26"],
        "urlpath": [f"lab/tree/a.course/{NOTEBOOK}"],
    }
    binder = urlsplit(by_host["mybinder.org"])
    kind, *parts = binder.path.removeprefix("/v2/").split("/")
    assert (kind, *map(unquote, parts)) == ("gh", "some-owner", "a.course", "autumn/26")
    assert parse_qs(binder.query) == {"labpath": [NOTEBOOK]}
    colab = (
        f"https://colab.research.google.com/github/some-owner/a.course/blob/autumn/26/{NOTEBOOK}"
    )
    assert by_host["colab.research.google.com"] == colab
    assert by_host["codespaces.new"].startswith(
        "https://codespaces.new/some-owner/a.course/tree/autumn/26?"
    )
    assert by_host["vscode.dev"].endswith(f"cloneInVolume?url={ADDRESS[1]}/tree/autumn/26")
    [archive] = downloads(folder)
    raw = f"https://raw.githubusercontent.com/some-owner/a.course/autumn/26/downloads/{archive}"
    assert by_host["raw.githubusercontent.com"] == raw
    cells = {cell.id: cell.source for cell in read_notebook(folder / NOTEBOOK).cells}
    assert f"]({colab})" in cells["open-in-colab"] and f'"{raw}"' in cells["fetch-files"]
    assert colab in said
    # The address is known from now on; an option that changes it changes the rest, too.
    assert publish("--hub", "none", "--branch", "main")[0] == 0
    by_host = links(folder)
    assert "hub.example.edu" not in by_host and "/main/" in by_host["raw.githubusercontent.com"]


def test_elsewhere_than_on_github_there_are_downloads(course: Path, publish: Publish) -> None:
    code, said = publish(*FILES)
    assert code == 0 and "next: put what is in" in said and "colab" not in said.lower()
    folder = course.parent / "public"
    [archive] = downloads(folder)
    assert links(folder) == {"example.org": f"https://example.org/course/downloads/{archive}"}
    cells = [cell.id for cell in read_notebook(folder / NOTEBOOK).cells]
    assert "fetch-files" in cells and "open-in-colab" not in cells
    assert not (folder / ".binder").exists() and not (folder / ".devcontainer").exists()


def test_environments_have_what_the_notebooks_import_in_the_versions_that_are_here(
    course: Path, publish: Publish
) -> None:
    assert publish(*ADDRESS)[0] == 0
    binder = course.parent / "public" / ".binder"
    lines = (binder / "requirements.txt").read_text().splitlines()
    packages = ("ipykernel", "keras", "numpy", "pillow", "pydot")
    assert [line for line in lines if line[0] != "#"] == [
        f"{package}=={version(package)}" for package in packages
    ]
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (binder / "runtime.txt").read_text() == f"python-{python}\n"
    assert (binder / "apt.txt").read_text() == "graphviz\n"
    container = dev_container(course.parent / "public")
    assert container["image"] == f"mcr.microsoft.com/devcontainers/python:{python}"
    assert "--requirement .binder/requirements.txt" in container["postCreateCommand"]
    recommended = json.loads((course.parent / "public/.vscode/extensions.json").read_text())
    assert set(recommended) == {"recommendations"}
    assert recommended["recommendations"] == container["customizations"]["vscode"]["extensions"]


def dev_container(folder: Path) -> dict[str, Any]:
    """The folder's dev container, of whose schema we use these keys."""
    found = json.loads((folder / ".devcontainer" / "devcontainer.json").read_text())
    kinds = {"name": str, "image": str, "postCreateCommand": str, "customizations": dict}
    for key, kind in kinds.items():
        assert isinstance(found[key], kind), key
    assert set(found) <= {*kinds, "hostRequirements"}
    needs = found["hostRequirements"]
    assert set(needs) == {"cpus", "memory"} and needs["cpus"] >= 1
    assert re.fullmatch(r"\d+([tgmk]b)?", needs["memory"])
    return dict(found)


def test_the_repository_has_a_dev_container_of_its_own() -> None:
    assert dev_container(HOUSE)["postCreateCommand"].endswith("make setup")
