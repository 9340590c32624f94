"""All that is wrong with an assignment as its author wrote it, found before nbgrader runs.

Each mistake is told with the place under ``source/`` or ``grader_tests/`` where it stands.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils

from coursekit.course.assignment_file import (
    FILE,
    PLACEHOLDER as UPDATES,
    UPDATES_CELL,
    read_assignment_file,
)
from coursekit.course.assignment import Assignment, read_notebook
from coursekit.errors import AuthoringError
from coursekit.course.hidden_tests import BLOCKS, hidden_tests, is_test
from coursekit.course.known_answers import KNOWN_ANSWERS, KnownAnswer, known_answers
from coursekit.course.solution import python_text
from coursekit.course.library import refuse_unknown_rooms
from coursekit.course.test_cells import BEGIN_HIDDEN, END_HIDDEN, PLACEHOLDER, TEST_CELL_PREFIX

_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


@dataclass(frozen=True)
class Mistake:
    """Something that an author has to correct.

    Attributes:
        where: the file, and the cell or line in it.
        what: what is wrong.
        remedy: what to do.

    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


def refuse_mistakes(assignment: Assignment) -> None:
    """Raise if anything is wrong with an assignment, telling all of it.

    Raises:
        AuthoringError: with a line for each mistake.

    """
    found = list(find_mistakes(assignment))
    if not found:
        return
    count, them = (f"{len(found)} mistakes", "them") if len(found) > 1 else ("a mistake", "it")
    raise AuthoringError(
        f"{assignment.name} has {count}:\n" + "\n".join(map(str, found)),
        f"correct {them}, then run the command again; docs/authoring.md tells how",
    )


def find_mistakes(assignment: Assignment) -> Iterator[Mistake]:
    """Give each mistake in an assignment's notebook, settings, blocks and tests."""
    course = assignment.course
    folder = course / "source" / assignment.name
    place = Path("source", assignment.name)
    try:
        refuse_unknown_rooms(read_assignment_file(folder).library)
    except AuthoringError as error:
        yield _told(error, str(place / FILE), course)
    try:
        notebook = read_notebook(assignment.source)
    except AuthoringError as error:
        yield _told(error, str(place), course)
        return
    name = str(place / assignment.source.name)
    functions = _functions(notebook)
    yield from _of_cells(notebook, name)
    yield from _of_updates(notebook, name, folder)
    yield from _of_blocks(folder, place, functions)
    yield from _of_tests(assignment, notebook, name, functions)
    for file in KNOWN_ANSWERS:
        if (assignment.tests / file).is_file():
            where = f"grader_tests/{assignment.name}/{file}"
            try:
                answers = known_answers(assignment, file)
            except AuthoringError as error:
                yield _told(error, where, course)
            else:
                yield from _of_answers(answers, _check_names(assignment, notebook), where)


def _check_names(assignment: Assignment, notebook: NotebookNode) -> dict[str, set[str]]:
    """The names of each function's checks, hidden ones included, where all can be read."""
    hidden = hidden_tests(assignment.tests)
    found: dict[str, set[str]] = {}
    for cell in filter(is_test, notebook.cells):
        about = str(cell.metadata.nbgrader.get("grade_id", "")).removeprefix(TEST_CELL_PREFIX)
        texts = (cell.source, hidden.get(about, ""))
        names = {name for text in texts for name, _ in _checks_in(text)}
        if names and not any(fault for text in texts for fault in _of_syntax(text, about)):
            found[about] = names
    return found


def _of_answers(
    answers: Sequence[KnownAnswer], names: Mapping[str, set[str]], place: str
) -> Iterator[Mistake]:
    """Mistakes in known answers: checks that there are none of."""
    for answer in answers:
        unknown = sorted(answer.fails - names.get(answer.function, answer.fails))
        if unknown:
            yield Mistake(
                f"{place}, {answer.function}: {answer.name}",
                f"there is no check {', '.join(map(repr, unknown))}",
                "name checks of that function",
            )


def _checks_in(text: str) -> Iterator[tuple[str, float | None]]:
    """The names and points of the checks in a text; None for points that are calculated."""
    for node in ast.walk(_parsed(text)):
        for item in node.items if isinstance(node, ast.With) else []:
            call = item.context_expr
            if isinstance(call, ast.Call) and _called(call) == "checks":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                given |= dict(zip(("name", "points"), call.args, strict=False))
                name = given.get("name")
                said = str(name.value) if isinstance(name, ast.Constant) else ""
                yield said, _number(given.get("points"))


def _told(error: AuthoringError, where: str, course: Path) -> Mistake:
    """A mistake that was found elsewhere, where it names its file by the whole path."""
    what = error.message.replace(f"{course}/", "")
    return Mistake(where, what.removeprefix(where).removeprefix(":").lstrip(), error.hint)


def _functions(notebook: NotebookNode) -> set[str] | None:
    """The functions that a notebook defines; None where that cannot be told."""
    found: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_test(cell):
            try:
                tree = ast.parse(python_text(cell.source))
            except SyntaxError:
                return None
            found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def _of_cells(notebook: NotebookNode, name: str) -> Iterator[Mistake]:
    """Mistakes in nbgrader's metadata and markers."""
    ids: Counter[str] = Counter()
    for number, cell in enumerate(notebook.cells, 1):
        nbgrader = cell.metadata.get("nbgrader", {})
        graded = any(nbgrader.get(key) for key in ("grade", "solution", "locked", "task"))
        grade_id = nbgrader.get("grade_id")
        where = f"{name}, cell {grade_id or number}"
        if graded and not grade_id:
            yield Mistake(where, "it has no id", "give it one in nbgrader's Create Assignment")
        if grade_id:
            ids[grade_id] += 1
        points = nbgrader.get("points")
        # What is graded by hand may be worth extra credit alone.
        least = 0 if nbgrader.get("solution") else 1e-9
        if nbgrader.get("grade") and not (_is_number(points) and points >= least):
            yield Mistake(where, "it is worth no points", "give it points above 0")
        begun, ended = (cell.source.count(marker) for marker in _MARKERS)
        if begun != ended:
            yield Mistake(
                where,
                f"{begun} times {_MARKERS[0]!r} and {ended} times {_MARKERS[1]!r}",
                "let each begin have its end",
            )
        if begun and _is_empty_solution(cell):
            yield Mistake(
                where,
                "its solution is empty",
                f"write it between {_MARKERS[0]} and {_MARKERS[1]}",
            )
        if begun and not nbgrader.get("solution"):
            yield Mistake(
                where,
                "a solution stands in it, and students do not fill it in",
                "let it be an autograded or manually graded answer",
            )
        given = nbgrader.get("solution") or nbgrader.get("locked")
        if cell.cell_type == "code" and given and not is_test(cell):
            yield from _of_syntax(python_text(cell.source), where)
    for grade_id, count in ids.items():
        if count > 1:
            yield Mistake(f"{name}, cell {grade_id}", f"{count} cells have this id", "rename")


def _is_empty_solution(cell: NotebookNode) -> bool:
    """Whether nothing but comments and placeholders stands in a code cell's solutions."""
    within, lines = False, []
    for line in cell.source.split("\n"):
        if line.strip() in _MARKERS:
            within = line.strip() == _MARKERS[0]
        elif within:
            lines.append(line.split("#")[0].strip())
    said = [line for line in lines if line]
    return cell.cell_type == "code" and all(
        line in {"pass", "..."} or line.startswith("raise NotImplementedError") for line in said
    )


def _of_updates(notebook: NotebookNode, name: str, folder: Path) -> Iterator[Mistake]:
    cells = [cell for cell in notebook.cells if cell.get("id") == UPDATES_CELL]
    try:
        previous = read_assignment_file(folder).previous
    except AuthoringError:
        return  # told already
    if not cells and not previous:
        return
    fits = [
        cell
        for cell in cells
        if cell.cell_type == "markdown"
        and "nbgrader" not in cell.metadata
        and cell.source.count(UPDATES) == 1
    ]
    if len(cells) != 1 or not fits:
        yield Mistake(
            f"{name}, cell {UPDATES_CELL}",
            "the list of updates has no place",
            f"let one markdown cell have the id {UPDATES_CELL}, with {UPDATES} once in its text",
        )


def _of_blocks(folder: Path, place: Path, functions: set[str] | None) -> Iterator[Mistake]:
    path = folder / BLOCKS
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    where = str(place / BLOCKS)
    yield from _of_syntax(text, where)
    declared = [node for node in _parsed(text).body if isinstance(node, ast.FunctionDef)]
    for node in declared:
        known = functions is None or node.name in functions
        if not node.name.startswith("_") and not known:
            yield Mistake(
                f"{where}, line {node.lineno}",
                f"the notebook defines no {node.name}",
                "name a function of the solution's",
            )


def _of_tests(
    assignment: Assignment, notebook: NotebookNode, name: str, functions: set[str] | None
) -> Iterator[Mistake]:
    tests = f"grader_tests/{assignment.name}"
    left = {path.stem: path for path in sorted(assignment.tests.glob("*.py"))}
    tested = set()
    for cell in notebook.cells:
        if not is_test(cell):
            continue
        grade_id = str(cell.metadata.nbgrader.get("grade_id", ""))
        where = f"{name}, cell {grade_id}"
        if not grade_id.startswith(TEST_CELL_PREFIX):
            yield Mistake(
                where, "its id does not begin with test_", "call it test_ and the function"
            )
        about = grade_id.removeprefix(TEST_CELL_PREFIX)
        tested.add(about)
        path = left.pop(about, None)
        placeholders = cell.source.split("\n").count(PLACEHOLDER)
        if placeholders > 1 or (path is not None and not placeholders):
            yield Mistake(
                where,
                f"the line {PLACEHOLDER!r} must stand in it once",
                "put it on a line of its own before checks.report()",
            )
        if path is None and placeholders:
            yield Mistake(
                where,
                f"the line {PLACEHOLDER!r} stands in it, and there is no {tests}/{about}.py",
                "write that file, or remove the line",
            )
        hidden = "" if path is None else path.read_text(encoding="utf-8")
        for text, place in ((cell.source, where), (hidden, f"{tests}/{about}.py")):
            if {BEGIN_HIDDEN, END_HIDDEN} & {line.strip() for line in text.split("\n")}:
                yield Mistake(
                    place,
                    f"{BEGIN_HIDDEN!r} or {END_HIDDEN!r} stands in it",
                    f"hidden tests go into {tests}/{about}.py, without these lines",
                )
        faults = [
            *_of_syntax(cell.source, where),
            *_of_syntax(hidden, f"{tests}/{about}.py"),
        ]
        yield from faults
        yield from _of_checks(cell, [cell.source, hidden], where, functions, whole=not faults)
    for about in left:
        yield Mistake(
            f"{tests}/{about}.py",
            f"there is no cell {TEST_CELL_PREFIX}{about}",
            "name a test cell so, or remove the file",
        )
    for cell in notebook.cells:
        if utils.is_solution(cell) and not utils.is_grade(cell):
            grade_id = cell.metadata.nbgrader.get("grade_id", "")
            if grade_id and grade_id not in tested:
                yield Mistake(
                    f"{name}, cell {grade_id}",
                    "nothing tests this solution",
                    f"add a test cell with the id {TEST_CELL_PREFIX}{grade_id}, "
                    "or grade the answer by hand",
                )


def _of_checks(
    cell: NotebookNode,
    texts: list[str],
    where: str,
    functions: set[str] | None,
    *,
    whole: bool,
) -> Iterator[Mistake]:
    """Mistakes in named checks: none at all, one name twice, points that do not add up.

    Of texts that cannot all be read, only what stands in them is told, not what is missing.
    """
    found = [check for text in texts for check in _checks_in(text)]
    points: list[Any] = [worth for _, worth in found]
    names = Counter(name for name, _ in found if name)
    reported = False
    for node in (node for text in texts for node in ast.walk(_parsed(text))):
        if isinstance(node, ast.Call) and _called(node) == "Checks" and node.args:
            function = node.args[0]
            known = functions is None or (
                isinstance(function, ast.Constant) and function.value in functions
            )
            if isinstance(function, ast.Constant) and not known:
                yield Mistake(
                    where,
                    f"it checks {function.value!s}, which no cell of the notebook defines",
                    "name one of the solution's functions",
                )
        reported = reported or (isinstance(node, ast.Attribute) and node.attr == "report")
    if not points and whole:
        yield Mistake(where, "it holds no check", 'write: with checks("name", points=1):')
        return
    for name, count in names.items():
        if count > 1:
            yield Mistake(where, f"{count} checks are named {name!r}", "give each its own name")
    worth = cell.metadata.nbgrader.get("points", 0)
    # Points of 0 are told by themselves.
    told = not whole or not _is_number(worth) or worth <= 0
    if None not in points and not told and abs(sum(points) - worth) > 1e-9:
        yield Mistake(
            where,
            f"its checks are worth {sum(points):g} points, hidden ones included, the cell {worth:g}",
            "let the two agree",
        )
    if whole and not reported:
        yield Mistake(where, "students would see nothing of it", "end it with checks.report()")


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(node: ast.expr | None) -> float | None:
    """A number that a check writes out; None where it is calculated."""
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else None


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])


def _of_syntax(text: str, where: str) -> Iterator[Mistake]:
    try:
        ast.parse(text)
    except SyntaxError as error:
        yield Mistake(
            where, f"{type(error).__name__}: {error.msg}, line {error.lineno}", "correct it"
        )
