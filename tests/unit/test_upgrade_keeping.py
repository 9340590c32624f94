"""Beside the answers: a student's own cells, notes and pictures stay; nothing is written over."""

from __future__ import annotations

import contextlib
import copy
import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import upgrade_notebooks as earlier
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.utils import compute_checksum
from upgrade_notebooks import FUNCTIONS

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in
from coursekit.course.known_answers import solution_cells
from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.plain_notebook import checksum
from resnets_utils.upgrade import upgrade, upgrade_file
from resnets_utils.upgrade.__main__ import main
from resnets_utils.upgrade.notebook_files import copy_pictures, write_in_place, write_new
from resnets_utils.upgrade.release_files import read_release, release_here

RELEASE = Assignment(Path(__file__).resolve().parents[2], "residual-networks-v2a").release
SOLUTIONS = solution_cells(Assignment(RELEASE.parents[2], "residual-networks-v2a"))
PIXEL = {"image/png": "iVBORw0KGgo="}
AS_IT_WAS = earlier.named_samples()[0].content


def released() -> NotebookNode:
    return read_notebook(RELEASE)


def ours(change: Callable[[NotebookNode], object] = lambda notebook: None) -> NotebookNode:
    """Our own release with the answers written, and then changed."""
    notebook = fill_in(released(), SOLUTIONS)
    change(notebook)
    return notebook


def carried(old: NotebookNode | bytes, folder: Path) -> NotebookNode:
    """The new notebook that comes of an old one."""
    path = folder / "old.ipynb"
    path.write_bytes(old if isinstance(old, bytes) else json.dumps(old).encode())
    upgrade_file(path, read_release(RELEASE), folder / "new.ipynb")
    notebook = read_notebook(folder / "new.ipynb")
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    return notebook


def ids(notebook: NotebookNode) -> list[str]:
    return [cell.id for cell in notebook.cells]


def place(notebook: NotebookNode, cell_id: str) -> int:
    return ids(notebook).index(cell_id)


def test_our_own_answers_are_carried_letter_by_letter(tmp_path: Path) -> None:
    notebook = carried(ours(), tmp_path)
    for name, text in SOLUTIONS.items():
        assert notebook.cells[place(notebook, name)].source == text
    assert ids(notebook) == [released().cells[0].id, "upgrade-report", *ids(released())[1:]]
    stamp = notebook.metadata.residual_networks
    assert stamp.upgraded_from.file == "old.ipynb"
    del stamp["upgraded_from"]
    assert stamp == released().metadata.get("residual_networks", {})


def test_words_that_only_the_version_changed_are_not_kept(tmp_path: Path) -> None:
    notebook = ours(lambda notebook: notebook.cells[3].update(source="My own words."))
    (tmp_path / "old.ipynb").write_text(json.dumps(notebook))
    newer = Assignment(RELEASE.parents[2], "residual-networks-v3").release
    upgrade_file(tmp_path / "old.ipynb", read_release(newer), tmp_path / "new.ipynb")
    found = read_notebook(tmp_path / "new.ipynb").cells
    # All that follows the last released cell: a heading, and what the student wrote.
    last = [cell.id for cell in found].index(read_notebook(newer).cells[-1].id)
    assert [cell.source for cell in found[last + 2 :]] == ["My own words."]


def test_an_answer_that_python_cannot_read_is_in_its_place_to_be_fixed(tmp_path: Path) -> None:
    [broken] = [found for found in earlier.named_samples() if found.name == "a syntax error"]
    cell = carried(broken.content, tmp_path).cells
    answer = cell[[one.id for one in cell].index("identity_block")]
    assert "Add()([X, X_shortcut]\n" in answer.source and "NotImplementedError" not in answer.source


def test_the_released_cells_stay_as_they_are(tmp_path: Path) -> None:
    notebook = carried(AS_IT_WAS, tmp_path)
    for cell in released().cells:
        new = notebook.cells[place(notebook, cell.id)]
        assert new.metadata == cell.metadata
        assert new.source == cell.source or cell.id in FUNCTIONS


def test_own_cells_stay_in_their_places(tmp_path: Path) -> None:
    def change(notebook: NotebookNode) -> None:
        note = new_markdown_cell("![mine](attachment:a.png)", attachments={"a.png": PIXEL})
        at = place(notebook, "identity_block") + 1
        notebook.cells[at:at] = [note, new_code_cell("mine = 1", id="identity_block_2")]
        notebook.cells.insert(0, new_code_cell("first = 1", id="0a0a0a0a"))
        notebook.cells.append(new_code_cell("last = 1", metadata={"tags": ["a"]}))

    notebook = carried(ours(change), tmp_path)
    at = place(notebook, "identity_block")
    assert notebook.cells[at + 1].attachments == {"a.png": PIXEL}
    assert notebook.cells[at + 2].source == "mine = 1"
    assert [notebook.cells[end].source for end in (0, -1)] == ["first = 1", "last = 1"]
    assert notebook.cells[1].id == "upgrade-report"
    assert notebook.cells[-1].metadata == {"tags": ["a"]}


def test_edited_words_and_code_are_kept_at_the_end(tmp_path: Path) -> None:
    def change(notebook: NotebookNode) -> None:
        notebook.cells[place(notebook, "skip-connection")].source += "\nMy thoughts."
        notebook.cells[place(notebook, "train")].source += "\n# 20 epochs"
        notebook.cells[place(notebook, "test_ResNet50")].source += "\n# tried"

    notebook = carried(ours(change), tmp_path)
    after = notebook.cells[place(notebook, "upgrade-appendix") + 1 :]
    assert [cell.cell_type for cell in after] == ["markdown", "raw", "raw"]
    for cell, words in zip(after, ("My thoughts.", "# tried", "# 20 epochs"), strict=True):
        assert cell.source.endswith(words) and "nbgrader" not in cell.metadata


def test_moved_cells_are_found_by_their_names(tmp_path: Path) -> None:
    def change(notebook: NotebookNode) -> None:
        notebook.cells.reverse()

    notebook = carried(ours(change), tmp_path)
    assert ids(notebook)[2:] == ids(released())[1:]
    for name, text in SOLUTIONS.items():
        assert notebook.cells[place(notebook, name)].source == text


def test_an_answer_beside_its_cell_is_found_and_cannot_run_twice(tmp_path: Path) -> None:
    def change(notebook: NotebookNode) -> None:
        at = place(notebook, "identity_block")
        notebook.cells[at].source = released().cells[place(released(), "identity_block")].source
        text = "ROUND = 0\n" + SOLUTIONS["identity_block"]
        notebook.cells.insert(at + 1, new_code_cell(text))

    notebook = carried(ours(change), tmp_path)
    at = place(notebook, "identity_block")
    _, comment, function = SOLUTIONS["identity_block"].partition("identity_block\n\n")
    assert comment and notebook.cells[at].source == function
    assert notebook.cells[at + 1].cell_type == "raw"
    assert notebook.cells[at + 1].source.startswith("ROUND = 0")


def test_what_is_tried_after_the_test_is_no_answer(tmp_path: Path) -> None:
    def change(notebook: NotebookNode) -> None:
        text = SOLUTIONS["identity_block"].replace('"same"', '"valid"')
        notebook.cells.append(new_code_cell(text))

    notebook = carried(ours(change), tmp_path)
    assert notebook.cells[place(notebook, "identity_block")].source == SOLUTIONS["identity_block"]
    assert '"valid"' in notebook.cells[-1].source and notebook.cells[-1].cell_type == "raw"


def test_an_upgrade_of_an_upgrade_has_one_report(tmp_path: Path) -> None:
    first = carried(ours(), tmp_path)
    (tmp_path / "again").mkdir()
    second = carried(copy.deepcopy(first), tmp_path / "again")
    assert ids(second) == ids(first)


def test_cells_of_other_notebooks_are_kept_as_text(tmp_path: Path) -> None:
    cells = [
        earlier.code(earlier.NAMED_IMPORTS),
        *(earlier.code(text) for text in earlier.NAMED.values()),
        earlier.markdown("My *notes* <b>", attachments={"p.png": PIXEL, "q": "no picture"}),
        earlier.code("import os\nos.remove('x')", nbgrader={"grade_id": "ResNet50"}, tags=7),
        earlier.code("%%bash\nrm -r ."),
        earlier.markdown('<img src="images/skip_kiank.png" style="width:650px;height:200px;">'),
        earlier.code("   \n"),
    ]
    notebook = carried(earlier.as_file(cells), tmp_path)
    after = notebook.cells[place(notebook, "upgrade-appendix") + 1 :]
    assert [(cell.cell_type, cell.source) for cell in after] == [
        ("markdown", "My *notes* <b>"),
        ("raw", "import os\nos.remove('x')"),
        ("raw", "%%bash\nrm -r ."),
    ]
    assert all(cell.metadata == {} for cell in after)


def test_a_helper_is_brought_along_once(tmp_path: Path) -> None:
    (sample,) = (case for case in earlier.named_samples() if case.name.startswith("helper"))
    notebook = carried(sample.content, tmp_path)
    text = notebook.cells[place(notebook, "identity_block")].source
    assert text.index("AXIS = 3") < text.index("def batch(") < text.index("def identity_block(")
    everything = "\n".join(cell.source for cell in notebook.cells[2:])
    assert everything.count("def batch(") == 1


def test_pictures_beside_the_old_notebook_come_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old / "my pictures", new):
        folder.mkdir(parents=True)
    (old / "my pictures" / "a.png").write_bytes(b"a")
    (old / "b.png").write_bytes(b"b")
    (new / "b.png").write_bytes(b"new")
    (tmp_path / "outside.png").write_bytes(b"secret")
    (old / "link.png").symlink_to(tmp_path / "outside.png")
    with (old / "huge.png").open("wb") as file:
        file.truncate(21 * 2**20)
    text = (
        "![](my%20pictures/a.png) <img width=3 src='b.png'> ![](link.png) ![](huge.png)\n"
        "![](../outside.png) ![](https://host/c.png) ![](/etc/passwd) ![](missing.png)"
    )
    path = old / "x.ipynb"
    path.write_bytes(earlier.as_file([*earlier.edition("", earlier.NAMED), earlier.markdown(text)]))
    report = upgrade_file(path, read_release(RELEASE), new / "x.ipynb")
    found = {str(file.relative_to(new)): file.read_bytes() for file in new.rglob("*.png")}
    assert found == {"my pictures/a.png": b"a", "b.png": b"new"}
    said = report.as_text()
    assert "picture copied: my pictures/a.png" in said
    assert "link.png was not copied" in said and "huge.png was not copied" in said


def test_the_report_cannot_break_the_page(tmp_path: Path) -> None:
    answers = earlier.changed(
        earlier.NAMED,
        "ResNet50",
        ("AveragePooling2D(pool_size=(2, 2), name='avg_pool')(X)",
         "AveragePooling2D()(X) # ```` <script>alert(1)</script>"),
    )  # fmt: skip
    notebook = carried(earlier.as_file(earlier.edition(earlier.NAMED_IMPORTS, answers)), tmp_path)
    report = notebook.cells[1].source
    before, fence, after = report.partition("`````diff\n")
    assert fence and "<" not in before
    assert "<" not in after.split("`````", 1)[1]


def test_our_checksum_is_nbgraders() -> None:
    for cell in released().cells:
        if "nbgrader" in cell.metadata:
            ours_says = checksum(cell.cell_type, cell.source, cell.metadata.nbgrader)
            assert ours_says == compute_checksum(cell)


BROKEN: list[tuple[str, bytes | None, str]] = [
    ("missing.ipynb", None, "does not exist"),
    ("script.py", b"def identity_block(): pass", "Python file"),
    ("empty.ipynb", b" \n", "is empty"),
    ("cut.ipynb", AS_IT_WAS[:5000], "is damaged"),
    ("list.ipynb", b"[1, 2]", "holds no cells"),
    ("other.ipynb", b'{"a": 1}', "holds no cells"),
    ("picture.ipynb", b"\x89PNG\r\n\x1a\n\x00", "is damaged"),
    (
        "other exercise.ipynb",
        earlier.as_file([earlier.code("x = 1")]),
        "defines no graded",
    ),
    ("deep.ipynb", b"[" * 100_000, "damaged"),
    ("endless.ipynb", b'{"cells": ' + b"9" * 5000 + b"}", "too many digits"),
]


@pytest.mark.parametrize(("name", "content", "words"), BROKEN, ids=lambda part: str(part)[:12])
def test_files_that_are_no_notebooks_are_told_in_words(
    name: str, content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / name
    if content is not None:
        old.write_bytes(content)
    arguments = [str(old), "--release", str(RELEASE), "--output", str(tmp_path / "new.ipynb")]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "\nhint: " in said and words in said
    assert not (tmp_path / "new.ipynb").exists()


def test_odd_notebooks_are_forgiven(tmp_path: Path) -> None:
    cells: list[Any] = [
        *earlier.edition(earlier.NAMED_IMPORTS, earlier.NAMED),
        "no cell",
        {"cell_type": "code"},
        {"cell_type": "markdown", "source": "note \ud83d", "metadata": {"a": float("nan")}},
        {"cell_type": "code", "source": 7, "metadata": [], "id": 4},
        {"cell_type": ["code"], "source": ""},
    ]
    notebook = carried(earlier.as_file(cells, minor=5), tmp_path)
    assert notebook.cells[-1].source == "note \N{REPLACEMENT CHARACTER}"


@contextlib.contextmanager
def within(folder: Path) -> Any:
    was = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(was)


def test_the_release_beside_it_is_filled_in_place(tmp_path: Path) -> None:
    (tmp_path / "old.ipynb").write_bytes(AS_IT_WAS)
    notebook = released()
    notebook.cells.insert(3, new_code_cell("mine = 1", id="mine"))
    target = tmp_path / RELEASE.name
    target.write_text(json.dumps(notebook), encoding="utf-8")
    with within(tmp_path), contextlib.redirect_stdout(io.StringIO()) as said:
        report = upgrade("old.ipynb")
    assert (
        "Reload Notebook from Disk" in said.getvalue() and "✓ ResNet50: carried" in said.getvalue()
    )
    assert repr(report).startswith("Report(identity_block: carried")
    assert "mine" in ids(nbformat.read(target, as_version=4))
    filled = target.read_bytes()
    with within(tmp_path), pytest.raises(StudentError, match="already holds answers"):
        upgrade("old.ipynb", release=target)
    assert target.read_bytes() == filled
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([RELEASE.name, "old.ipynb"])


def test_nothing_is_written_over(tmp_path: Path) -> None:
    old, there = tmp_path / "old.ipynb", tmp_path / "there.ipynb"
    old.write_bytes(AS_IT_WAS)
    there.write_bytes(b"mine")
    same = tmp_path / "same.ipynb"
    os.link(old, same)
    outputs = {old: "both the old", same: "both the old", there: "already there"}
    for output, words in outputs.items():
        with pytest.raises(StudentError, match=words):
            upgrade_file(old, read_release(RELEASE), output)
    # Somebody may be quicker between the looking and the writing.
    with pytest.raises(StudentError, match="already there"):
        write_new(there, "new")
    with pytest.raises(StudentError, match="saved by another program"):
        write_in_place(there, "new", before=b"what it was")
    dangling = tmp_path / "dangling.ipynb"
    dangling.symlink_to(tmp_path / "nowhere.ipynb")
    with pytest.raises(StudentError, match="already there"):
        upgrade_file(old, read_release(RELEASE), dangling)
    with pytest.raises(StudentError, match="no folder"):
        upgrade_file(old, read_release(RELEASE), tmp_path / "no" / "new.ipynb")
    assert (old.read_bytes(), there.read_bytes()) == (AS_IT_WAS, b"mine")


def test_helpers_come_in_the_notebook_s_order(tmp_path: Path) -> None:
    answers = earlier.changed(earlier.NAMED, "identity_block", ("axis = 3", "axis = AXIS"))
    first = [earlier.code("LAST = 3\nAXIS = LAST")]
    cells = earlier.edition(earlier.NAMED_IMPORTS, answers, first=first)
    notebook = carried(earlier.as_file(cells), tmp_path)
    text = notebook.cells[place(notebook, "identity_block")].source
    assert text.startswith("LAST = 3\n\nAXIS = LAST\n\n# GRADED FUNCTION")


def test_the_release_must_be_plain(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="is not a release"):
        (tmp_path / "old.ipynb").write_bytes(AS_IT_WAS)
        read_release(tmp_path / "old.ipynb")
    with within(tmp_path), pytest.raises(StudentError, match="no notebook with cells for answers"):
        read_release(tmp_path)
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).write_bytes(RELEASE.read_bytes())
    with within(tmp_path), pytest.raises(StudentError, match=r"a\.ipynb, b\.ipynb"):
        release_here(tmp_path / "old.ipynb")
    with within(tmp_path):
        assert release_here(tmp_path / "a.ipynb").path.name == "b.ipynb"


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("step", "in_place"), [("fsync", False), ("link", False), ("fsync", True), ("replace", True)]
)
def test_an_interruption_leaves_the_whole_notebook_or_none(
    step: str,
    in_place: bool,
    done: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, release = tmp_path / "old.ipynb", tmp_path / RELEASE.name
    old.write_bytes(AS_IT_WAS)
    release.write_bytes(RELEASE.read_bytes())
    new = release if in_place else tmp_path / "new.ipynb"
    before = {path: path.read_bytes() for path in (old, release)}
    really = getattr(os, step)

    def interrupted(*arguments: Any) -> None:
        if done:
            really(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupted)
    assert main([str(old), "--release", str(release), "--output", str(new)]) == 130
    assert capsys.readouterr().err == "error: interrupted\nhint: run the command again\n"
    left = {path: path.read_bytes() for path in tmp_path.iterdir()}
    if done and step != "fsync":
        assert left.keys() == {*before, new} and left[old] == AS_IT_WAS
        assert "upgrade-report" in ids(nbformat.reads(left[new].decode(), as_version=4))
    else:
        assert left == before


def test_without_links_a_new_notebook_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "this file system has no links")

    def no_renames(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "link", no_links)
    new = tmp_path / "new.ipynb"
    write_new(new, "new")
    with pytest.raises(StudentError, match="already there"):
        write_new(new, "newer")
    assert new.read_text() == "new"
    monkeypatch.setattr(os, "replace", no_renames)
    with pytest.raises(StudentError, match="no space left"):
        write_new(tmp_path / "another.ipynb", "new")
    assert [*tmp_path.iterdir()] == [new]


@pytest.mark.parametrize("name", ["pictures/a.png", "more/pictures/a.png"])
def test_no_picture_is_written_through_a_link(name: str, tmp_path: Path) -> None:
    old, new, outside = (tmp_path / folder for folder in ("old", "new", "outside"))
    (old / name).parent.mkdir(parents=True)
    (old / name).write_bytes(b"a")
    new.mkdir()
    (outside / "pictures").mkdir(parents=True)
    (new / Path(name).parts[0]).symlink_to(outside)
    copied, left = copy_pictures([f"![]({name})"], old, new)
    assert copied == [] and left == [
        f"{name} could not be copied; copy it beside the new notebook yourself"
    ]
    assert not [path for path in outside.rglob("*") if path.is_file()]


def test_a_helper_in_a_cell_that_runs_anyway_is_not_copied(tmp_path: Path) -> None:
    text = SOLUTIONS["identity_block"].replace("axis=3", "axis=AXIS").replace("Add()", "plus()")
    assert "AXIS" in text and "plus" in text

    def change(notebook: NotebookNode) -> None:
        at = place(notebook, "identity_block")
        notebook.cells[at].source = text
        mine = "AXIS = 3\n\ndef plus():\n    return Add()"
        notebook.cells.insert(at, new_code_cell(mine, id="5e5e5e5e"))

    notebook = carried(ours(change), tmp_path)
    at = place(notebook, "identity_block")
    assert notebook.cells[at].source == text
    assert (
        "def plus" in notebook.cells[at - 1].source and notebook.cells[at - 1].cell_type == "code"
    )
