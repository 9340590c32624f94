"""A traced answer, and what a check may ask of it.

Each ``has_...`` method returns quietly when the answer is right and raises
`CheckFailed` with a sentence when it is not. A question about structure is also
answered well by a graph that is drawn otherwise and computes the same: with
equal weights, on random pictures, predicting and training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from resnets_utils.border.call import Call
from resnets_utils.checks.check_result import CheckFailed
from resnets_utils.graphs.graph import (
    CLOSED_BLOCK,
    TRAINING_KINDS,
    WEIGHTED,
    Graph,
    Node,
    Reading,
    Shape,
)
from resnets_utils.graphs.graph_differences import first_difference
from resnets_utils.graphs.graph_differences import start as said
from resnets_utils.graphs.places import Names, kind_in_words
from resnets_utils.graphs.rebuilding import build, same_behaviour

_CONVOLUTION = ("filters", "kernel", "strides", "padding", "bias", "also sets")
_NORMALISATION = ("axis", "momentum", "epsilon", "center", "scale", "training", "also sets")
_HEAD = ("zero padding", "max pooling", "average pooling", "global average pooling")
_CLASSIFIER = ("flatten", "dense", "softmax", "dropout")
_STARTS = ("initializer", "bias initializer")
# Settings that are for training alone.
_CHANGES_NO_VALUES = frozenset(
    {
        "trainable",
        *(
            f"{weight}_{kind}"
            for weight in ("kernel", "bias", "activity", "beta", "gamma")
            for kind in ("regularizer", "constraint")
        ),
    }
)
_ANY = "*"  # any function's layers


class Opener(Protocol):
    """Finds the layers that stand behind a closed block."""

    def __call__(self, block: Node, shape: Shape) -> Graph | None:
        """Return them, drawn on an input of ``shape``; None if nobody knows them."""


class Answer:
    """What one call of a graded function drew, beside what the exercise draws.

    Attributes:
        call: how the function was called.
        graph: the answer's graph as read, closed blocks and all.
        expected: the exercise's graph for the same call.
        remarks: what is worth saying and costs nothing.

    Args:
        call: see above.
        graph: see above.
        expected: see above.
        open_block: finds the layers behind a closed block of the answer's.
        open_own_block: finds those behind one of the exercise's.
        salt: settles random weights and pictures.
        reveal: whether a reason may tell the expected figures.
        thorough: whether figures are computed even for a graph equal to the exercise's.

    """

    def __init__(
        self,
        call: Call,
        graph: Graph,
        expected: Graph,
        open_block: Opener,
        open_own_block: Opener,
        salt: int,
        *,
        reveal: Callable[[], bool],
        thorough: bool = False,
    ) -> None:
        self.call = call
        self.graph = graph
        self.expected = expected
        self.remarks: list[str] = []
        self._open_block = open_block
        self._open_own_block = open_own_block
        self._salt = salt
        self._reveal = reveal
        self._thorough = thorough

    @property
    def _network(self) -> bool:
        """Whether the answer is a whole network, not a function's on a tensor."""
        return self.call.shape is None

    @cached_property
    def _open(self) -> Graph:
        return open_blocks(self.graph, self._open_block)

    @cached_property
    def _open_expected(self) -> Graph:
        return open_blocks(self.expected, self._open_own_block)

    @cached_property
    def _at_one_level(self) -> tuple[Graph, Graph]:
        """The two graphs, closed blocks closed if the answer has any, else all open."""
        if self.graph.closed:
            return self.graph, self.expected
        return self._open, self._open_expected

    @cached_property
    def equivalent(self) -> bool:
        """Whether the answer computes what the exercise asks for, however it is drawn."""
        nodes = self._open.nodes
        if any("also sets" in node.settings for node in nodes):
            return False
        # Keras 3 overrides a layer's own `training` when the whole model is
        # called with one, so values alone would not show it.
        if _training_arguments(self._open) != _training_arguments(self._open_expected):
            return False
        if self._open.signature(_all_but_start) == self._open_expected.signature(_all_but_start):
            return True
        try:
            return same_behaviour(self._open, self._open_expected, self._salt)
        except ValueError:
            return False  # the layers do not fit together

    def _judge(self, equal: bool, reason: Callable[[], str]) -> None:
        if not equal and not self.equivalent:
            raise CheckFailed(f"{self.call}: {reason() or self._any_difference()}")

    def _any_difference(self, *graphs: Graph) -> str:
        answer, wanted = graphs or self._at_one_level
        found = first_difference(
            answer,
            wanted,
            settings=(*_CONVOLUTION, *_NORMALISATION, "window", "units", "rate", "shape"),
            arguments=self._arguments_that_matter(_all_but_start),
            network=self._network,
        )
        return found or "its values differ from the exercise's"

    def _arguments_that_matter(self, read: Reading) -> Callable[[Node, Node], list[str]]:
        """Return what tells which arguments of two calls of a block make its layers others.

        Args:
            read: what of the layers is looked at; a name, say, is not.

        """

        def differing(got: Node, wanted: Node) -> list[str]:
            names = [
                name
                for name in wanted.settings
                if repr(got.settings.get(name)) != repr(wanted.settings[name])
            ]
            shape = self.expected.shapes[wanted.inputs[0]]
            right = self._open_own_block(wanted, shape)

            def matters(name: str) -> bool:
                changed = {**wanted.settings, name: got.settings.get(name)}
                other = self._open_block(replace(wanted, settings=changed), shape)
                return (
                    right is None or other is None or other.signature(read) != right.signature(read)
                )

            return [name for name in names if matters(name)]

        return differing

    def first_difference_so_far(self) -> str:
        """Return the first difference of a graph that was cut short, "" if there is none."""
        found = self._any_difference(self.graph, self.expected)
        return "" if found.endswith(("is missing", "the exercise's")) else found

    def has_output_shape(self) -> None:
        """Ask for the exercise's output shape."""
        self._refuse_unknown_values()
        got, wanted = self.graph.output_shape, self.expected.output_shape
        if got != wanted:
            raise CheckFailed(
                f"{self.call}: the output has shape {_shape(got)}; "
                f"the exercise asks for {_shape(wanted)}"
            )

    def _refuse_unknown_values(self) -> None:
        """Raise if a layer has a setting that may change its result, and that no check reads."""
        names = Names(self.graph, network=self._network)
        for at in self.graph.reached:
            extra = self.graph.nodes[at].settings.get("also sets", ())
            assert isinstance(extra, tuple)
            unknown = [str(name) for name in extra if name not in _CHANGES_NO_VALUES]
            if unknown:
                raise CheckFailed(
                    f"{self.call}: {names[at]} also sets {', '.join(unknown)}; "
                    "the exercise leaves it out"
                )

    def has_convolutions(self) -> None:
        """Ask for the exercise's convolutions: filters, windows, strides, padding and bias."""
        answer, wanted = self._open, self._open_expected

        def tally(graph: Graph) -> Counter[tuple[Any, ...]]:
            return Counter(
                tuple(node.settings.get(name) for name in _CONVOLUTION)
                for node in graph.of_kind("convolution")
            )

        self._judge(tally(answer) == tally(wanted), self._convolution_difference)

    def _convolution_difference(self) -> str:
        """The first difference at the level of closed blocks, else that of their layers."""

        def read(node: Node) -> tuple[object, ...]:
            if node.kind != "convolution":
                return ()
            return tuple(sorted((k, v) for k, v in node.settings.items() if k in _CONVOLUTION))

        def at_level(answer: Graph, wanted: Graph) -> str:
            return first_difference(
                answer,
                wanted,
                kinds=("convolution", CLOSED_BLOCK),
                settings=_CONVOLUTION,
                arguments=self._arguments_that_matter(read),
                network=self._network,
            )

        return at_level(*self._at_one_level) or at_level(self._open, self._open_expected)

    def has_connections(self) -> None:
        """Ask for the exercise's wiring: which layer follows which, and what is added to what.

        Settings of layers and batch normalisation are other checks' business.
        """
        answer, wanted = self._at_one_level
        aside = ["identity"]
        if self._open_expected.of_kind("batch normalisation"):
            aside.append("batch normalisation")

        def wiring(node: Node) -> tuple[object, ...] | None:
            return None if node.kind in aside else (node.settings.get("function"),)

        self._judge(
            answer.signature(wiring) == wanted.signature(wiring),
            lambda: first_difference(answer, wanted, without=aside, network=self._network),
        )

    def has_normalisation(self) -> None:
        """Ask for a batch normalisation over the channels right after each convolution."""
        answer, wanted = self._open, self._open_expected

        def tally(graph: Graph) -> Counter[tuple[Any, ...]]:
            return Counter(
                (graph.nodes[node.inputs[0]].kind, *(node.settings.get(n) for n in _NORMALISATION))
                for node in graph.of_kind("batch normalisation")
            )

        def reason() -> str:
            for node in answer.of_kind("batch normalisation"):
                before = answer.nodes[node.inputs[0]].kind
                if before != "convolution":
                    return (
                        f"a batch normalisation comes after a {before}; "
                        "each belongs right after a convolution"
                    )
            return first_difference(
                answer,
                wanted,
                kinds=("batch normalisation",),
                settings=_NORMALISATION,
                network=self._network,
            )

        self._judge(tally(answer) == tally(wanted), reason)

    def has_initial_weights(self) -> None:
        """Ask for the exercise's initializer and seed in every convolution and dense layer."""
        kinds: tuple[str, ...] = ("convolution", "dense")

        def starts(node: Node) -> list[Any]:
            return [node.settings.get(setting) for setting in _STARTS]

        # Each function's layers have their own; those of an answer that is drawn without
        # blocks may have any function's.
        right: dict[tuple[str, str], list[list[Any]]] = {}
        for node in self._open_expected.of_kind(*kinds):
            for function in {node.function, _ANY}:
                right.setdefault((function, node.kind), []).append(starts(node))
        answer = self._open
        names = Names(answer, network=self._network)
        for at in answer.reached:
            node = answer.nodes[at]
            function = node.function if self.graph.closed else _ANY
            allowed = right.get((function, node.kind)) or right.get((_ANY, node.kind), [])
            if not allowed or starts(node) in allowed:
                continue
            where = names.block_of(at) if node.owner else names[at]
            if node.named and not node.owner:
                where += f" ({node.layer!r})"
            for setting, start in zip(_STARTS, allowed[0], strict=True):
                got = node.settings.get(setting)
                if got != start:
                    bias = "'s bias" if setting == "bias initializer" else ""
                    raise CheckFailed(
                        f"{self.call}: {where}{bias} starts from {said(got)}; "
                        f"the exercise asks for {said(start)}"
                    )
        answered, wanted = self._at_one_level
        kinds = (*kinds, CLOSED_BLOCK)
        missing = len(wanted.of_kind(*kinds)) - len(answered.of_kind(*kinds))
        if missing > 0:
            many = "a layer" if missing == 1 else f"{missing} layers"
            verb = "is" if missing == 1 else "are"
            raise CheckFailed(f"{self.call}: {many} with weights {verb} missing")

    def has_layer_names(self) -> None:
        """Ask for the exercise's names of layers with weights; a name of others is a remark.

        Raises:
            ValueError: if the solution names none of them, so that none can be asked for.

        """
        answer, wanted = self._open, self._open_expected
        weighted = wanted.of_kind(*sorted(WEIGHTED))
        if not any(node.named for node in weighted):
            raise ValueError(f"{self.call}: the solution names no layer that has weights")
        all_named = all(node.named for node in weighted)
        got = _names(answer)
        right = Counter((node.kind, node.layer) for node in weighted if node.named)
        wrong = sorted((got - right).elements()) if all_named else []
        missing = sorted((right - got).elements())
        if wrong or missing:
            said = [
                f"there is no {kind_in_words(kind)} named {name!r}" for kind, name in missing[:1]
            ]
            more = "" if missing else "more "
            said += [f"yours has one {more}named {name!r}" for _, name in wrong[:1]]
            raise CheckFailed(f"{self.call}: {'; '.join(said)}")
        alike = answer.signature(_all_but_start) == wanted.signature(_all_but_start)
        if (
            all_named
            and alike
            and answer.signature(_all_and_names) != wanted.signature(_all_and_names)
        ):
            raise CheckFailed(f"{self.call}: the names are right, but on each other's layers")
        with_weights = {node.layer for node in weighted}
        for node in wanted.nodes:
            plain = node.kind not in {*WEIGHTED, CLOSED_BLOCK, "input"}
            if node.named and plain and node.layer not in with_weights:
                others = {other.layer for other in answer.of_kind(node.kind)}
                if others and node.layer not in others:
                    kind = kind_in_words(node.kind)
                    self.remarks.append(f"the {kind} is usually named {node.layer!r}")

    def has_parameters(self) -> None:
        """Ask for the exercise's numbers of parameters."""
        unknown = next(iter(self._open.of_kind(CLOSED_BLOCK)), None)
        if unknown is not None:
            raise CheckFailed(f"{self.call}: {self._any_difference()}")
        try:
            got = (self._open.parameters(), self._open.parameters(trainable_only=True))
        except ValueError as error:
            raise CheckFailed(f"{self.call}: the layers do not fit together: {error}") from None
        wanted = self._open_expected.parameters()
        trainable = self._open_expected.parameters(trainable_only=True)
        if got != (wanted, trainable):
            all_trainable = got[0] == got[1] and wanted == trainable
            learnt = "" if all_trainable else f", {got[1]:,} of them trainable"
            of_them = "" if all_trainable else f" and {trainable:,}"
            raise CheckFailed(
                f"{self.call}: the model has {got[0]:,} parameters{learnt}; "
                f"the exercise's has {wanted:,}{of_them}"
            )

    def has_pooling_and_classifier(self) -> None:
        """Ask for the exercise's padding, pooling and last layers."""
        answer, wanted = self._at_one_level
        kinds = (*_HEAD, *_CLASSIFIER)
        settings = (
            "padding",
            "window",
            "strides",
            "units",
            "bias",
            "rate",
            "training",
            "axis",
            "also sets",
        )

        def listing(graph: Graph) -> list[tuple[Any, ...]]:
            return [
                (node.kind, *(node.settings.get(name) for name in settings))
                for node in graph.of_kind(*kinds)
            ]

        self._judge(
            listing(answer) == listing(wanted),
            lambda: first_difference(
                answer,
                wanted,
                kinds=kinds,
                settings=settings,
                network=self._network,
            ),
        )

    def has_values(
        self,
        X: NDArray[Any],
        at: tuple[Any, ...],
        values: Any,
        tolerance: float,
        *,
        mean_over: int | None = None,
    ) -> None:
        """Ask for the exercise's figures.

        Args:
            X: the input, (pictures, height, width, channels).
            at: which part of the output to compare, as in ``output[at]``.
            values: the figures, a list or an array of that part's shape.
            tolerance: the largest difference allowed, absolute.
            mean_over: an axis of that part to take the mean over first.

        """
        self._refuse_unknown_values()
        if (
            self.graph.closed
            and not self._thorough
            and _alike_to_the_seed(self._open, self._open_expected)
        ):
            return  # the solution's own network, which the release has held to the figures
        try:
            got = np.asarray(build(_as_called(self._open))(np.asarray(X, np.float32)))[at]
        except (ValueError, IndexError):
            raise CheckFailed(f"{self.call}: {self._any_difference()}") from None
        place = "output" + "".join(f"[{_index(index)}]" for index in at)
        if mean_over is not None:
            got, place = got.mean(axis=mean_over), f"the mean of {place} over axis {mean_over}"
        right = np.asarray(values)
        if got.shape != right.shape or not np.allclose(got, right, rtol=0, atol=tolerance):
            told = f"; expected {_row(right)}" if self._reveal() else ""
            raise CheckFailed(f"{self.call}: {place} came back as {_row(got)}{told}")

    def behaves(self) -> None:
        """Ask for the exercise's values with random weights on random pictures."""
        self._judge(self.equivalent, self._any_difference)


def _as_called(graph: Graph) -> Graph:
    """The graph as a plain call runs it: a batch normalisation told nothing predicts.

    Within one call, Keras 3 lets a layer that was told `training` pass it on to
    those after it that were not, which a function called step by step does not.
    """
    return graph.with_nodes(
        replace(node, settings={**node.settings, "training": False})
        if node.kind in TRAINING_KINDS and node["training"] is None
        else node
        for node in graph.nodes
    )


def _training_arguments(graph: Graph) -> Counter[Any]:
    return Counter((node.kind, node["training"]) for node in graph.of_kind(*sorted(TRAINING_KINDS)))


def _all_but_start(node: Node) -> tuple[object, ...] | None:
    if node.kind == "identity":
        return None
    return tuple(sorted((k, v) for k, v in node.settings.items() if k not in _STARTS))


def _all_and_names(node: Node) -> tuple[object, ...] | None:
    said = _all_but_start(node)
    return (*said, node.layer) if said is not None and node.kind in WEIGHTED else said


def _alike_to_the_seed(answer: Graph, wanted: Graph) -> bool:
    def read(node: Node) -> tuple[object, ...] | None:
        return None if node.kind == "identity" else tuple(sorted(node.settings.items()))

    return answer.signature(read) == wanted.signature(read)


def open_blocks(graph: Graph, open_block: Opener) -> Graph:
    """Return a graph with its closed blocks replaced by the layers behind them.

    A block that nobody knows the layers of stays closed.
    """
    nodes: list[Node] = []
    moved: list[int] = []  # by place in the closed graph: the place of its result
    for at, node in enumerate(graph.nodes):
        layers = None
        if node.kind == CLOSED_BLOCK:
            layers = open_block(node, graph.shapes[node.inputs[0]])
        if layers is None:
            inputs = tuple(moved[source] for source in node.inputs)
            moved.append(len(nodes))
            nodes.append(replace(node, inputs=inputs))
            continue
        within = [moved[node.inputs[0]]]
        for layer in layers.nodes[1:]:
            inputs = tuple(within[source] for source in layer.inputs)
            within.append(len(nodes))
            owner = f"{node.layer or at}"
            nodes.append(replace(layer, inputs=inputs, owner=owner, function=node.function))
        moved.append(within[layers.output])
    return Graph(tuple(nodes), moved[graph.output], graph.name)


def _names(graph: Graph) -> Counter[tuple[str, str]]:
    return Counter((node.kind, node.layer) for node in graph.of_kind(*sorted(WEIGHTED)))


def _index(index: Any) -> str:
    return ":" if index == slice(None) else str(index)


def _row(values: NDArray[Any]) -> str:
    flat = ", ".join(f"{value:.8g}" for value in values.ravel()[:8])
    return f"[{flat}{', ...' if values.size > 8 else ''}]"


def _shape(shape: Sequence[int | None]) -> str:
    return f"({', '.join('batch' if size is None else str(size) for size in shape)})"
