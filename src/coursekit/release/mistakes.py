"""All mistakes of an assignment's author, found before nbgrader runs.

Each mistake is told with the place under ``source/`` or ``grader_tests/`` where it stands.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.nbgraderformat import MetadataValidator, SchemaTooOldError

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.assignment_file import (
    FILE,
    UPDATES_CELL,
    read_assignment_file,
    updates_cell,
)
from coursekit.course.hidden_tests import BLOCKS, blocks_text, hidden_tests, is_test
from coursekit.course.known_answers import KNOWN_ANSWERS, known_answers
from coursekit.course.library import refuse_unknown_rooms
from coursekit.course.solution import BEGIN_SOLUTION, END_SOLUTION, python_text
from coursekit.course.test_cells import BEGIN_HIDDEN, END_HIDDEN, TEST_CELL_PREFIX, compose
from coursekit.errors import AuthoringError

Read = TypeVar("Read")


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
    """Raise if anything is wrong with an assignment, and tell all of it.

    Raises:
        AuthoringError: with a line for each mistake.

    """
    found = find_mistakes(assignment)
    if not found:
        return
    count, them = (f"{len(found)} mistakes", "them") if len(found) > 1 else ("a mistake", "it")
    raise AuthoringError(
        f"{assignment.name} has {count}:\n" + "\n".join(map(str, found)),
        f"correct {them} as docs/authoring.md tells, then run the command again",
    )


def find_mistakes(assignment: Assignment) -> list[Mistake]:
    """Return each mistake in an assignment's notebook, settings, blocks and tests."""
    return _Search(assignment).found


class _Search:
    """One look through an assignment."""

    def __init__(self, assignment: Assignment) -> None:
        self.found: list[Mistake] = []
        self.assignment = assignment
        self.tests = f"grader_tests/{assignment.name}"
        self.checks: dict[str, set[str]] = {}  # names by function, where all are known
        self.twice: list[str] = []  # ids of more than one cell
        place = f"source/{assignment.name}"
        folder = assignment.course / place
        settings = self._read(f"{place}/{FILE}", read_assignment_file, folder)
        if settings:
            self._read(f"{place}/{FILE}", refuse_unknown_rooms, settings.library)
        source = self._read(place, lambda: assignment.source)
        if source is None:
            return
        self.notebook = f"{place}/{source.name}"
        notebook = self._read(self.notebook, read_notebook, source)
        if notebook is None:
            return
        self.cells: list[NotebookNode] = notebook.cells
        self.functions = _functions(self.cells)
        self._look_at_cells()
        if settings:
            self._read(f"{self.notebook}, cell {UPDATES_CELL}", updates_cell, notebook, settings)
        blocks = self._read(f"{place}/{BLOCKS}", blocks_text, folder)
        self._look_at_blocks(f"{place}/{BLOCKS}", blocks or "")
        hidden = self._read(self.tests, hidden_tests, assignment.tests)
        if hidden is not None:
            self._look_at_tests(hidden)
        # Answers change the solution, which a second cell of the same id hides.
        for file in KNOWN_ANSWERS if not self.twice else ():
            self._look_at_answers(file)

    def _tell(self, where: str, *cases: tuple[object, str, str]) -> None:
        """Take down those cases that hold: a condition, what is wrong then, and a remedy."""
        self.found += [Mistake(where, what, remedy) for wrong, what, remedy in cases if wrong]

    def _read(self, where: str, read: Callable[..., Read], *arguments: Any) -> Read | None:
        """What a reader returns; None, and its error taken down, where it raises one."""
        try:
            return read(*arguments)
        except AuthoringError as error:
            # Errors name their file by its whole path, here and there.
            what = error.message.replace(f"{self.assignment.course}/", "")
            if what.startswith(f"{where}/"):
                # Of the folder's files, the one that cannot be read.
                where, _, what = what.partition(" ")
            what = what.removeprefix(where).removeprefix(":").lstrip()
            self.found.append(Mistake(where, what, error.hint))
            return None

    def _look_at_syntax(self, where: str, text: str) -> bool:
        """Whether a text is Python."""
        try:
            ast.parse(text)
        except SyntaxError as error:
            line = f", line {error.lineno}" if error.lineno else ""
            what = f"{type(error).__name__}: {error.msg}{line}"
            self.found.append(Mistake(where, what, "correct it"))
            return False
        return True

    def _look_at_cells(self) -> None:
        """Mistakes in nbgrader's metadata and markers."""
        ids: Counter[str] = Counter()
        for number, cell in enumerate(self.cells, 1):
            nbgrader = cell.metadata.get("nbgrader", {})
            grade_id, points = nbgrader.get("grade_id"), nbgrader.get("points")
            by_student, task = nbgrader.get("solution"), nbgrader.get("task")
            known = any(nbgrader.get(key) for key in ("grade", "solution", "locked", "task"))
            ids.update([grade_id] if grade_id else [])
            # A cell that is graded by hand may be worth 0 points: extra credit counts alone.
            enough = _is_number(points) and points >= (0 if by_student or task else 1e-9)
            begun, ended = (cell.source.count(one) for one in (BEGIN_SOLUTION, END_SOLUTION))
            where = f"{self.notebook}, cell {grade_id or number}"
            before = len(self.found)
            self._tell(
                where,
                (
                    known and not grade_id,
                    "it has no id",
                    "give it one in nbgrader's Create Assignment",
                ),
                (
                    (nbgrader.get("grade") or task) and not enough,
                    f"it is worth no points ({points!r})",
                    "give it points above 0",
                ),
                (
                    begun != ended,
                    f"{begun} times {BEGIN_SOLUTION!r} and {ended} times {END_SOLUTION!r}",
                    "end each solution that begins",
                ),
                (
                    begun and _is_empty_solution(cell),
                    "its solution is empty",
                    f"write it between {BEGIN_SOLUTION} and {END_SOLUTION}",
                ),
                (
                    task and not _is_whole_task(cell),
                    "it is a task, and not one that nbgrader can grade",
                    "make it a manually graded task in nbgrader's Create Assignment",
                ),
                (
                    cell.cell_type != "code"
                    and not task
                    and bool(nbgrader.get("grade")) != bool(by_student),
                    "it is a text that is graded by no human, and students' words in it are lost",
                    "make it a manually graded task or a manually graded answer",
                ),
                (
                    begun and not by_student,
                    "it holds a solution, and students do not fill it in",
                    "make it an autograded or manually graded answer",
                ),
            )
            if cell.cell_type == "code" and not is_test(cell):
                self._look_at_syntax(where, python_text(cell.source))
            if len(self.found) == before:
                self._look_at_metadata(where, cell)
        self.twice = [grade_id for grade_id, count in ids.items() if count > 1]
        for grade_id in self.twice:
            what = f"{ids[grade_id]} cells have this id"
            self._tell(f"{self.notebook}, cell {grade_id}", (True, what, "rename all but one"))

    def _look_at_metadata(self, where: str, cell: NotebookNode) -> None:
        """What nbgrader itself refuses."""
        try:
            MetadataValidator().validate_cell(cell)
        except SchemaTooOldError as error:
            self.found.append(Mistake(where, str(error), "run: nbgrader update source"))
        except Exception as error:
            what = f"nbgrader refuses its metadata: {str(error).partition(chr(10))[0]}"
            remedy = "set it up again in nbgrader's Create Assignment"
            self.found.append(Mistake(where, what, remedy))

    def _look_at_blocks(self, where: str, text: str) -> None:
        self._look_at_syntax(where, text)
        for node in _parsed(text).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                unknown = self.functions is not None and node.name not in self.functions
                what = f"the notebook defines no {node.name}"
                remedy = "name a function of the solution"
                self._tell(f"{where}, line {node.lineno}", (unknown, what, remedy))

    def _look_at_tests(self, hidden: dict[str, str]) -> None:
        tested = set()
        for cell in filter(is_test, self.cells):
            grade_id = str(cell.metadata.nbgrader.get("grade_id", ""))
            about = grade_id.removeprefix(TEST_CELL_PREFIX)
            tested.add(about)
            where = f"{self.notebook}, cell {grade_id}"
            what = f"its id does not begin with {TEST_CELL_PREFIX}"
            remedy = f"call it {TEST_CELL_PREFIX} and the function"
            self._tell(where, (about == grade_id, what, remedy))
            self._read(where, compose, cell.source, hidden.get(about), [])
            file = f"{self.tests}/{about}.py"
            texts = {where: cell.source, file: hidden.get(about, "")}
            for place, text in texts.items():
                marked = {BEGIN_HIDDEN, END_HIDDEN} & {line.strip() for line in text.split("\n")}
                what = f"it holds the line {' and '.join(sorted(marked))}"
                remedy = f"write hidden tests into {file}, without these lines"
                self._tell(place, (marked, what, remedy))
            whole = all([self._look_at_syntax(place, text) for place, text in texts.items()])
            self._look_at_checks(cell, where, list(texts.values()), whole=whole)
        for about in hidden.keys() - tested:
            what = f"there is no cell {TEST_CELL_PREFIX}{about}"
            remedy = "give a test cell that id, or remove the file"
            self._tell(f"{self.tests}/{about}.py", (True, what, remedy))
        for cell in self.cells:
            if utils.is_solution(cell) and not utils.is_grade(cell):
                grade_id = cell.metadata.nbgrader.get("grade_id", "")
                remedy = (
                    f"add a test cell with the id {TEST_CELL_PREFIX}{grade_id}, "
                    "or grade the answer by hand"
                )
                untested = grade_id and grade_id not in tested and cell.cell_type == "code"
                where = f"{self.notebook}, cell {grade_id}"
                self._tell(where, (untested, "nothing tests this solution", remedy))

    def _look_at_checks(
        self, cell: NotebookNode, where: str, texts: list[str], *, whole: bool
    ) -> None:
        """Mistakes in named checks: no check, one name twice, points that do not add up.

        Nothing is reported as missing where a text cannot be parsed.
        """
        nodes = [node for text in texts for node in ast.walk(_parsed(text))]
        checks = list(_checks_in(nodes))
        for node in nodes:
            if isinstance(node, ast.Call) and _called(node) == "Checks" and node.args:
                function = getattr(node.args[0], "value", None)
                unknown = self.functions is not None and function not in self.functions
                what = f"it checks {function}, which no cell of the notebook defines"
                known = isinstance(node.args[0], ast.Constant)
                self._tell(where, (known and unknown, what, "name a function of the solution"))
        if whole and not checks:
            remedy = 'write: with checks("name", points=1):'
            self._tell(where, (True, "it holds no check", remedy))
            return
        names = Counter(name for name, _ in checks if name)
        for name, count in names.items():
            what = f"{count} checks are named {name!r}"
            self._tell(where, (count > 1, what, "give each its own name"))
        if not whole:
            return
        grade_id = str(cell.metadata.nbgrader.get("grade_id", ""))
        if all(name for name, _ in checks):
            self.checks[grade_id.removeprefix(TEST_CELL_PREFIX)] = set(names)
        worth = cell.metadata.nbgrader.get("points", 0)
        points = [number for _, number in checks if number is not None]
        # Points of 0 are told above, and calculated ones are not known.
        certain = len(points) == len(checks) and _is_number(worth) and worth > 0
        reported = any(isinstance(node, ast.Attribute) and node.attr == "report" for node in nodes)
        self._tell(
            where,
            (
                certain and abs(sum(points) - worth) > 1e-9,
                f"its checks are worth {sum(points):g} points, hidden ones included, "
                f"the cell {worth}",
                "make the two equal",
            ),
            (not reported, "students would see no result", "end it with checks.report()"),
        )

    def _look_at_answers(self, file: str) -> None:
        """Mistakes in known answers, such as checks that do not exist."""
        place = f"{self.tests}/{file}"
        if (self.assignment.tests / file).exists():
            for answer in self._read(place, known_answers, self.assignment, file) or ():
                unknown = sorted(answer.fails - self.checks.get(answer.function, answer.fails))
                what = f"there is no check {', '.join(map(repr, unknown))}"
                where = f"{place}, {answer.function}: {answer.name}"
                self._tell(where, (unknown, what, "name checks of that function"))
                # A wrong answer may be one that is no Python.
                if not answer.fails:
                    self._look_at_syntax(where, python_text(answer.code))


def _checks_in(nodes: list[ast.AST]) -> Iterator[tuple[str, float | None]]:
    """The names and points of checks; None for points that are calculated."""
    for node in nodes:
        for item in node.items if isinstance(node, ast.With) else []:
            call = item.context_expr
            if isinstance(call, ast.Call) and _called(call) == "checks":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                given |= dict(zip(("name", "points"), call.args, strict=False))
                name, points = (
                    getattr(given.get(key), "value", None) for key in ("name", "points")
                )
                yield name if isinstance(name, str) else "", points if _is_number(points) else None


def _functions(cells: list[NotebookNode]) -> set[str] | None:
    """The functions that cells define; None where a cell cannot be read."""
    found: set[str] = set()
    for cell in cells:
        if cell.cell_type == "code" and not is_test(cell):
            try:
                tree = ast.parse(python_text(cell.source))
            except SyntaxError:
                return None
            found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def _is_empty_solution(cell: NotebookNode) -> bool:
    """Whether a code cell's solutions hold only comments and placeholders."""
    within, said = False, []
    for line in map(str.strip, cell.source.split("\n")):
        if line in (BEGIN_SOLUTION, END_SOLUTION):
            within = line == BEGIN_SOLUTION
        elif within:
            said.append(line.split("#")[0].strip())
    return cell.cell_type == "code" and all(
        line in {"", "pass", "..."} or line.startswith("raise NotImplementedError") for line in said
    )


def _is_whole_task(cell: NotebookNode) -> bool:
    """Whether nbgrader can grade a task: it takes points, and its text is the author's."""
    nbgrader = cell.metadata.nbgrader
    return (
        cell.cell_type == "markdown"
        and bool(nbgrader.get("locked"))
        and not nbgrader.get("grade")
        and not nbgrader.get("solution")
    )


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])
