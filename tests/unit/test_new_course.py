"""``coursekit init``: what it writes, what it keeps, and where it refuses."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest

from coursekit.cli import main
from coursekit.course.assignment import SETTINGS, assignments
from coursekit.new_course.make_course import TEMPLATE, settings_of

HOUSE = Path(__file__).resolve().parents[2]
ASSIGNMENTS = [one.name for one in assignments(HOUSE)]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_course_has_the_repositorys_settings_and_assignments(tmp_path: Path) -> None:
    course = tmp_path / "Kurs [2026] ä"
    assert main(["init", str(course)]) == 0
    made = files(course)
    for place in ("source", "grader_tests"):
        for name in ASSIGNMENTS:
            own = HOUSE / place / name
            whole = {
                path
                for path in files(own)
                if not re.search(r"__pycache__|\.ipynb_checkpoints|^datasets/|model\.png", path)
            }
            assert whole and whole == set(files(course / place / name))
            for path in whole:
                assert made[f"{place}/{name}/{path}"] == (own / path).read_bytes()
    for same in ("nbgrader_config.json", "examples/submissions.toml", "docs/authoring.md"):
        assert made[same] == (HOUSE / same).read_bytes()
    settings = (HOUSE / "nbgrader_config.py").read_text()
    assert settings.count('"residual-networks"') == 1
    expected = settings.replace('"residual-networks"', '"Kurs-2026-ä"')
    assert made["nbgrader_config.py"].decode() == expected
    # Solutions and hidden tests are in it.
    assert stat.S_IMODE(course.stat().st_mode) == 0o700
    assert not {".draft", "__pycache__"} & {Path(name).suffix for name in made}


def test_the_template_is_the_repositorys_own_files() -> None:
    own = {TEMPLATE / "README.md", TEMPLATE / "gitignore"}
    for path in (*TEMPLATE.iterdir(), *(TEMPLATE / "docs").iterdir()):
        if path not in own and path.name not in {"docs", "__pycache__"}:
            assert path.resolve() == HOUSE / path.relative_to(TEMPLATE), path
    ignored = (HOUSE / ".gitignore").read_text().splitlines()
    wanted = (TEMPLATE / "gitignore").read_text().splitlines()
    said = {line.strip("/") for line in ignored if not line.startswith("#")}
    # The repository keeps a page in autograded/.
    assert {line.strip("/") for line in wanted if line and line[0] != "#"} - said == {"autograded"}


@pytest.mark.parametrize("name", ["a b", "..", "", "ä", "x/y", "-[1]-", 'q"\\'])
def test_any_folder_gives_a_course_id(name: str) -> None:
    settings = settings_of(name, (HOUSE / "nbgrader_config.py").read_text())
    [found] = re.findall(r'^c\.CourseDirectory\.course_id = "([\w.-]+)"$', settings, re.MULTILINE)
    assert found and found[0] not in ".-"


def test_what_is_there_stays_and_what_is_missing_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = tmp_path / "course"
    course.mkdir()
    (course / ".venv").mkdir()
    assert main(["--course", str(course), "init", "--empty"]) == 0
    assert not (course / "source").exists() and not (course / "examples").exists()
    assert "coursekit new-assignment" in capsys.readouterr().out
    (course / "nbgrader_config.py").write_text("# mine\n")
    (course / "README.md").unlink()
    (course / "source" / ASSIGNMENTS[0]).mkdir(parents=True)
    assert main(["init", str(course)]) == 0
    said = capsys.readouterr().out
    assert f"source/{ASSIGNMENTS[1]}/" in said and ASSIGNMENTS[0] not in said
    assert (course / "nbgrader_config.py").read_text() == "# mine\n"
    assert not list((course / "source" / ASSIGNMENTS[0]).iterdir())
    assert (course / "README.md").is_file() and (course / "examples" / "submissions.toml").is_file()
    before = files(course)
    assert main(["init", str(course)]) == 0
    assert "lacks nothing" in capsys.readouterr().out and files(course) == before


def test_an_interrupted_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = tmp_path / "course"

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(shutil, "copytree", interrupt)
        assert main(["init", str(course)]) == 130
    assert not list((course / "source").glob("*")) and (course / SETTINGS[1]).is_file()
    assert main(["init", str(course)]) == 0
    assert [one.name for one in assignments(course)] == ASSIGNMENTS


@pytest.mark.parametrize("beside", ["thesis.txt", SETTINGS[0]])
def test_a_folder_of_something_else_is_refused(
    beside: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / beside).write_text("mine")
    for place in (tmp_path, tmp_path / beside, tmp_path / beside / "deeper"):
        assert main(["init", str(place)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ") and "\nhint: choose " in said, said
    os.symlink(tmp_path / "gone", tmp_path / "link")
    assert main(["init", str(tmp_path / "link")]) == 1
    assert "link is no folder" in capsys.readouterr().err
    assert files(tmp_path) == {beside: b"mine"}


def test_a_course_is_not_made_where_students_code_could_read_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(sys.prefix) / "a-course"
    assert main(["init", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "students' code could read a course there" in said and "\nhint: choose " in said
    assert not folder.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["release"],
        ["release", "a-v1"],
        ["demo"],
        ["regrade", "a-v1"],
        ["grade", "a-v1"],
        ["upgrade", "."],
        ["new-version", "a-v1", "a-v2"],
    ],
)
def test_a_command_in_another_folder_ends_in_words(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("other", "empty"):
        (tmp_path / folder).mkdir()
    assert main(["init", "empty", "--empty"]) == 0
    for folder in ("other", "empty"):
        capsys.readouterr()
        assert main(["--course", folder, *words]) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ") and "\nhint: " in said, said
        assert not list((tmp_path / "other").iterdir())
