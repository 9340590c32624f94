"""Parse the Python of a notebook's cells, with IPython's magics, and find places in it."""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

# Cell magics below which ordinary Python runs in the notebook's own namespace.
_PYTHON_BELOW = {"time", "capture", "prun", "debug", "notify", "memit"}
_MAGIC = re.compile(r"\s*(?:[%!?]|[\w.]+\s*=\s*(?:!|%\s*[A-Za-z])|[\w.*]+\?{1,2}\s*$)")
# Notebooks may await outside a function.
_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_MAX_DEPTH = 200
_QUOTES = re.compile(r"'''|\"\"\"|'|\"")


@dataclass(frozen=True)
class CellSyntaxError:
    """What Python reports about a text that it cannot read.

    Attributes:
        line: the line at which it stops, from 1.
        reason: the reason, in Python's words.

    """

    line: int
    reason: str


class PythonText:
    r"""A cell's text, its syntax tree, and the places of nodes in the text.

    IPython's own lines (``%matplotlib inline``, ``!pip``, ``help?``) count as ``pass``
    in the tree; the text itself and its line numbers stay the same.

    Args:
        text: the text, with "\n" at the ends of lines.

    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.magic_lines: frozenset[int] = frozenset()
        self.error: CellSyntaxError | None = None
        self.plain = text
        tree = self._parse(text)
        if tree is None:
            self.plain, self.magic_lines = _without_magics(self.lines)
            if self.magic_lines:
                tree = self._parse(self.plain)
        self.tree: ast.Module | None = tree

    def _parse(self, text: str) -> ast.Module | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as "\d" in a string
                tree = ast.parse(text)
                if _is_too_deep(tree):
                    raise RecursionError("it is nested too deep")
                compile(tree, "<cell>", "exec", _AWAIT, dont_inherit=True)
        except SyntaxError as error:
            self.error = CellSyntaxError(error.lineno or 1, error.msg or "invalid syntax")
            return None
        except (ValueError, RecursionError, MemoryError) as error:
            self.error = CellSyntaxError(1, str(error) or "it is too long or nested too deep")
            return None
        self.error = None
        return tree

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def place(self, line: int, column: int) -> int:
        """Return a node's line and column as an index into the text.

        Columns of syntax trees count bytes of UTF-8, not letters.
        """
        before = self.lines[line - 1].encode()[:column].decode(errors="ignore")
        return self._starts[line - 1] + len(before)

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return the index at which a node begins."""
        return self.place(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return the index just after a node."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.place(node.end_lineno, node.end_col_offset)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """Return a node's text."""
        return self.text[self.start(node) : self.end(node)]

    def line_at(self, index: int) -> int:
        """Return the line, from 1, in which an index lies."""
        return self.text.count("\n", 0, index) + 1


def _is_too_deep(tree: ast.AST) -> bool:
    """Whether a tree is too deep for functions that walk it."""
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _without_magics(lines: list[str]) -> tuple[str, frozenset[int]]:
    first = next((line for line in lines if line.strip()), "")
    named = re.match(r"%%\s*(\w*)", first)
    if named and named[1] not in _PYTHON_BELOW:
        return "\n".join(["pass", *("" for _ in lines[1:])]), frozenset(range(1, len(lines) + 1))
    plain, magics = list(lines), set()
    quote, depth = "", 0
    continued = False
    for number, line in enumerate(lines):
        if not quote and not depth and not continued and _MAGIC.match(line):
            indent = line[: len(line) - len(line.lstrip())]
            plain[number] = f"{indent}pass"
            magics.add(number + 1)
            continue
        quote, depth = _state_after(line, quote, depth)
        continued = not quote and line.endswith("\\")
    return "\n".join(plain), frozenset(magics)


def _state_after(line: str, quote: str, depth: int) -> tuple[str, int]:
    """The open quote and the number of open brackets at the end of a line."""
    at = 0
    while at < len(line):
        letter = line[at]
        if quote:
            if letter == "\\":
                at += 1
            elif line.startswith(quote, at):
                at += len(quote) - 1
                quote = ""
        elif letter == "#":
            break
        elif found := _QUOTES.match(line, at):
            quote = found[0]
            at += len(quote) - 1
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth = max(0, depth - 1)
        at += 1
    return (quote if len(quote) == 3 else ""), depth


def running_with(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield a statement and those within it that run when it runs."""
    if isinstance(node, ast.stmt):
        yield node
    defines = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    if isinstance(node, ast.stmt | ast.ExceptHandler) and not defines:
        for child in ast.iter_child_nodes(node):
            yield from running_with(child)


def own_lines(python: PythonText, node: ast.stmt) -> tuple[int, int]:
    """Return the first and last line of a statement, with decorators and comments above it.

    Comment lines count where they stand directly above, without a blank line between.
    """
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    while first > 1 and python.lines[first - 2].startswith("#"):
        first -= 1
    assert node.end_lineno is not None
    return first, node.end_lineno


def parameters(function: ast.FunctionDef) -> list[str]:
    """Return the names of a function's parameters, in order."""
    given = function.args
    return [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def required(function: ast.FunctionDef) -> set[str]:
    """Return the names of those parameters of a function that have no default."""
    given = function.args
    by_place = [*given.posonlyargs, *given.args]
    told = [*by_place[: len(by_place) - len(given.defaults)]]
    by_name = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    told += [argument for argument, default in by_name if default is None]
    return {argument.arg for argument in told}


def signature_place(python: PythonText, function: ast.FunctionDef) -> tuple[int, int]:
    """Return where the text between a function's parentheses begins and ends."""
    given = function.args
    inside = [
        *given.posonlyargs,
        *given.args,
        *given.kwonlyargs,
        *(entry for entry in (given.vararg, given.kwarg) if entry),
    ]
    opened = python.text.index("(", python.text.index("def", python.start(function)))
    last = opened + 1
    for entry in inside:
        assert entry.end_lineno is not None and entry.end_col_offset is not None
        last = max(last, python.place(entry.end_lineno, entry.end_col_offset))
    for default in (*given.defaults, *(d for d in given.kw_defaults if d is not None)):
        last = max(last, python.end(default))
    return opened + 1, closing_bracket(python.text, last)


def closing_bracket(text: str, index: int) -> int:
    """Return where the bracket closes that is open at ``index``, which is not in a string."""
    depth = 0
    while index < len(text):
        if text[index] == "#":
            index = text.find("\n", index)
        elif text[index] in "([{":
            depth += 1
        elif text[index] in ")]}":
            if not depth:
                return index
            depth -= 1
        index += 1
    raise ValueError("no bracket closes")


def free_names(text: str, function: str = "") -> set[str]:
    """Return the names that a text uses but does not define.

    Args:
        text: Python that can be parsed.
        function: look at this function only; "" for the whole text.

    """
    table = symtable.symtable(text, "<cell>", "exec")
    symbols = table.get_symbols()
    bound = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    found = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
    for child in table.get_children():
        if not function or child.get_name() == function:
            found |= _globals_of(child)
            bound |= _set_globally_by(child)
    return found - bound


def _set_globally_by(table: symtable.SymbolTable) -> set[str]:
    """The names of the notebook that a function sets itself, after ``global``."""
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_declared_global() and symbol.is_assigned()
    }


def _globals_of(table: symtable.SymbolTable) -> set[str]:
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_global() and symbol.is_referenced()
    }
    for child in table.get_children():
        found |= _globals_of(child)
    return found
