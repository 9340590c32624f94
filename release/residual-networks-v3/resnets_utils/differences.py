"""The first place where an answer's graph leaves the exercise's, in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from resnets_utils.graph import STAND_INS, Graph, Node, Setting

ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
_BRANCH = re.compile(r"(?:res|bn)(\d+)([a-z]+)_branch(1|2a|2b|2c)")
_MAIN_PATH = ("2a", "2b", "2c")
_SETTING_WORDS = {"strides": "stride", "kernel": "window", "bias": "bias"}
_KIND_WORDS = {"dense": "dense layer", "batch normalisation": "batch normalisation"}


def first_difference(
    answer: Graph,
    expected: Graph,
    *,
    kinds: Collection[str] | None = None,
    without: Collection[str] = (),
    settings: Collection[str] = (),
) -> str:
    """Return a sentence on the first difference, reading along the main path.

    Args:
        answer: the student's graph.
        expected: the exercise's.
        kinds: look at these kinds of layer only; None for all.
        without: kinds to look through.
        settings: which settings to compare; the kinds and their wiring always are.

    Returns:
        A sentence without a full stop; "" if nothing differs.

    """

    def counts(node: Node) -> bool:
        return (kinds is None or node.kind in kinds) and node.kind not in without

    theirs = [at for at in answer.reached if counts(answer.nodes[at])]
    ours = [at for at in expected.reached if counts(expected.nodes[at])]
    their_nodes = [answer.nodes[at] for at in theirs]
    our_nodes = [expected.nodes[at] for at in ours]
    names = _Names(our_nodes, network=bool(expected.of_kind("dense")))
    for place, (got, wanted) in enumerate(zip(their_nodes, our_nodes, strict=False)):
        where = names[place]
        if got.kind != wanted.kind:
            return f"where the exercise has {where}, yours has {_a(got.kind)}"
        for setting in wanted.settings:
            if setting in settings and got.settings.get(setting) != wanted[setting]:
                return _setting(where, wanted.kind, setting, got.settings.get(setting), wanted)
        if "also sets" in got.settings and "also sets" in settings:
            extra = got["also sets"]
            assert isinstance(extra, tuple)
            return f"{where} also sets {', '.join(map(str, extra))}; the exercise leaves it out"
    if len(theirs) < len(ours):
        return f"{names[len(theirs)]} is missing"
    if len(theirs) > len(ours):
        return f"yours has {_a(their_nodes[len(ours)].kind)} more than the exercise"
    if kinds is not None:
        return ""
    return _wiring(answer, expected, theirs, ours, names)


def _wiring(
    answer: Graph, expected: Graph, theirs: Sequence[int], ours: Sequence[int], names: _Names
) -> str:
    for place, (at, wanted_at) in enumerate(zip(theirs, ours, strict=True)):
        got = _sources(answer, at, theirs)
        wanted = _sources(expected, wanted_at, ours)
        if sorted(got) != sorted(wanted):
            read = " and ".join(names[source] for source in got)
            should = " and ".join(names[source] for source in wanted)
            return f"{names[place]} reads {read}; the exercise has it read {should}"
    return ""


def _sources(graph: Graph, at: int, counted: Sequence[int]) -> list[int]:
    """Places, in ``counted``, of what a node reads, through the nodes not counted."""
    places = []
    for source in graph.nodes[at].inputs:
        while source not in counted and graph.nodes[source].inputs:
            source = graph.nodes[source].inputs[0]
        places.append(counted.index(source) if source in counted else 0)
    return places


def _setting(where: str, kind: str, setting: str, got: Setting, wanted: Node) -> str:
    if setting == "bias":
        return (
            f"{where} has {'a' if got else 'no'} bias; the exercise keeps Keras's default, a bias"
        )
    if setting == "filters" and kind == "convolution":
        return f"{where} has {got} filters; the exercise asks for {wanted[setting]}"
    if setting in {"initializer", "bias initializer"}:
        return f"{where} starts from {start(got)}; the exercise asks for {start(wanted[setting])}"
    if setting == "padding":
        return f'{where} has padding "{got}"; the exercise asks for "{wanted[setting]}"'
    if setting == "training":
        called = "without a training argument" if got is None else f"with training={got}"
        asked = "without one" if wanted[setting] is None else f"with training={wanted[setting]}"
        return f"{where} is called {called}; the exercise calls it {asked}"
    word = _SETTING_WORDS.get(setting, setting)
    equals = "= " if kind in STAND_INS else ""
    return (
        f"{where} has {word} {equals}{_value(got)}; the exercise asks for {_value(wanted[setting])}"
    )


def _value(value: Setting) -> str:
    return "None" if value is None else str(value)


def start(initializer: Setting) -> str:
    """Say an initializer in words, as in "glorot_uniform(seed=0)"."""
    if not isinstance(initializer, tuple):
        return "nothing"
    name = str(initializer[0]).removeprefix("stateless ")
    if name in {"glorot_uniform", "random_uniform"}:
        return f"{name}(seed={initializer[1]})"
    if name == "constant":
        return f"the constant {initializer[1]}"
    if initializer[0] == "default":
        return "zeros"
    if initializer[1] == "function":
        return "a function of your own"
    return f"Keras's own {initializer[1]} (seed {initializer[2]})"


def _a(kind: str) -> str:
    word = _KIND_WORDS.get(kind, kind)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


class _Names:
    """Names for the exercise's nodes: "the second convolution", "the shortcut's convolution"."""

    def __init__(self, nodes: Sequence[Node], *, network: bool) -> None:
        self._nodes = nodes
        self._network = network

    def __getitem__(self, place: int) -> str:
        node = self._nodes[place]
        word = _KIND_WORDS.get(node.kind, node.kind)
        if node.kind == "input":
            return "the picture" if self._network else "the block's input"
        if node.kind in STAND_INS:
            return f"the {word} of stage {node['stage']}, block {node['block']}"
        branch = _BRANCH.fullmatch(node.layer)
        if branch:
            prefix = f"in stage {branch[1]}, block {branch[2]}, " if self._network else ""
            if branch[3] == "1":
                return f"{prefix}the shortcut's {word}"
            return f"{prefix}the {ORDINALS[_MAIN_PATH.index(branch[3])]} {word}"
        places = [at for at, other in enumerate(self._nodes) if other.kind == node.kind]
        if len(places) == 1:
            return f"the {word}"
        if place == places[-1] and not self._network:
            return f"the last {word}"
        number = places.index(place)
        return f"the {ORDINALS[number]} {word}" if number < 12 else f"{word} number {number + 1}"
