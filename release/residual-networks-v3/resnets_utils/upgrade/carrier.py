"""Carry each graded function from the earlier notebook to its new cell."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass, replace

from resnets_utils.notebooks.definitions import (
    Definition,
    find_definitions,
    graded_in,
    header_of,
)
from resnets_utils.notebooks.left_to_write import left_to_write
from resnets_utils.notebooks.plain_notebook import Cell, PlainNotebook
from resnets_utils.notebooks.python_text import PythonText, parameters
from resnets_utils.notebooks.released import ReleasedNotebook, imported_names
from resnets_utils.upgrade.edits import Change, Edit
from resnets_utils.upgrade.family_rewrites import (
    INITIALIZER,
    TRAINING,
    Difference,
    NotSafe,
    block_to_initializer,
    difference,
    network_to_initializer,
    training_added,
)
from resnets_utils.upgrade.imports import Problem, updated_imports
from resnets_utils.upgrade.keras_rewrites import (
    remaining_problems,
    sizes_of_another_text,
    updated,
)
from resnets_utils.upgrade.needed_names import Binding, NotebookNames
from resnets_utils.upgrade.todays_names import Names, meaning
from resnets_utils.upgrade.upgrade_report import FunctionReport

NOT_ATTEMPTED = "not attempted: the earlier notebook holds no answer to it"


@dataclass(frozen=True)
class Carried:
    """One graded function on its way.

    Attributes:
        report: what became of it.
        source: the new cell's text; None if that stays as released.
        beside: the earlier text, to be shown below the new cell; "" if it is in the new cell.
        cells: places of the earlier cells whose whole text is in ``source`` or ``beside``.

    """

    report: FunctionReport
    source: str | None = None
    beside: str = ""
    cells: frozenset[int] = frozenset()


def is_ours(earlier: PlainNotebook, release: ReleasedNotebook) -> bool:
    """Return whether a notebook is a release of this course, by its cells for answers."""
    return any(cell.is_solution and cell.grade_id in release.solutions for cell in earlier.cells)


class Carrier:
    """Carries the answers of one earlier notebook into one release.

    ``running`` holds the places of the notebook's cells that the new one runs as they are.
    """

    def __init__(
        self, earlier: PlainNotebook, release: ReleasedNotebook, running: Collection[int] = ()
    ) -> None:
        self._cells = earlier.cells
        self._release = release
        self._functions = list(release.solutions)
        self._names = NotebookNames(earlier.cells, self._functions)
        self._definitions = find_definitions(
            earlier.cells, self._functions, release.blank_functions
        )
        self._chosen = {name: self._choose(name) for name in self._functions}
        self._apart = self._compare()
        self._running = {
            *running,
            *(
                definition.cells[0]
                for definition in self._chosen.values()
                if definition is not None and self._is_solution(definition)
            ),
        }
        self.notes: list[str] = []

    @property
    def fits(self) -> bool:
        """Whether the earlier notebook's functions are of the release's family."""
        return not any(apart.is_forward or apart.is_backward for apart in self._apart.values())

    @property
    def gone(self) -> tuple[str, ...]:
        """The parameters of the earlier notebook's family that the release's does not have."""
        others = [apart for apart in self._apart.values() if apart.is_forward or apart.is_backward]
        return tuple(dict.fromkeys(name for apart in others for name in apart.gone))

    @property
    def defined(self) -> set[str]:
        """The graded functions that the earlier notebook defines, written or not."""
        return {definition.function for definition in self._definitions}

    def _compare(self) -> dict[str, Difference]:
        """How the parameters of the notebook's functions differ from the release's.

        Blank definitions count as well: they have parameters, too.
        """
        found = {}
        for name, blank in self._release.blank_functions.items():
            copies = [copy for copy in self._definitions if copy.function == name]
            for copy in (self._chosen[name], *reversed(copies)):
                own = header_of(copy) if copy else None
                if own is not None:
                    found[name] = difference(own, blank)
                    break
        return found

    def carry_all(self) -> dict[str, Carried]:
        """Return each graded function on its way, by its name."""
        return {name: self._carry(name, self._chosen[name]) for name in self._functions}

    def _is_solution(self, definition: Definition) -> bool:
        cell = self._cells[definition.cells[0]]
        return cell.is_solution and cell.grade_id == definition.function

    def _choose(self, function: str) -> Definition | None:
        """The last complete copy; without one, the last copy that a student wrote in."""
        test = next(
            (at for at, cell in enumerate(self._cells) if cell.grade_id == f"test_{function}"),
            len(self._cells),
        )
        copies = [definition for definition in self._definitions if definition.function == function]
        written = [copy for copy in copies if not self._is_untouched(copy)]
        complete = [copy for copy in written if copy.is_complete]
        # The test cell never saw what the notebook defines below it.
        seen = [copy for copy in complete if copy.cells[0] < test]
        best = seen or complete or written
        return best[-1] if best else None

    def _is_untouched(self, copy: Definition) -> bool:
        unchanged = self._is_solution(copy) and self._cells[copy.cells[0]].is_unchanged
        return copy.untouched or unchanged

    def _carry(self, function: str, chosen: Definition | None) -> Carried:
        if chosen is None:
            otherwise = self._defined_otherwise(function)
            if otherwise is not None:
                return otherwise
            return Carried(FunctionReport(function, problems=(Problem(0, NOT_ATTEMPTED),)))
        number = chosen.cells[0] + 1
        if chosen.error is not None:
            line = chosen.line + chosen.error.line - 1
            reason = f"Python cannot read it: {chosen.error.reason} (cell {number}, line {line})"
            if self.fits:
                # In the new cell, where the student can fix it and its checks fail until then.
                return replace(
                    self._set_beside(chosen, Problem(chosen.error.line, reason)),
                    source=chosen.text,
                    beside="",
                )
            return self._set_beside(chosen, Problem(0, reason))
        if chosen.gap:
            self.notes.append(
                f"nothing stands between the marks of {function} in cell {number}, line "
                f"{chosen.line + chosen.gap - 1}; look whether the function is complete"
            )
        if self._is_solution(chosen) and PythonText(self._cells[chosen.cells[0]].source).tree:
            # A released cell for an answer: everything in it belongs to the answer.
            source = self._cells[chosen.cells[0]].source
            chosen = replace(chosen, text=source, line=1, whole_cell=True)
        self._remark_on_later_copies(chosen)
        try:
            return self._rewritten(chosen)
        except NotSafe as unsafe:
            reason = (
                f"it cannot be rewritten for this version safely: {unsafe} "
                "(lines of the text below the cell)"
            )
            return self._set_beside(chosen, Problem(0, reason))

    def _defined_otherwise(self, function: str) -> Carried | None:
        """A function that the notebook defines without a ``def`` of that name, for the student.

        It may be a lambda, another function's second name, or come from a class or a file.
        """
        for place, cell in reversed([*enumerate(self._cells)]):
            python = PythonText(cell.source)
            if cell.kind != "code" or python.tree is None:
                continue
            if any(_defines_otherwise(node, function) for node in python.tree.body):
                how = f"cell {place + 1} defines it without def {function}(...)"
                problem = Problem(0, f"{how}; write it with def, and check it")
                report = FunctionReport(function, place + 1, problems=(problem,))
                if cell.is_solution and cell.grade_id == function:
                    return Carried(report, source=cell.source, cells=frozenset({place}))
                return Carried(report, beside=cell.source, cells=frozenset({place}))
        return None

    def _set_beside(self, chosen: Definition, problem: Problem) -> Carried:
        return Carried(
            FunctionReport(chosen.function, chosen.cells[0] + 1, problems=(problem,)),
            beside=chosen.text,
            cells=frozenset(chosen.cells) if chosen.whole_cell else frozenset(),
        )

    def _remark_on_later_copies(self, chosen: Definition) -> None:
        for copy in self._definitions:
            if copy.function == chosen.function and copy.error and copy.cells > chosen.cells:
                self.notes.append(
                    f"cell {copy.cells[0] + 1} holds a later copy of {copy.function} that Python "
                    f"cannot read ({copy.error.reason}); the copy in cell "
                    f"{chosen.cells[0] + 1} was taken"
                )

    def _rewritten(self, chosen: Definition) -> Carried:
        given = self._release.given
        python = PythonText(chosen.text)
        assert python.tree is not None
        function = list(graded_in(python.tree.body, {chosen.function}))[-1][1]
        names = self._names_in(python)
        needs = self._names.needs_of(chosen.text, given, self._running)
        first = self._between_families(python, function, names, needs.helpers)
        text, changes = updated(python, names, given, first)
        changes = [_placed(change, chosen.cells[0], chosen.line) for change in changes]
        needs = self._names.needs_of(text, given, self._running)
        above = list(needs.imports)
        for helper in needs.helpers:
            helper_python = PythonText(helper.text)
            helper_text, more = updated(helper_python, self._names_in(helper_python), given)
            above.append(helper_text)
            changes += [_placed(change, helper.cell, helper.line) for change in more]
        source = _with_above(text, above, len(needs.imports))
        return Carried(
            FunctionReport(
                chosen.function,
                chosen.cells[0] + 1,
                tuple(changes),
                tuple(above),
                tuple(self._problems(chosen.function, source, needs.missing)),
            ),
            source,
            cells=frozenset(self._used_up(chosen, needs.helpers)),
        )

    def _names_in(self, python: PythonText) -> Names:
        """What names stand for in a text that may import or assign some of them itself."""
        given = self._release.given
        known = dict(self._names.meanings(given).full_names)
        for name, full_name in given.items():
            if name in known and meaning(known[name]) == meaning(full_name):
                known[name] = full_name  # the release gives the same thing under this name
        assert python.tree is not None
        for node in ast.walk(python.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.pop(node.id, None)
            elif isinstance(node, ast.arg):
                known.pop(node.arg, None)
        for node in ast.walk(python.tree):
            if isinstance(node, ast.stmt):
                for name, full_name in imported_names(node).items():
                    # As the import reads once it is updated.
                    kind, _, initializer = meaning(full_name).partition(":")
                    ours = given.get(initializer) if kind == "initializer" else None
                    known[name] = ours or full_name
        return Names(known)

    def _between_families(
        self, python: PythonText, function: ast.FunctionDef, names: Names, helpers: list[Binding]
    ) -> list[Edit]:
        """The edits for the release's family; [] if the answer is of that family.

        Raises:
            NotSafe: if the answer cannot be rewritten without guessing.

        """
        blank = self._release.blank_functions.get(function.name)
        if blank is None:
            return []
        own = [helper for helper in helpers if helper.own]
        mine = difference(function, blank)
        others = {name: apart for name, apart in self._apart.items() if name != function.name}
        named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        named |= {name for name in others if any(name in helper.text for helper in own)}
        for apart in (mine, *(others[name] for name in others if name in named)):
            if apart.is_backward:
                wanted = " and ".join(apart.to_be_guessed)
                raise NotSafe(
                    f"this version takes {wanted}, and the values would have to be guessed"
                )
        signature = self._release.signature(function.name)
        if mine.is_forward:
            if own:
                raise NotSafe(f"it uses a function of your own, in cell {own[0].cell + 1}")
            return block_to_initializer(python, function, names, signature, mine)
        forward = {name: apart for name, apart in others.items() if apart.is_forward}
        if any(name in helper.text for helper in own for name in forward):
            raise NotSafe(f"a function of your own in cell {own[0].cell + 1} calls the blocks")
        untold = {
            name: other
            for name, other in self._release.blank_functions.items()
            if name not in forward and name != function.name and INITIALIZER in parameters(other)
            if name not in others or INITIALIZER in others[name].added
        }
        edits = network_to_initializer(python, function, forward, untold)
        if INITIALIZER in mine.own and TRAINING in mine.added:
            edits += training_added(python, function, names, signature)
        return edits

    def _problems(self, name: str, source: str, missing: dict[str, str]) -> list[Problem]:
        """What only the student can fix, by the lines of the new cell."""
        python = PythonText(source)
        if python.tree is None:
            return [Problem(0, "the new cell's text is not Python")]
        function = list(graded_in(python.tree.body, {name}))[-1][1]
        found = []
        for absent, reason in missing.items():
            lines = [
                node.lineno
                for node in ast.walk(python.tree)
                if isinstance(node, ast.Name) and node.id == absent
            ]
            found.append(Problem(min(lines, default=0), reason))
        left = left_to_write(python.lines, function, self._release.blank_functions.get(name))
        if left.line:
            found.append(Problem(left.line, "a placeholder still stands here"))
        found += remaining_problems(python, self._names_in(python), self._release.given)
        found += updated_imports(python, self._release.given)[1]
        found += sizes_of_another_text(function, self._release.words)
        return sorted(dict.fromkeys(found), key=lambda problem: problem.line)

    def _used_up(self, chosen: Definition, helpers: list[Binding]) -> set[int]:
        used = set(chosen.cells) if chosen.whole_cell else set()
        used |= {
            helper.cell
            for helper in helpers
            if self._cells[helper.cell].source.strip() == helper.text.strip()
        }
        return used


def _defines_otherwise(statement: ast.stmt, function: str) -> bool:
    """Whether a statement makes a function without ``def``, and not of its own earlier value."""
    if isinstance(statement, ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name == function
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return False
    named = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    stored = [isinstance(node.ctx, ast.Store) for node in named if node.id == function]
    return bool(stored) and all(stored)


def _placed(change: Change, cell: int, line: int) -> Change:
    return replace(change, cell=cell + 1, line=change.line + line - 1)


def _with_above(text: str, above: list[str], imports: int) -> str:
    if not above:
        return text
    head = "\n".join(above[:imports])
    parts = [part for part in (head, *above[imports:]) if part]
    block = "\n\n".join(parts)
    first, _, rest = text.partition("\n")
    if first.startswith("%%"):
        return f"{first}\n{block}\n\n{rest}"  # a cell magic must stay in the first line
    return f"{block}\n\n{text}"


def defines_graded(cell: Cell, functions: Collection[str]) -> bool:
    """Return whether a code cell would define a graded function if it ran."""
    return cell.kind == "code" and bool(find_definitions([cell], functions))
