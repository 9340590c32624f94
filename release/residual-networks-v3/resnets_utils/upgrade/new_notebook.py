"""Assemble the new notebook from the release, the answers and the student's other cells."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import escape

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from resnets_utils.notebooks.plain_notebook import Cell, PlainNotebook
from resnets_utils.notebooks.python_text import PythonText, required
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.notebooks.stamp import KEY, digest_of_text, read_stamp
from resnets_utils.upgrade.carrier import Carried, defines_graded
from resnets_utils.upgrade.upgrade_report import fenced

REPORT = "upgrade-report"
APPENDIX = "upgrade-appendix"
BESIDE = "beside-"
_APPENDIX_TEXT = (
    "## From your earlier notebook\n\n"
    "These cells of the earlier notebook are not graded answers. Code is kept as raw text "
    "and does not run; to use a cell again, turn it back into code (Esc, then Y)."
)
_EXERCISE_CALLS = {"load_model", "plot_model", "print", "SVG"}
_EXERCISE_METHODS = {"compile", "evaluate", "fit", "summary", "to_categorical", "create"}
_SETTING_UP = {"set_image_data_format", "set_learning_phase", "seed"}
_PICTURE = r"(?:<img\b[^>]*\bimages/[^>]*>|!\[[^\]]*\]\(images/[^)]*\))"
_ONLY_A_PICTURE = re.compile(rf"\s*(?:<center>|<caption>|</?\w+>|\s)*{_PICTURE}(?:</?\w+>|\s)*")
# Ids that programs make at random; those of a release are words.
_RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]+)?")
_OUR_ID = re.compile(r"[a-z]+(-[a-z0-9]+)*")
_USUAL_MAGIC = re.compile(r"\s*(%(matplotlib|load_ext|autoreload)\b.*)?")
_METADATA_LEFT_OUT = {"nbgrader", "deletable", "editable", "name", "execution", "format"}


class Extras:
    """The cells of the earlier notebook that are not answers, sorted by where they go.

    ``ours`` says whether the notebook is a release of this course.
    """

    def __init__(self, earlier: PlainNotebook, release: ReleasedNotebook, *, ours: bool) -> None:
        self._cells = earlier.cells
        self._release = release
        self._functions = set(release.solutions)
        stamp = read_stamp(earlier.metadata)
        self._texts_as_released = dict(stamp.cells) if stamp else {}
        self.in_place: dict[int, str] = {}  # place of a cell: id of the released one before it
        self.appendix: list[int] = []
        if ours:
            self._sort_ours()
        else:
            # A function without required parameters is called to build the network.
            blank = release.blank_functions
            calls = _EXERCISE_CALLS | {name for name in blank if not required(blank[name])}
            self.appendix = [
                place
                for place, cell in enumerate(earlier.cells)
                if not _is_plainly_the_exercise(cell, calls)
            ]

    @property
    def running(self) -> set[int]:
        """Places of the code cells that the new notebook runs as they are."""
        return {
            place
            for place in self.in_place
            if self._cells[place].kind == "code"
            and not defines_graded(self._cells[place], self._functions)
        }

    def _sort_ours(self) -> None:
        released = {cell.id: cell for cell in self._release.notebook.cells}
        by_text = {cell.source.strip(): cell.id for cell in self._release.notebook.cells}
        anchor = ""
        for place, cell in enumerate(self._cells):
            known = cell.grade_id or cell.cell_id
            if not known or known not in released:
                known = by_text.get(cell.source.strip(), known)
            if not cell.source.strip() or known == REPORT:
                continue
            if self._texts_as_released.get(cell.cell_id) == digest_of_text(cell.source):
                anchor = known if known in released else anchor
                continue  # unchanged
            if known in released:
                anchor = known
                same = cell.source.strip() == released[known].source.strip()
                if not (same or cell.is_unchanged):
                    self.appendix.append(place)
            elif cell.grade_id or _is_of_an_older_release(cell.cell_id):
                self.appendix.append(place)
            else:
                self.in_place[place] = anchor


def _is_of_an_older_release(cell_id: str) -> bool:
    """Whether an id that this release does not know is an older release's."""
    made_here = cell_id.startswith(("earlier-", "upgrade-", BESIDE))
    return bool(_OUR_ID.fullmatch(cell_id)) and not (made_here or _RANDOM_ID.fullmatch(cell_id))


def _is_plainly_the_exercise(cell: Cell, calls: Collection[str]) -> bool:
    """Whether a cell holds nothing of the student's own: only the exercise's imports and calls."""
    if not cell.source.strip():
        return True
    if cell.kind != "code":
        return "kiank" in cell.source and bool(_ONLY_A_PICTURE.fullmatch(cell.source))
    python = PythonText(cell.source)
    if python.tree is None:
        return False
    magics = (python.lines[line - 1] for line in python.magic_lines)
    return all(map(_USUAL_MAGIC.fullmatch, magics)) and all(
        _is_the_exercises(statement, calls) for statement in python.tree.body
    )


def _is_the_exercises(statement: ast.stmt, calls: Collection[str]) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
        return True
    if not isinstance(statement, ast.Assign | ast.Expr) or not isinstance(
        statement.value, ast.Call
    ):
        return False
    called = statement.value.func
    if isinstance(called, ast.Name):
        return called.id in calls
    return isinstance(called, ast.Attribute) and called.attr in _EXERCISE_METHODS | _SETTING_UP


@dataclass(frozen=True)
class Kept:
    """The earlier cells that stand in the new notebook beside the answers.

    Attributes:
        in_place: those between the release's cells.
        at_end: those after all others.

    """

    in_place: list[Cell] = field(default_factory=list)
    at_end: list[Cell] = field(default_factory=list)


def assemble(
    earlier: PlainNotebook,
    release: ReleasedNotebook,
    extras: Extras,
    carried: Mapping[str, Carried],
    came_from: Mapping[str, str],
) -> tuple[NotebookNode, Kept]:
    """Return the new notebook without its report, and the earlier cells kept in it.

    ``carried`` holds the graded functions by name. ``came_from`` is the earlier notebook's
    file and version, for the new one's metadata.
    """
    notebook = copy.deepcopy(release.notebook)
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != REPORT]
    used_up = {place for entry in carried.values() for place in entry.cells}
    functions = set(carried)
    taken = {cell.id for cell in notebook.cells}
    kept = Kept()

    def keep(place: int, *, in_place: bool) -> NotebookNode:
        cell = earlier.cells[place]
        (kept.in_place if in_place else kept.at_end).append(cell)
        runs = in_place and not defines_graded(cell, functions)
        return _kept(cell, _fresh_id(cell.cell_id, place, taken), runs=runs)

    after: dict[str, list[NotebookNode]] = {}
    for place, anchor in extras.in_place.items():
        if place not in used_up:
            after.setdefault(anchor, []).append(keep(place, in_place=True))
    cells = list(after.get("", []))
    for cell in notebook.cells:
        cells.append(cell)
        entry = carried.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if entry is not None and cell.metadata.nbgrader.get("solution"):
            if entry.source is not None:
                cell.source = entry.source
            if entry.beside:
                cells.append(_beside(entry, taken))
        cells += after.get(cell.id, [])
    last = [place for place in extras.appendix if place not in used_up]
    if last:
        heading = new_markdown_cell(_APPENDIX_TEXT)
        heading.id = _fresh_id(APPENDIX, 0, taken)
        cells += [heading, *(keep(place, in_place=False) for place in last)]
    notebook.cells = cells
    stamp = dict(notebook.metadata.get(KEY, {}))
    notebook.metadata[KEY] = NotebookNode(stamp | {"upgraded_from": came_from})
    notebook.nbformat, notebook.nbformat_minor = 4, max(5, notebook.nbformat_minor)
    return notebook, kept


def with_report(notebook: NotebookNode, text: str) -> NotebookNode:
    """Put the report into a new notebook as its second cell."""
    cell = new_markdown_cell(text)
    cell.id = REPORT
    notebook.cells.insert(1, cell)
    return notebook


def _beside(entry: Carried, taken: set[str]) -> NotebookNode:
    name = entry.report.function
    reasons = escape("\n".join(p.reason for p in entry.report.problems), quote=False)
    cell = new_markdown_cell(
        f"### Your earlier `{name}`\n\n{reasons}\n\n{fenced(entry.beside, 'python')}"
    )
    cell.id = _fresh_id(f"{BESIDE}{name}", 0, taken)
    return NotebookNode(cell)


def _fresh_id(wanted: str, place: int, taken: set[str]) -> str:
    """An id that no other cell of the new notebook has: the wanted one if possible."""
    name = wanted if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted) else f"earlier-{place + 1}"
    count = 1
    while name in taken:
        count += 1
        name = f"earlier-{place + 1}-{count}"
    taken.add(name)
    return name


def _kept(cell: Cell, cell_id: str, *, runs: bool) -> NotebookNode:
    """A cell of the student's as it goes into the new notebook, without outputs."""
    metadata = {key: cell.metadata[key] for key in cell.metadata if key not in _METADATA_LEFT_OUT}
    kind = "raw" if cell.kind == "code" and not runs else cell.kind
    attachments = {"attachments": cell.attachments} if cell.attachments and kind != "code" else {}
    for changes in ({"metadata": metadata, **attachments}, attachments):
        made = cell.as_node(cell_id, cell_type=kind, **changes)
        if _is_valid(made):
            return made
    return cell.as_node(cell_id, cell_type=kind)


def _is_valid(cell: NotebookNode) -> bool:
    notebook = NotebookNode({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError:
        return False
    return True
