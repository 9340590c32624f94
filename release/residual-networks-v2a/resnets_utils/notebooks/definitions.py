"""Find the graded functions of an earlier notebook, wherever the student put them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from resnets_utils.notebooks.plain_notebook import Cell
from resnets_utils.notebooks.python_text import (
    CellSyntaxError,
    PythonText,
    closing_bracket,
    own_lines,
    running_with,
)

# "START CODE HERE" in most editions, "YOUR CODE STARTS HERE" in some.
_REGION_STARTS = re.compile(r"\s*#+.*\b(?:START\s+CODE|CODE\s+STARTS)\s+HERE\b", re.IGNORECASE)
_REGION_ENDS = re.compile(r"\s*#+.*\b(?:END\s+CODE|CODE\s+ENDS)\s+HERE\b", re.IGNORECASE)
# A function that was cut into more cells than this is not joined.
MAX_PARTS = 12
# Names to which the exercise assigns None as a placeholder.
_EXERCISE_NAMES = {"X", "X_shortcut", "model"}


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
        error: why Python cannot read it; None if it can.

    """

    function: str
    cells: tuple[int, ...]
    line: int
    text: str
    whole_cell: bool
    placeholder: int = 0
    untouched: bool = False
    error: CellSyntaxError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it can be read and nothing is left to write."""
        return self.error is None and not self.placeholder


def find_definitions(cells: Sequence[Cell], functions: Collection[str]) -> list[Definition]:
    """Return every copy of the graded functions in a notebook, in its order."""
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
                for definition in _in_text(dedented, (place,), functions)
            ]
            continue
        found += _in_text(python, together, functions)
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
    python: PythonText, cells: tuple[int, ...], functions: Collection[str]
) -> Iterator[Definition]:
    if python.tree is not None:
        for statement, function in graded_in(python.tree.body, functions):
            yield _definition(python, statement, function, cells)
        return
    for name in functions:
        for match in re.finditer(rf"^([ \t]*)(async )?def[ \t]+{name}\b", python.text, re.M):
            yield _from_broken_cell(python, name, python.line_at(match.start(1)), cells)


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
    python: PythonText, statement: ast.stmt, function: ast.FunctionDef, cells: tuple[int, ...]
) -> Definition:
    assert python.tree is not None
    alone = len(python.tree.body) == 1 and not python.magic_lines
    first, last = (1, len(python.lines)) if alone else own_lines(python, statement)
    text = "\n".join(python.lines[first - 1 : last])
    placeholder = first_placeholder(python.lines, function)
    return Definition(
        function.name,
        cells,
        first,
        text,
        alone,
        placeholder=max(0, placeholder - first + 1),
        untouched=bool(placeholder) and _nothing_written(python.lines, function),
    )


def _from_broken_cell(
    python: PythonText, name: str, line: int, cells: tuple[int, ...]
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
            cut = _definition(piece, *found[0], cells)
            return replace(cut, function=name, line=first, whole_cell=False)
    shortest = PythonText("\n".join(lines[first - 1 : (*ends, len(lines))[0]]))
    error = shortest.error or python.error or CellSyntaxError(1, "invalid syntax")
    return Definition(name, cells, first, shortest.text.rstrip(), False, error=error)


def first_placeholder(lines: Sequence[str], function: ast.FunctionDef) -> int:
    """Return the first line that a function leaves to be written; 0 if there is no such line.

    ``lines`` are those of the whole text that the function stands in.
    """
    places = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and _is_placeholder(node, function)
    ]
    written = _statements(function)
    if not written:
        places.append(function.lineno)
    for start, end in _regions(lines, function):
        if not any(start <= node.lineno <= end for node in written):
            places.append(start)
    return min(places, default=0)


def _is_placeholder(node: ast.stmt, function: ast.FunctionDef) -> bool:
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value is None or node.value.value is ...
    if isinstance(node, ast.Assign) and node in function.body:
        left_open = isinstance(node.value, ast.Constant) and node.value.value is None
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return left_open and bool(names & _EXERCISE_NAMES)
    return False


def _statements(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function's body that do something."""
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        and node is not function
        and not isinstance(node, ast.Pass)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]


def _regions(lines: Sequence[str], function: ast.FunctionDef) -> list[tuple[int, int]]:
    """First and last line of each region that the exercise leaves to the student."""
    regions = []
    start = 0
    assert function.end_lineno is not None
    for number in range(function.lineno, min(len(lines), function.end_lineno + 1) + 1):
        if _REGION_STARTS.match(lines[number - 1]):
            start = number
        elif start and _REGION_ENDS.match(lines[number - 1]):
            regions.append((start, number))
            start = 0
    return regions


def _nothing_written(lines: Sequence[str], function: ast.FunctionDef) -> bool:
    written = [
        node
        for node in _statements(function)
        if not _is_placeholder(node, function) and not isinstance(node, ast.Return)
    ]
    regions = _regions(lines, function)
    if not regions:
        return not written
    return not any(start <= node.lineno <= end for start, end in regions for node in written)
