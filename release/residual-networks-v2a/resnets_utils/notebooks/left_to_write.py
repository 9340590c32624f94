"""What a graded function leaves to be written, judged by the function as it stands.

Where the exercise asked for the lines does not matter: an answer may stand between the
exercise's marks, below them, or without them.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What the exercise's editions write where an answer belongs: "START CODE HERE", "YOUR CODE
# STARTS HERE", "YOUR CODE HERE", or a placeholder in a comment.
_MARK = re.compile(
    r"\s*#+(?:.*\b(?:(?:START|END|YOUR)\s+CODE|CODE\s+(?:STARTS|ENDS))\b"
    r"|\s*(?:\w+\s*=\s*)?(?:None\b|\.\.\.)|\s*raise\s+NotImplementedError\b)",
    re.IGNORECASE,
)
_REGION_STARTS = re.compile(r"\s*#+.*\b(?:START\s+CODE|CODE\s+STARTS)\b", re.IGNORECASE)
_REGION_ENDS = re.compile(r"\s*#+.*\b(?:END\s+CODE|CODE\s+ENDS)\b", re.IGNORECASE)
# Names to which the exercise assigns None as a placeholder.
_EXERCISE_NAMES = {"X", "X_shortcut", "model"}
# Some editions give these last steps as well, below their marks.
_GIVEN_BELOW = Counter({"Add": 1, "Activation": 1})


@dataclass(frozen=True)
class LeftToWrite:
    """What a function leaves to be written.

    Attributes:
        line: the first line that is left to write; 0 if the function is complete.
        untouched: whether nothing was written at all.
        gap: the line of a start mark with nothing written below it, in a function that
            is written elsewhere; 0 if there is no such mark.

    """

    line: int
    untouched: bool
    gap: int


def left_to_write(
    lines: Sequence[str], function: ast.FunctionDef, given: ast.FunctionDef | None
) -> LeftToWrite:
    """Return what a function leaves to be written.

    Args:
        lines: those of the whole text that the function stands in.
        function: the function.
        given: the function as the exercise gives it; None if that is not known.

    """
    reached = list(_reached(function.body))
    open_names = _left_none(function.body)
    left = [node for node in reached if _is_placeholder(node) or node in open_names]
    written = _is_written(function, given)
    places = [node.lineno for node in left]
    if not any(_does_something(node) for node in reached):
        places.append(function.lineno)
    assert function.end_lineno is not None
    own = range(function.lineno, min(len(lines), function.end_lineno + 1) + 1)
    if not written:
        # Only what the exercise gives, and its marks: they may be comments alone.
        places += [number for number in own if _MARK.match(lines[number - 1])]
    empty = _empty_regions(lines, own, {node.lineno for node in reached if node not in left})
    return LeftToWrite(
        min(places, default=0),
        bool(places) and not written,
        min(empty, default=0) if written else 0,
    )


def _reached(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, and those in them, without what stands below an end."""
    for node in body:
        yield node
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ExceptHandler | ast.match_case):
                yield from _reached(child.body)
        for part in ("body", "orelse", "finalbody"):
            yield from _reached(getattr(node, part, []))
        if isinstance(node, ast.Return | ast.Raise):
            return


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        # With words it is an error of the student's own.
        raised = node.exc
        if isinstance(raised, ast.Call) and not raised.args:
            raised = raised.func
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value is None or node.value.value is ...
    return False


def _does_something(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return not constant and not isinstance(node, ast.Pass)


def _left_none(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The exercise's ``X = None`` whose None is read before the name gets another value."""
    return [
        node
        for at, node in enumerate(body)
        if any(_is_read_first(name, body[at + 1 :]) for name in _set_to_none(node))
    ]


def _set_to_none(node: ast.stmt) -> set[str]:
    """The exercise's names that a statement sets to None."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return set()
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    if not all(isinstance(value, ast.Constant) and value.value is None for value in values):
        return set()
    named = {leaf.id for one in targets for leaf in ast.walk(one) if isinstance(leaf, ast.Name)}
    return named & _EXERCISE_NAMES


def _is_read_first(name: str, below: Sequence[ast.stmt]) -> bool:
    for node in below:
        if name in _set_to_none(node):
            continue
        uses = [leaf for leaf in ast.walk(node) if isinstance(leaf, ast.Name) and leaf.id == name]
        if uses:
            changed = isinstance(node, ast.AugAssign)
            return changed or any(isinstance(leaf.ctx, ast.Load) for leaf in uses)
    return False


def _is_written(function: ast.FunctionDef, given: ast.FunctionDef | None) -> bool:
    """Whether a function does more than the exercise gives."""
    ours = _steps(given) if given else Counter[str]()
    if ours:
        return bool(_steps(function) - ours - _GIVEN_BELOW)
    # The exercise gives no step that could be counted.
    known = {ast.dump(node) for node in given.body} if given else set()
    return any(
        _does_something(node)
        and not _is_placeholder(node)
        and not _set_to_none(node)
        and not (isinstance(node, ast.Return) and isinstance(node.value, ast.Name | None))
        and ast.dump(node) not in known
        for node in _reached(function.body)
    )


def _steps(function: ast.FunctionDef) -> Counter[str]:
    """How often a function calls what, by name, and computes what.

    How weights start and how layers are named differs between editions, and is left out.
    """
    found: Counter[str] = Counter()
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.keyword) and "initializer" in (node.arg or ""):
            continue
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name and not hasattr(builtins, name):
                found[name] += 1
        elif isinstance(node, ast.BinOp) and not _joins_text(node):
            found[type(node.op).__name__] += 1
        waiting += ast.iter_child_nodes(node)
    return found


def _joins_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(leaf, ast.JoinedStr)
        or (isinstance(leaf, ast.Constant) and isinstance(leaf.value, str))
        for leaf in ast.walk(node)
    )


def _empty_regions(lines: Sequence[str], own: range, written: set[int]) -> list[int]:
    """The start marks of the exercise's regions in which no statement begins."""
    empty = []
    start = 0
    for number in own:
        if _REGION_STARTS.match(lines[number - 1]):
            start = number
        elif start and _REGION_ENDS.match(lines[number - 1]):
            if not any(start <= line <= number for line in written):
                empty.append(start)
            start = 0
    return empty
