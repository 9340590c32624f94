"""The lines of an answer that a reason speaks of, where the answer's text alone tells them.

A reason names a place in the network ("the second convolution"). Which line draws it is
certain if the function draws its layers one after the other; with loops or helpers of its
own it is not, and then no line is named.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field

from resnets_utils.graphs.stages import stage_names

# Python's parser needs a time and a depth of its own for a hostile text.
_MAX_LETTERS = 20_000
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_KINDS = {
    "Conv2D": "convolution",
    "BatchNormalization": "batch normalisation",
    "Add": "addition",
    "ReLU": "ReLU",
    "MaxPooling2D": "max pooling",
    "AveragePooling2D": "average pooling",
    "GlobalAveragePooling2D": "global average pooling",
    "ZeroPadding2D": "zero padding",
    "Flatten": "flatten",
    "Dense": "dense layer",
}
_KIND = f"(?P<kind>{'|'.join(_KINDS.values())})"
_NTH = f"(?:(?P<nth>{'|'.join(_ORDINALS)}|last) )?"
_PLACE = re.compile(
    rf"(?:before that, )?the (?P<shortcut>shortcut's )?{_NTH}{_KIND}\b(?! is missing)"
)
_NAMED = re.compile(rf"there is no {_KIND} named '[^']*'; yours has one named '(?P<name>[^']*)'")
_BLOCK = re.compile(r"(?:the [\w ]+ of |in )stage (?P<stage>\d+), block (?P<block>[a-z])\b")


@dataclass(frozen=True)
class Drawn:
    """A layer or a block that a function draws: its kind in words, and the call that makes it."""

    kind: str
    call: ast.Call


@dataclass(frozen=True)
class _Path:
    """What lies between the function's input and a tensor, and the ways that joined it."""

    drawn: tuple[Drawn, ...] = ()
    shortcuts: tuple[tuple[Drawn, ...], ...] = ()


class _NotCertain(Exception):
    """The text does not tell the order of the layers."""


def lines_to_change(
    what: str, source: str, function: str, blocks: Collection[str] = ()
) -> tuple[int, int] | None:
    """Return the first and the last line that a reason speaks of; None if that is not certain.

    Args:
        what: a sentence of a reason.
        source: the cell with the answer.
        function: the function that the reason is about.
        blocks: the other functions that are graded, which it may call.

    """
    if len(source) > _MAX_LETTERS:
        return None
    try:
        with warnings.catch_warnings():
            # Python's own remarks on the student's code.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        defined = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name == function
        ]
        if len(defined) != 1:
            return None
        found = _found(what, defined[0], set(blocks) - {function})
    except (SyntaxError, ValueError, RecursionError, MemoryError, _NotCertain):
        return None
    return (found.lineno, found.end_lineno or found.lineno) if found else None


def _found(what: str, function: ast.FunctionDef, blocks: set[str]) -> ast.Call | None:
    if place := _BLOCK.match(what):
        return _block_call(function, blocks, place)
    if named := _NAMED.match(what):
        return _call_named(function, named["kind"], named["name"])
    if place := _PLACE.match(what):
        path = _Walk(blocks).result(function)
        ways = path.shortcuts if place["shortcut"] else (path.drawn,)
        alike = [each.call for way in ways for each in way if each.kind == place["kind"]]
        nth = place["nth"]
        if len(ways) != 1 or not alike or (not nth and len(alike) > 1):
            return None
        at = -1 if nth == "last" else _ORDINALS.index(nth) if nth else 0
        return alike[at] if at < len(alike) else None
    return None


def _calls(function: ast.FunctionDef) -> list[ast.Call]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Call)]


def _block_call(
    function: ast.FunctionDef, blocks: set[str], place: re.Match[str]
) -> ast.Call | None:
    """The call of the block with a stage and a letter: by its arguments, or by its place."""
    stage, letter = int(place["stage"]), place["block"]
    wanted = {"stage": stage, "block": letter}
    calls = [call for call in _calls(function) if _named(call.func) in blocks]
    found = [call for call in calls if wanted.items() <= _constants(call).items()]
    if not any("stage" in _constants(call) for call in calls):
        drawn = [each for each in _Walk(blocks).result(function).drawn if each.kind in blocks]
        # Blocks of the first one's kind change the shape, and begin a stage.
        names = stage_names([each.kind == drawn[0].kind for each in drawn])
        pairs = zip(names, drawn, strict=False)
        found = [each.call for name, each in pairs if name == (stage, letter)]
    return found[0] if len(found) == 1 else None


def _constants(call: ast.Call) -> dict[str | None, object]:
    return {
        each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)
    }


def _call_named(function: ast.FunctionDef, kind: str, name: str) -> ast.Call | None:
    """The layer's call whose name ends as this name does, if only one fits best."""
    ends: list[tuple[int, ast.Call]] = []
    for call in _calls(function):
        for each in call.keywords if _kind(call) == kind else ():
            if each.arg == "name":
                texts = [
                    part.value
                    for part in ast.walk(each.value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                if texts and texts[-1] and name.endswith(texts[-1]):
                    ends.append((len(texts[-1]), call))
    best = max((length for length, _ in ends), default=0)
    fitting = [call for length, call in ends if length == best]
    return fitting[0] if len(fitting) == 1 else None


def _named(func: ast.expr) -> str:
    """The last part of a called name: "Conv2D" of ``keras.layers.Conv2D``."""
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def _kind(call: ast.Call) -> str:
    """What kind of layer a call makes, in words; "" if none that is known."""
    name = _named(call.func)
    if name == "Activation" and call.args and isinstance(call.args[0], ast.Constant):
        return "ReLU" if call.args[0].value == "relu" else f"{call.args[0].value!s} activation"
    return _KINDS.get(name, "")


@dataclass
class _Walk:
    """Reads a function line by line, as far as it only draws one layer after the other."""

    blocks: set[str]
    paths: dict[str, _Path] = field(default_factory=dict)
    layers: dict[str, ast.Call] = field(default_factory=dict)

    def result(self, function: ast.FunctionDef) -> _Path:
        """Return the path to what the function returns."""
        self.paths = {each.arg: _Path() for each in function.args.args[:1]}
        for statement in function.body:
            match statement:
                case ast.Return(value=ast.expr() as value):
                    found = self._path(value)
                    if found is None:
                        found = max(self.paths.values(), key=lambda path: len(path.drawn))
                    return found
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._keep(name, value)
                case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                    own = ast.Name(name, ast.Load())
                    self._keep(name, ast.BinOp(own, ast.Add(), value))
                case _:
                    self._refuse_layers(statement)
        raise _NotCertain

    def _refuse_layers(self, statement: ast.stmt) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in self.paths:
                raise _NotCertain
            if isinstance(node, ast.Call) and (_kind(node) or isinstance(node.func, ast.Call)):
                raise _NotCertain

    def _keep(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and _kind(value):
            self.layers[name] = value
            return
        path = self._path(value)
        self.layers.pop(name, None)
        if path is None:
            self.paths.pop(name, None)
        else:
            self.paths[name] = path

    def _path(self, value: ast.expr) -> _Path | None:
        """The path to the tensor that an expression gives; None if it gives none."""
        match value:
            case ast.Name(id=name):
                return self.paths.get(name)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                paths = [self._path(left), self._path(right)]
                return self._joined(paths, None) if any(paths) else None
            case ast.Call(
                func=ast.Call() as layer, args=[ast.List(elts=parts) | ast.Tuple(elts=parts)]
            ):
                return self._joined([self._path(part) for part in parts], layer)
            case ast.Call(func=ast.Call() as layer, args=[one]) if _kind(layer):
                return self._after(one, _kind(layer), layer)
            case ast.Call(func=ast.Name(id=name), args=[one]) if name in self.layers:
                return self._after(one, _kind(self.layers[name]), self.layers[name])
            case ast.Call(func=func, args=[one, *_]) if _named(func) in self.blocks:
                return self._after(one, _named(func), value)
            case ast.Call(func=func) if _named(func) == "Input":
                return _Path()
            case ast.Call():
                given = [*value.args, *(each.value for each in value.keywords)]
                if isinstance(value.func, ast.Call) or any(map(self._path, given)):
                    if _named(value.func) == "Model":
                        return None
                    # A helper of the student's own, or a layer that is not in the table.
                    raise _NotCertain
        return None

    def _after(self, before: ast.expr, kind: str, call: ast.Call) -> _Path:
        path = self._path(before)
        if path is None:
            raise _NotCertain
        return _Path((*path.drawn, Drawn(kind, call)), path.shortcuts)

    def _joined(self, paths: list[_Path | None], call: ast.Call | None) -> _Path:
        ways = sorted(filter(None, paths), key=lambda path: len(path.drawn))
        if (len(ways), len(paths)) != (2, 2) or (call and _kind(call) != "addition"):
            raise _NotCertain
        short, long = ways
        end = (Drawn("addition", call),) if call else ()
        return _Path((*long.drawn, *end), (*long.shortcuts, short.drawn))
