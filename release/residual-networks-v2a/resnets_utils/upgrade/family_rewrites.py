"""Rewrite an answer of one family of the exercise for another, where that is safe.

In the first family the functions that build a block take the parts of their layers'
names. In the second they take an initializer and ``training`` instead. Comparing the
student's definitions with the release's tells which functions these are and which
parameters are gone. A rewrite is safe if it keeps what the student decided (layers,
their order, sizes, strides) and nothing in it needs a parameter that is gone.

Here ``python`` is the text that a function stands in, ``names`` tells what the names in it
stand for, and ``signature`` is the text of the release's parameters.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from resnets_utils.notebooks.python_text import (
    PythonText,
    free_names,
    parameters,
    required,
    signature_place,
)
from resnets_utils.upgrade.edits import Edit, apply_edits
from resnets_utils.upgrade.todays_names import Names

TRAINING, INITIALIZER = "training", "initializer"
# A rewrite can pass these on; the value of any other parameter would have to be guessed.
_PASSED_ON = {TRAINING, INITIALIZER}
_EXERCISE_NAMES = {"X", "X_shortcut"}
_NO_NAMES = "this version's layers have no names"
_TRAINING = "this version tells batch normalisation whether the network trains"
_INITIALIZER = "this version passes the initializer as a parameter"
_SIGNATURE = "this version has these parameters"


class NotSafe(Exception):
    """An answer cannot be rewritten without guessing; the message says why."""


@dataclass(frozen=True)
class Difference:
    """How the parameters of a student's function differ from those of the release's.

    Attributes:
        own: the student's, in order.
        wanted: the release's, in order.
        gone: those of the student's that the release's function does not take.
        added: those of the release's that the student's function does not take.

    """

    own: tuple[str, ...]
    wanted: tuple[str, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def is_forward(self) -> bool:
        """Whether the release's function takes an initializer instead of what is gone."""
        return bool(self.gone) and INITIALIZER in self.added

    @property
    def is_backward(self) -> bool:
        """Whether the student's function takes an initializer, and the release's does not."""
        return INITIALIZER in self.own and INITIALIZER not in self.wanted

    @property
    def to_be_guessed(self) -> tuple[str, ...]:
        """The release's parameters that the student's function gives no value for."""
        return tuple(name for name in self.wanted if name not in self.own)


def difference(own: ast.FunctionDef, released: ast.FunctionDef) -> Difference:
    """Return how the parameters of a student's function differ from the release's.

    A parameter that was only renamed is neither gone nor added: both names have the same
    place and no default.
    """
    mine, wanted = parameters(own), parameters(released)
    renamed = {
        name
        for pair in zip(mine, wanted, strict=False)
        if pair[0] not in wanted and pair[1] not in mine
        if pair[0] in required(own) and pair[1] in required(released)
        for name in pair
    }
    gone = tuple(name for name in mine if name not in wanted and name not in renamed)
    added = tuple(name for name in wanted if name not in mine and name not in renamed)
    return Difference(tuple(mine), tuple(wanted), gone, added)


def block_to_initializer(
    python: PythonText, function: ast.FunctionDef, names: Names, signature: str, apart: Difference
) -> list[Edit]:
    """Return the edits that take a block from the first family to the second.

    Raises:
        NotSafe: if anything but layers' names depends on what is gone, or if a
            parameter is added that no rewrite can pass on.

    """
    kept = [name for name in apart.own if name not in apart.gone]
    asked = [name for name in apart.wanted if name not in apart.added]
    if kept != asked or not _PASSED_ON.issuperset(apart.added):
        raise NotSafe("its parameters are not those of the exercise")
    edits = [Edit(*signature_place(python, function), signature, _SIGNATURE)]
    removed: list[ast.AST] = []
    for call in _calls(function):
        if names.meaning(call.func).startswith("keras.layers."):
            if any(keyword.arg is None for keyword in call.keywords):
                raise NotSafe(f"line {call.lineno} passes arguments with **")
            removed += [keyword for keyword in call.keywords if keyword.arg == "name"]
            edits += _without(python, call, {"name"}, _NO_NAMES)
        edits += _training_told(python, call, names)
    edits += _initializer_handed_in(python, function, names)
    edits += _without_name_building(python, function, set(apart.gone), removed)
    text, _ = apply_edits(python, edits)
    after = PythonText(text)
    if after.tree is None:
        raise NotSafe("the rewritten text is no longer Python")
    new = free_names(after.plain, function.name) - free_names(python.plain, function.name)
    new -= free_names(f"def function({signature}): pass")
    if new:
        raise NotSafe(f"{', '.join(sorted(new))} would be missing")
    return edits


def training_added(
    python: PythonText, function: ast.FunctionDef, names: Names, signature: str
) -> list[Edit]:
    """Return the edits that add ``training`` to a block of the second family without it."""
    wanted = _parameters_of(signature)
    own = parameters(function)
    if own != [name for name in wanted if name != TRAINING]:
        return []
    following = wanted[wanted.index(TRAINING) + 1]
    argument = next(entry for entry in function.args.args if entry.arg == following)
    place = python.place(argument.lineno, argument.col_offset)
    edits = [Edit(place, place, "training=True, ", _SIGNATURE)]
    for call in _calls(function):
        edits += _training_told(python, call, names)
    return edits


def network_to_initializer(
    python: PythonText,
    function: ast.FunctionDef,
    apart: Mapping[str, Difference],
    untold: Mapping[str, ast.FunctionDef],
) -> list[Edit]:
    """Return the edits that make a function call blocks of the second family.

    Args:
        python: the text.
        function: the function's definition.
        apart: how the blocks' parameters differ, by the blocks' names.
        untold: the release's blocks that the notebook does not define. Only arguments
            that a call names tell what is gone.

    Raises:
        NotSafe: if a block is called with ``*`` or ``**``, or with positional
            arguments of unknown meaning.

    """
    edits: list[Edit] = []
    for call in _calls(function):
        if not isinstance(call.func, ast.Name):
            continue
        name = call.func.id
        if name in apart:
            _refuse_stars(call)
            edits += _as_wanted(python, call, name, apart[name])
        elif name in untold:
            wanted = parameters(untold[name])
            strange = tuple(
                keyword.arg
                for keyword in call.keywords
                if keyword.arg is not None and keyword.arg not in wanted
            )
            if not strange:
                continue
            _refuse_stars(call)
            if len(call.args) > len(required(untold[name])):
                raise NotSafe(
                    f"line {call.lineno} passes {name} positional arguments of unknown meaning"
                )
            edits += _without(python, call, set(strange), _no_more(name, strange))
    return edits


def _refuse_stars(call: ast.Call) -> None:
    starred = any(isinstance(value, ast.Starred) for value in call.args)
    if starred or any(keyword.arg is None for keyword in call.keywords):
        raise NotSafe(f"line {call.lineno} passes arguments with * or **")


def _as_wanted(
    python: PythonText, call: ast.Call, function: str, apart: Difference
) -> Iterator[Edit]:
    """A call without what is gone; positional arguments after that are passed by name."""
    if len(call.args) > len(apart.own):
        raise NotSafe(f"line {call.lineno} passes more arguments than {function} takes")
    given = apart.own[: len(call.args)]
    places = {place for place, name in enumerate(given) if name in apart.gone}
    yield from _without(python, call, set(apart.gone), _no_more(function, apart.gone), places)
    for place in range(min(places, default=len(given)), len(given)):
        name = given[place]
        if place in places:
            continue
        if name not in apart.wanted:
            raise NotSafe(f"line {call.lineno} passes {name}, which this version does not have")
        start = python.start(call.args[place])
        yield Edit(start, start, f"{name}=", f"this version has {name} in another position")


def _no_more(function: str, gone: Sequence[str]) -> str:
    no = "no" if len(gone) == 1 else "neither"
    return f"this version's {function} takes {no} {' nor '.join(gone)}"


def _parameters_of(signature: str) -> list[str]:
    tree = ast.parse(f"def function({signature}): pass").body[0]
    assert isinstance(tree, ast.FunctionDef)
    return parameters(tree)


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def _without(
    python: PythonText,
    call: ast.Call,
    keywords: set[str],
    why: str,
    positions: Collection[int] = (),
) -> Iterator[Edit]:
    """Remove arguments from a call, each with the comma before or after it."""
    entries: list[ast.expr | ast.keyword] = sorted(
        [*call.args, *call.keywords], key=lambda entry: (entry.lineno, entry.col_offset)
    )
    spans = [_span(python, call, entry) for entry in entries]
    gone = {entry for entry in call.keywords if entry.arg in keywords}
    last_kept = -1
    for at, (entry, (start, end)) in enumerate(zip(entries, spans, strict=True)):
        if entry not in gone and not (entry in call.args and call.args.index(entry) in positions):
            last_kept = at
        elif last_kept >= 0:
            yield Edit(spans[at - 1][1], end, "", why)
        elif at + 1 < len(entries):
            yield Edit(start, spans[at + 1][0], "", why)
        else:
            comma = re.compile(r"\s*,").match(python.text, end)
            yield Edit(start, comma.end() if comma else end, "", why)


def _span(python: PythonText, call: ast.Call, entry: ast.expr | ast.keyword) -> tuple[int, int]:
    """Where an argument begins and ends, with the brackets that may stand around it."""
    start, end = python.start(entry), python.end(entry)
    opened = python.text.index("(", python.end(call.func))
    while True:
        before = python.text[opened + 1 : start].rstrip()
        after = re.compile(r"\s*\)").match(python.text, end)
        if not before.endswith("(") or after is None:
            return start, end
        start, end = opened + len(before), after.end()


def _initializer_handed_in(
    python: PythonText, function: ast.FunctionDef, names: Names
) -> Iterator[Edit]:
    """``glorot_uniform(seed=0)`` as ``initializer(seed=0)``, for kernels.

    Raises:
        NotSafe: if a kernel's initializer comes from outside the block.

    """
    local = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    of_others: set[ast.AST] = set()
    for keyword in (node for node in ast.walk(function) if isinstance(node, ast.keyword)):
        if keyword.arg and keyword.arg.endswith("_initializer"):
            if keyword.arg != "kernel_initializer":
                of_others.add(keyword.value)
            elif isinstance(keyword.value, ast.Name) and keyword.value.id not in local:
                raise NotSafe(f"line {keyword.lineno} takes its initializer from outside")
    for call in _calls(function):
        if names.meaning(call.func) == "initializer:glorot_uniform" and call not in of_others:
            start, end = python.start(call.func), python.end(call.func)
            yield Edit(start, end, "initializer", _INITIALIZER)


def _training_told(python: PythonText, call: ast.Call, names: Names) -> Iterator[Edit]:
    """``BatchNormalization(...)(X)`` as ``BatchNormalization(...)(X, training=training)``."""
    inner = call.func
    if not isinstance(inner, ast.Call):
        return
    if names.meaning(inner.func) != "keras.layers.BatchNormalization":
        return
    told = any(keyword.arg in {"training", None} for keyword in call.keywords)
    if not told and len(call.args) + len(call.keywords) == 1:
        only = call.args[0] if call.args else call.keywords[0]
        _, end = _span(python, call, only)
        yield Edit(end, end, ", training=training", _TRAINING)


def _without_name_building(
    python: PythonText, function: ast.FunctionDef, gone: set[str], removed: list[ast.AST]
) -> list[Edit]:
    """Remove the statements that only build layers' names.

    Raises:
        NotSafe: if anything else depends on a parameter or name that is gone.

    """
    edits: list[Edit] = []
    while reading := _reading(function, gone, removed):
        statement = next(
            (
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Assign | ast.AugAssign) and node not in removed
                if _reading(node, gone, removed)
            ),
            None,
        )
        name = reading[0]
        if statement is None:
            raise NotSafe(f"line {name.lineno} depends on {name.id}")
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        bound = {target.id for target in targets if isinstance(target, ast.Name)}
        if len(bound) < len(targets) or bound & (set(parameters(function)) | _EXERCISE_NAMES):
            raise NotSafe(f"line {statement.lineno} depends on {name.id}")
        edits.append(_whole_lines(python, statement))
        removed.append(statement)
        gone |= bound
    return edits


def _whole_lines(python: PythonText, statement: ast.stmt) -> Edit:
    start, end = python.start(statement), python.end(statement)
    begin = python.text.rfind("\n", 0, start) + 1
    finish = python.text.find("\n", end)
    finish = len(python.text) if finish < 0 else finish + 1
    after = python.text[end:finish].strip()
    if python.text[begin:start].strip() or (after and not after.startswith("#")):
        raise NotSafe(f"line {statement.lineno} holds more than one statement")
    return Edit(begin, finish, "", _NO_NAMES)


def _reading(tree: ast.AST, wanted: set[str], removed: Collection[ast.AST]) -> list[ast.Name]:
    """The places that name one of ``wanted``, outside what is removed."""
    if tree in removed:
        return []
    if isinstance(tree, ast.Name):
        return [tree] if tree.id in wanted else []
    found = []
    for child in ast.iter_child_nodes(tree):
        found += _reading(child, wanted, removed)
    return found
