"""Fix what newer library versions broke, and report what cannot be fixed.

A student's mistake is never corrected. Each edit changes one exact place, and the new
text means today what the old text meant in the Keras of its time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from resnets_utils.notebooks.python_text import PythonText
from resnets_utils.upgrade.edits import Change, Edit, apply_edits, without_overlaps
from resnets_utils.upgrade.imports import MOVED, SEEDS, Problem, updated_imports
from resnets_utils.upgrade.todays_names import Names, has_moved, is_there, meaning, todays_home

_SYMBOLIC = "today's Keras refuses TensorFlow functions on a layer's output"
_ACTIVATIONS = {
    "tensorflow.nn.relu": "relu",
    "tensorflow.nn.softmax": "softmax",
    "keras.backend.relu": "relu",
    "keras.backend.softmax": "softmax",
    "tensorflow.identity": "linear",
    "keras.backend.identity": "linear",
}
# Arguments by Keras 1's names, with today's names.
_KEYWORDS = {
    "keras.models.Model": {"input": "inputs", "output": "outputs"},
    "keras.layers.Conv2D": {
        "nb_filter": "filters",
        "subsample": "strides",
        "border_mode": "padding",
        "init": "kernel_initializer",
        "bias": "use_bias",
        "W_regularizer": "kernel_regularizer",
    },
    "keras.layers.Dense": {"output_dim": "units", "init": "kernel_initializer", "bias": "use_bias"},
    "keras.layers.MaxPooling2D": {"border_mode": "padding"},
    "keras.layers.AveragePooling2D": {"border_mode": "padding"},
}
_NUMPY_TYPES = {"numpy.int": "int", "numpy.float": "float"}
# Keywords by which a convolution shows that it was written for Keras 1.
_KERAS_1 = {"nb_filter", "subsample", "border_mode", "init"}


def updated(
    python: PythonText, names: Names, given: Mapping[str, str], first: Sequence[Edit] = ()
) -> tuple[str, list[Change]]:
    """Return a text with what newer libraries broke fixed, and the changes.

    Args:
        python: the text, which Python can read.
        names: what the names in it stand for.
        given: the names that the release gives, with their full names.
        first: other edits, which win if two change the same place.

    """
    imports, _ = updated_imports(python, given)
    rewrites = _Rewriter(python, names, given).edits()
    return apply_edits(python, without_overlaps(first, [*imports, *rewrites]))


class _Rewriter:
    """Finds what to rewrite in one text; see `updated`."""

    def __init__(self, python: PythonText, names: Names, given: Mapping[str, str]) -> None:
        self._python = python
        self._names = names
        self._given = given

    def edits(self) -> list[Edit]:
        """Return the edits that the text needs, except to its imports."""
        assert self._python.tree is not None
        return list(self._in_node(self._python.tree))

    def _in_node(self, node: ast.AST) -> Iterator[Edit]:
        if isinstance(node, ast.Call):
            yield from self._call(node)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            edit = self._reference(node)
            if edit is not None:
                yield edit
                return  # the edit covers the names within it
        if isinstance(node, ast.keyword) and node.arg in {"name", "block"}:
            yield from self._layer_name(node)
        if isinstance(node, ast.Assign) and "name" in _targets(node):
            yield from self._layer_name(node)
        for child in ast.iter_child_nodes(node):
            yield from self._in_node(child)

    def _replace(self, node: ast.expr | ast.keyword, text: str, why: str) -> Edit:
        return Edit(self._python.start(node), self._python.end(node), text, why)

    def _insert(self, place: int, text: str, why: str) -> Edit:
        return Edit(place, place, text, why)

    def _opening(self, call: ast.Call) -> int:
        """The place just after a call's opening bracket."""
        return self._python.text.index("(", self._python.end(call.func)) + 1

    def _call(self, call: ast.Call) -> Iterator[Edit]:
        what = self._names.meaning(call.func)
        keywords = {keyword.arg for keyword in call.keywords}
        plain = None not in keywords and not any(
            isinstance(value, ast.Starred) for value in call.args
        )
        unsized = plain and not call.args and "pool_size" not in keywords
        if what == "keras.layers.AveragePooling2D" and unsized:
            rest = ", " if call.keywords else ""
            why = "today's Keras has no default for the pool's size; it was (2, 2)"
            yield self._insert(self._opening(call), f"pool_size=(2, 2){rest}", why)
        yield from self._shape(call, what)
        if what == "tensorflow.cast" and self._is_float32(call):
            why = f"{_SYMBOLIC}, and layers cast their inputs themselves"
            yield from self._only_argument(call, "", why)
        if what == "keras.layers.Conv2D" and plain and keywords & _KERAS_1:
            yield from self._window(call)
        yield from self._renamed_keywords(call, what)
        yield from self._activation(call, what)
        if what in {"tensorflow.add", "tensorflow.add_n"} and plain and not call.keywords:
            yield from self._addition(call, what)
        elif what in _ACTIVATIONS and len(call.args) == 1 and plain and not call.keywords:
            yield self._replace(call.func, f'Activation("{_ACTIVATIONS[what]}")', _SYMBOLIC)
        elif what == "keras.layers" and self._mode(call) == "sum" and len(call.args) == 1:
            # Keras 1's function merge([...], mode="sum"); the module merge came later.
            why = "Keras 1's merge is gone; Add does the same"
            yield self._replace(call.func, "Add()", why)
            yield Edit(self._python.end(call.args[0]), self._python.end(call) - 1, "", why)
        normalises = isinstance(call.func, ast.Call) and (
            self._names.meaning(call.func.func) == "keras.layers.BatchNormalization"
        )
        if normalises and len(call.args) == 2:
            why = "today's Keras takes only tensors without a keyword"
            yield self._insert(self._python.start(call.args[1]), "training=", why)

    def _activation(self, call: ast.Call, what: str) -> Iterator[Edit]:
        """``tf.nn.relu`` passed to a layer, which also takes the function's name."""
        passed = [keyword.value for keyword in call.keywords if keyword.arg == "activation"]
        if what == "keras.layers.Activation":
            passed += call.args[:1]
        for value in passed if what.startswith("keras.layers.") else ():
            function = _ACTIVATIONS.get(self._names.meaning(value))
            if function:
                why = "a layer takes its activation by name in every Keras"
                yield self._replace(value, f'"{function}"', why)

    def _shape(self, call: ast.Call, what: str) -> Iterator[Edit]:
        """Ways to ask for a shape, which today is a tuple in the attribute ``shape``."""
        function, why = call.func, "a shape is a tuple today, in the attribute shape"
        asks = what in {"keras.backend.int_shape", "keras.backend.shape", "tensorflow.shape"}
        if asks and len(call.args) == 1 and not call.keywords:
            yield from self._only_argument(call, ".shape", why)
        elif isinstance(function, ast.Attribute) and not call.args and not call.keywords:
            inner = function.value
            called = inner.func if isinstance(inner, ast.Call) else inner
            gives = "get_shape" if called is not inner else "shape"
            shape = isinstance(called, ast.Attribute) and called.attr == gives
            if function.attr == "as_list" and shape:
                yield self._insert(self._python.start(call), "list(", why)
                yield Edit(self._python.end(inner), self._python.end(call), ")", why)
            elif function.attr == "get_shape":
                yield Edit(self._python.end(inner), self._python.end(call), ".shape", why)

    def _only_argument(self, call: ast.Call, then: str, why: str) -> Iterator[Edit]:
        """A call replaced by its first argument, in brackets if necessary."""
        argument = call.args[0]
        alone = isinstance(argument, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        opened, closed = ("", "") if alone else ("(", ")")
        yield Edit(self._python.start(call), self._python.start(argument), opened, why)
        yield Edit(self._python.end(argument), self._python.end(call), closed + then, why)

    def _is_float32(self, call: ast.Call) -> bool:
        """Whether a cast asks for the type that Keras's layers use anyway."""
        types = [*call.args[1:], *(word.value for word in call.keywords if word.arg == "dtype")]
        if len(call.args) + len(call.keywords) != 2 or not call.args or len(types) != 1:
            return False
        named = isinstance(types[0], ast.Constant) and types[0].value == "float32"
        return named or self._names.meaning(types[0]) in {"tensorflow.float32", "numpy.float32"}

    def _mode(self, call: ast.Call) -> str:
        modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
        only = len(modes) == 1 == len(call.keywords)
        return str(modes[0].value) if only and isinstance(modes[0], ast.Constant) else ""

    def _window(self, call: ast.Call) -> Iterator[Edit]:
        """Keras 1's Convolution2D(filters, rows, columns): the window is one argument now."""
        if len(call.args) == 3:
            why = "Keras 1 took the window's height and width as two arguments"
            yield self._insert(self._python.start(call.args[1]), "(", why)
            yield self._insert(self._python.end(call.args[2]), ")", why)

    def _renamed_keywords(self, call: ast.Call, what: str) -> Iterator[Edit]:
        for keyword in call.keywords:
            new = _KEYWORDS.get(what, {}).get(keyword.arg or "")
            if new and keyword.arg:
                start = self._python.start(keyword)
                why = f"the argument {keyword.arg} is called {new} today"
                yield Edit(start, start + len(keyword.arg), new, why)

    def _addition(self, call: ast.Call, what: str) -> Iterator[Edit]:
        if what == "tensorflow.add_n" and len(call.args) == 1:
            yield self._replace(call.func, "Add()", _SYMBOLIC)
        elif what == "tensorflow.add" and len(call.args) == 2:
            opened = self._opening(call)
            yield Edit(self._python.start(call.func), opened, "Add()([", _SYMBOLIC)
            closed = self._python.end(call) - 1
            yield Edit(closed, closed + 1, "])", _SYMBOLIC)

    def _reference(self, node: ast.Name | ast.Attribute) -> Edit | None:
        """A name or dotted path that has changed."""
        full_name = self._names.full_name(node)
        if not full_name:
            return None
        kind, _, initializer = self._names.meaning(node).partition(":")
        if kind == "initializer":
            text = self._python.of(node)
            release_name = self._given.get(initializer)
            if release_name and text != initializer and full_name != release_name:
                return self._replace(node, initializer, f"with today's Keras {SEEDS}")
            return None
        if kind in _NUMPY_TYPES:
            return self._replace(node, _NUMPY_TYPES[kind], "NumPy has dropped this name")
        if isinstance(node, ast.Attribute):
            return self._gone_path(node, full_name)
        return None

    def _gone_path(self, node: ast.Attribute, full_name: str) -> Edit | None:
        """``layers.merge.add`` as ``layers.add``: the part of the path that is gone."""
        if not has_moved(full_name) or not isinstance(node.value, ast.Attribute):
            return None
        home = todays_home(full_name)
        holder = self._names.full_name(node.value.value)
        if home and todays_home(holder) == home.rpartition(".")[0]:
            end = self._python.end(node)
            return Edit(
                self._python.end(node.value.value), end, f".{home.rpartition('.')[2]}", MOVED
            )
        return None

    def _layer_name(self, node: ast.keyword | ast.Assign) -> Iterator[Edit]:
        """A layer's name with a slash, which today's Keras refuses."""
        for part in ast.walk(node.value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                text = self._python.of(part)
                if "/" in part.value and text.count("/") == part.value.count("/"):
                    why = "today's Keras allows no / in a layer's name"
                    yield self._replace(part, text.replace("/", "_"), why)


def _targets(node: ast.Assign) -> str:
    return " ".join(target.id for target in node.targets if isinstance(target, ast.Name)).lower()


def remaining_problems(python: PythonText, names: Names, given: Mapping[str, str]) -> list[Problem]:
    """Return what today's Keras refuses in a text, after all edits were made."""
    # What the release itself imports exists; this saves loading Keras.
    there = {meaning(full_name) for full_name in given.values()}
    problems = []
    assert python.tree is not None
    for node in ast.walk(python.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"get_shape", "_keras_shape"}:
            problems.append(Problem(node.lineno, f".{node.attr} is gone; write .shape instead"))
        if isinstance(node, ast.Call):
            problems += _call_problems(node, names, python)
        for part in ast.iter_child_nodes(node):
            outermost = not isinstance(node, ast.Attribute)
            if outermost and isinstance(part, ast.Name | ast.Attribute):
                full_name = names.full_name(part)
                if not full_name or (meaning(full_name) in there and not has_moved(full_name)):
                    continue
                if not is_there(full_name):
                    text = python.of(part)
                    problems.append(Problem(part.lineno, f"there is no {text} any more"))
    return list(dict.fromkeys(problems))


def _call_problems(call: ast.Call, names: Names, python: PythonText) -> Iterator[Problem]:
    what = names.meaning(call.func)
    text = python.of(call.func)
    if what.startswith("tensorflow.") and what != "tensorflow.name_scope":
        yield Problem(call.lineno, f"{text}: {_SYMBOLIC}")
    old = sorted({keyword.arg for keyword in call.keywords if keyword.arg} & _OLD_ARGUMENTS)
    if what.startswith("keras.layers.") and old:
        yield Problem(call.lineno, f"{text} no longer takes {', '.join(old)}, of Keras 1")


_OLD_ARGUMENTS = {"mode", "dim_ordering", "nb_row", "nb_col", "W_constraint", "b_regularizer"}


def sizes_of_another_text(function: ast.FunctionDef, words: str) -> list[Problem]:
    """Return a problem for each list of sizes that an earlier edition's text may have asked for.

    Such a list is not in the release's text, which has one with the same pattern and the
    same last number instead.
    """
    asked = dict.fromkeys(
        tuple(int(number) for number in found.split(","))
        for found in re.findall(r"\[(\d+(?:, *\d+){2,})\]", words)
    )
    problems = []
    for node in ast.walk(function):
        if not isinstance(node, ast.List | ast.Tuple):
            continue
        sizes = tuple(getattr(entry, "value", None) for entry in node.elts)
        alike = [
            list(one)
            for one in asked
            if sizes and one[-1] == sizes[-1] and _pattern(one) == _pattern(sizes)
        ]
        if alike and sizes not in asked:
            reason = (
                f"{list(sizes)} is not in this version's text; an earlier edition may have asked "
                f"for it; this version asks for {' and '.join(map(str, alike))}"
            )
            problems.append(Problem(node.lineno, reason))
    return problems


def _pattern(sizes: Sequence[object]) -> list[int]:
    """The index of the first equal entry, for each entry of a list."""
    return [sizes.index(size) for size in sizes]
