"""Find the graded functions of an earlier notebook, wherever the student put them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from resnets_utils.notebooks.left_to_write import left_to_write
from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import (
    CellSyntaxError,
    PythonText,
    closing_bracket,
    own_lines,
    running_with,
)

# A function that was cut into more cells than this is not joined.
MAX_PARTS = 12


@dataclass(frozen=True)
class Definition:
    """One copy of a graded function.

    Attributes:
        function: its name.
        cells: places of the cells that it stands in: one, or the parts of a cell that was cut.
        line: the line at which it begins in the first of these cells, from 1.
        text: what is to be carried: the function, or its whole cell.
        whole_cell: whether ``text`` is all that these cells hold.
        placeholder: the line of ``text`` that is left to write; 0 if every line is written.
        untouched: whether nothing was written at all.
        gap: the line of ``text`` with a mark that nothing stands below; 0 without such a mark.
        error: why Python cannot read it; None if it can.

    """

    function: str
    cells: tuple[int, ...]
    line: int
    text: str
    whole_cell: bool
    placeholder: int = 0
    untouched: bool = False
    gap: int = 0
    error: CellSyntaxError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it can be read and nothing is left to write."""
        return self.error is None and not self.placeholder


Given = Mapping[str, ast.FunctionDef]


def find_definitions(
    cells: Sequence[Cell], functions: Collection[str], given: Given = MappingProxyType({})
) -> list[Definition]:
    """Return every copy of the graded functions in a notebook, in its order.

    Args:
        cells: the notebook's cells.
        functions: the functions' names.
        given: the functions as the exercise gives them, by name, as far as they are known.

    """
    found: list[Definition] = []
    joined: set[int] = set()

    code = [place for place, cell in enumerate(cells) if cell.kind == "code"]
    for number, place in enumerate(code, 1):
        source = cells[place].source
        if place in joined or not any(name in source for name in functions):
            continue
        below = code[number : number + MAX_PARTS]
        count = parts_below(source, [cells[at].source for at in below], functions)
        together = (place, *below[:count])
        joined |= set(together)
        python = PythonText("\n".join(cells[at].source for at in together))
        dedented = None if python.tree else _dedented(python)
        if dedented is not None:
            # The cell itself is kept as well: this is not its exact text.
            found += [
                replace(definition, whole_cell=False)
                for definition in _in_text(dedented, (place,), functions, given)
            ]
            continue
        found += _in_text(python, together, functions, given)
    return found


def _dedented(python: PythonText) -> PythonText | None:
    """A cell without its first line's indentation, as IPython runs one that is all indented."""
    first = next((line for line in python.lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return None
    whole = PythonText("\n".join(line.removeprefix(indent) for line in python.lines))
    return whole if whole.tree is not None else None


def defined_in(source: str, functions: Collection[str]) -> str:
    """Return the first graded function whose definition a text begins; "" if it begins none."""
    names = "|".join(map(re.escape, functions))
    found = re.search(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+({names})\b", source, re.MULTILINE)
    return found[1] if found else ""


def parts_below(source: str, following: Sequence[str], functions: Collection[str]) -> int:
    """Return how many of the cells below one complete the graded function that it begins."""
    whole = 0
    if not functions or not defined_in(source, functions):
        return whole
    python = PythonText(source)
    for count, part in enumerate(following, 1):
        if python.tree is not None and not (
            _goes_on(python.tree, functions) and _starts_indented(part)
        ):
            break
        if defined_in(part, functions):
            break
        python = PythonText(f"{python.text}\n{part}")
        if python.tree is not None:
            whole = count
    return whole


def _goes_on(tree: ast.Module, functions: Collection[str]) -> bool:
    """Whether a text ends in a graded function that does not end in a return."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.FunctionDef) or last.name not in functions:
        return False
    return not isinstance(last.body[-1], ast.Return)


def _starts_indented(source: str) -> bool:
    lines = (line for line in source.split("\n") if line.strip() and line[0] != "#")
    return next((line[0] in " \t" for line in lines), False)


def _in_text(
    python: PythonText, cells: tuple[int, ...], functions: Collection[str], given: Given
) -> Iterator[Definition]:
    if python.tree is not None:
        for statement, function in graded_in(python.tree.body, functions):
            yield _definition(python, statement, function, cells, given)
        return
    for name in functions:
        for match in re.finditer(rf"^([ \t]*)(async )?def[ \t]+{name}\b", python.text, re.M):
            line = python.line_at(match.start(1))
            yield _from_broken_cell(python, name, line, cells, given)


def header_of(copy: Definition) -> ast.FunctionDef | None:
    """Return a function with the parameters of a copy; its body may be unreadable.

    Returns:
        The function; None if its first line cannot be read either.

    """
    tree = PythonText(copy.text).tree
    if tree is not None:
        found = [function for _, function in graded_in(tree.body, {copy.function})]
        return found[-1] if found else None
    begins = re.search(rf"\bdef[ \t]+{copy.function}[ \t]*\(", copy.text)
    if begins is None:
        return None
    try:
        end = closing_bracket(copy.text, begins.end())
        alone = ast.parse(f"def function({copy.text[begins.end() : end]}\n): pass").body[0]
    except (SyntaxError, ValueError):
        return None
    return alone if isinstance(alone, ast.FunctionDef) else None


def graded_in(
    body: Sequence[ast.stmt], functions: Collection[str]
) -> Iterator[tuple[ast.stmt, ast.FunctionDef]]:
    """Yield each graded function with the outermost statement that it stands in."""
    for statement in body:
        for inside in running_with(statement):
            if isinstance(inside, ast.FunctionDef) and inside.name in functions:
                yield statement, inside


def _definition(
    python: PythonText,
    statement: ast.stmt,
    function: ast.FunctionDef,
    cells: tuple[int, ...],
    given: Given,
) -> Definition:
    assert python.tree is not None
    alone = len(python.tree.body) == 1 and not python.magic_lines
    first, last = (1, len(python.lines)) if alone else own_lines(python, statement)
    text = "\n".join(python.lines[first - 1 : last])
    left = left_to_write(python.lines, function, given.get(function.name))
    return Definition(
        function.name,
        cells,
        first,
        text,
        alone,
        placeholder=max(0, left.line - first + 1),
        untouched=left.untouched,
        gap=max(0, left.gap - first + 1),
    )


def _from_broken_cell(
    python: PythonText, name: str, line: int, cells: tuple[int, ...], given: Given
) -> Definition:
    """The function cut out of a cell that Python cannot read, by its indentation."""
    lines = python.lines
    first = line
    while first > 1 and lines[first - 2][:1] in {"#", "@"}:
        first -= 1
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    # A text in triple quotes may begin in the first column, too: try each possible end.
    ends = [
        number
        for number in range(line, len(lines))
        if lines[number].strip() and len(lines[number]) - len(lines[number].lstrip()) <= indent
    ]
    for end in (*ends, len(lines)):
        piece = PythonText("\n".join(lines[first - 1 : end]).rstrip())
        found = list(graded_in(piece.tree.body, {name})) if piece.tree else []
        if found:
            cut = _definition(piece, *found[0], cells, given)
            return replace(cut, function=name, line=first, whole_cell=False)
    shortest = PythonText("\n".join(lines[first - 1 : (*ends, len(lines))[0]]))
    error = shortest.error or python.error or CellSyntaxError(1, "invalid syntax")
    return Definition(name, cells, first, shortest.text.rstrip(), False, error=error)
