"""The first place where an answer's graph differs from the exercise's, in words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence

from resnets_utils.border.difference import (
    MISSING,
    MORE,
    OTHER_KIND,
    SETTING,
    WIRING,
    Sentence,
)
from resnets_utils.graphs.graph import CLOSED_BLOCK, Graph, Node, Setting
from resnets_utils.graphs.places import Names, node_in_words

_SETTING_WORDS = {"strides": "stride", "kernel": "window", "bias": "bias"}
_PADDINGS = ("valid", "same")
INITIALIZERS = ("initializer", "bias initializer")


def _no_arguments(got: Node, wanted: Node) -> list[str]:
    return []


def first_difference(
    answer: Graph,
    expected: Graph,
    *,
    kinds: Collection[str] | None = None,
    without: Collection[str] = (),
    settings: Collection[str] = (),
    arguments: Callable[[Node, Node], list[str]] = _no_arguments,
    network: bool = False,
) -> str:
    """Return a sentence on the first difference, reading along the main path.

    Args:
        answer: the student's graph.
        expected: the exercise's.
        kinds: compare these kinds of layer only; None for all.
        without: kinds to skip.
        settings: which settings to compare; the kinds and their wiring always are.
        arguments: returns the arguments to name of two calls of one block.
        network: whether the graphs are whole networks, not the layers of a block.

    Returns:
        A sentence without a full stop, a `Sentence`; "" if nothing differs.

    """

    def counts(node: Node) -> bool:
        return (kinds is None or node.kind in kinds) and node.kind not in without

    theirs = [at for at in answer.reached if counts(answer.nodes[at])]
    ours = [at for at in expected.reached if counts(expected.nodes[at])]
    names = Names(expected, network=network)
    for at, wanted_at in zip(theirs, ours, strict=False):
        got, wanted, where = answer.nodes[at], expected.nodes[wanted_at], names[wanted_at]
        if _what(got) != _what(wanted):
            place = names.within(wanted_at)
            return Sentence(
                lambda got, place: f"where the exercise has {place}, yours has {_a(got)}",
                OTHER_KIND,
                place,
                got=node_in_words(got),
                wanted=place,
            )
        compared = [name for name in wanted.settings if name in settings]
        if wanted.kind == CLOSED_BLOCK:
            compared = arguments(got, wanted)
        for setting in compared:
            if wanted.kind == CLOSED_BLOCK or got.settings.get(setting) != wanted[setting]:
                return other_setting(
                    where, wanted.kind, setting, got.settings.get(setting), wanted[setting]
                )
        if "also sets" in got.settings and "also sets" in settings:
            extra = got["also sets"]
            assert isinstance(extra, tuple)
            return also_sets(where, list(map(str, extra)))
    if len(theirs) < len(ours):
        missing = names[ours[len(theirs)]]
        return Sentence(lambda *_: f"{missing} is missing", MISSING, missing)
    if len(theirs) > len(ours):
        more = node_in_words(answer.nodes[theirs[len(ours)]])
        return Sentence(lambda *_: f"yours has one {more} more than the exercise", MORE, more)
    if kinds is not None:
        return ""
    return _wiring(answer, expected, theirs, ours, names)


def _what(node: Node) -> tuple[str, Setting]:
    """A node's kind, and the function of a closed block or an activation."""
    return node.kind, node.function if node.kind == CLOSED_BLOCK else node.settings.get("function")


def _wiring(
    answer: Graph, expected: Graph, theirs: Sequence[int], ours: Sequence[int], names: Names
) -> str:
    for at, wanted_at in zip(theirs, ours, strict=True):
        got = _sources(answer, at, theirs)
        wanted = _sources(expected, wanted_at, ours)
        if sorted(got) != sorted(wanted):
            return _other_sources(
                names[wanted_at],
                " and ".join(names.within(ours[source]) for source in got),
                " and ".join(names.within(ours[source]) for source in wanted),
            )
    return ""


def _other_sources(place: str, got: str, wanted: str) -> Sentence:
    return Sentence(
        lambda got, wanted: f"{place} reads {got}; the exercise has it read {wanted}",
        WIRING,
        place,
        got=got,
        wanted=wanted,
    )


def _sources(graph: Graph, at: int, counted: Sequence[int]) -> list[int]:
    """Places, in ``counted``, of what a node reads, through the nodes not counted."""
    places = []
    for source in graph.nodes[at].inputs:
        while source not in counted and graph.nodes[source].inputs:
            source = graph.nodes[source].inputs[0]
        places.append(counted.index(source) if source in counted else 0)
    return places


def other_setting(where: str, kind: str, setting: str, got: Setting, wanted: Setting) -> Sentence:
    """Return that a layer has another value of a setting.

    Args:
        where: the layer, in words.
        kind: what kind of layer it is.
        setting: the setting's name.
        got: the answer's value.
        wanted: the exercise's.

    """
    return Sentence(
        functools.partial(_setting, where, kind, setting),
        SETTING,
        where,
        setting,
        got,
        wanted,
        in_words=start if setting in INITIALIZERS else str,
    )


def also_sets(where: str, settings: Sequence[str]) -> Sentence:
    """Return that a layer has settings which the exercise leaves out."""
    told = ", ".join(settings)
    return Sentence(
        lambda got, _: f"{where} also sets {got}; the exercise leaves it out",
        SETTING,
        where,
        told,
        told,
    )


def _setting(where: str, kind: str, setting: str, got: Setting, wanted: Setting) -> str:
    if setting == "bias":
        return (
            f"{where} has {'a' if got else 'no'} bias; the exercise "
            f"{'has one' if wanted else 'has none'}"
        )
    if setting == "trainable":
        return (
            f"{where} is {'' if got else 'not '}trainable; the exercise's is{' not' if got else ''}"
        )
    if setting in {"filters", "units"} and kind in {"convolution", "dense"}:
        return f"{where} has {got} {setting}; the exercise asks for {wanted}"
    if setting in INITIALIZERS:
        return f"{where} starts from {start(got)}; the exercise asks for {start(wanted)}"
    if setting == "padding" and wanted in _PADDINGS:
        return f'{where} has padding "{got}"; the exercise asks for "{wanted}"'
    if setting == "training":
        called = "without a training argument" if got is None else f"with training={got}"
        asked = "without one" if wanted is None else f"with training={wanted}"
        return f"{where} is called {called}; the exercise calls it {asked}"
    word = _SETTING_WORDS.get(setting, setting)
    equals = "= " if kind == CLOSED_BLOCK else ""
    return f"{where} has {word} {equals}{got}; the exercise asks for {wanted}"


def start(initializer: Setting) -> str:
    """Return an initializer in words, such as "glorot_uniform(seed=0)"."""
    match initializer:
        case ("initializer", str(name)):  # an argument of a closed block, as is the next
            return name.rpartition(".")[2]
        case ("starts", *given):
            return start(tuple(given))
        case ("default",):
            return "zeros"
        case ("constant", value):
            return f"the constant {value}"
        case ("other", "function", _):
            return "a function of your own"
        case ("other", "GlorotUniform", "null"):
            return (
                "Keras's own GlorotUniform without a seed, as if no kernel_initializer were given"
            )
        case ("other", name, seed):
            told = "without a seed" if seed == "null" else f"with seed {seed}"
            return f"Keras's own {name} {told}"
        case (str(name), seed):
            return f"{name.removeprefix('stateless ')}(seed={seed})"
    return "nothing"  # an argument may be anything


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
