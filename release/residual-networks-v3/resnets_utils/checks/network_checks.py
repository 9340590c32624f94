"""A traced answer, and what a check may ask of it.

Each ``has_...`` method returns quietly when the answer is right and raises
`CheckFailed` with a sentence when it is not. A graph that is drawn differently and
computes the same also passes a question about structure: it is compared with equal
weights, on random pictures, predicting and training.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnets_utils.border.call import Call
from resnets_utils.border.difference import SHAPE, VALUE, Difference, difference_in
from resnets_utils.checks.check_result import CheckFailed
from resnets_utils.checks.graph_comparison import (
    CONVOLUTION,
    NORMALISATION,
    GraphComparison,
    all_and_start,
    all_but_start,
)
from resnets_utils.checks.network_sentences import (
    exchanged_names,
    misplaced_normalisation,
    missing_weights,
    other_names,
)
from resnets_utils.graphs.graph import CLOSED_BLOCK, WEIGHTED, Graph, Node
from resnets_utils.graphs.graph_differences import INITIALIZERS, also_sets, other_setting
from resnets_utils.graphs.keras_layers import FOR_THE_START, FOR_TRAINING
from resnets_utils.graphs.places import kind_in_words

_POOLING = ("zero padding", "max pooling", "average pooling", "global average pooling")
_CLASSIFIER = ("flatten", "dense", "softmax", "dropout")
_POOLING_AND_CLASSIFIER = (
    "padding",
    "window",
    "strides",
    "units",
    "keepdims",
    "trainable",
    "bias",
    "rate",
    "training",
    "axis",
    "also sets",
)
# What has an initializer, if it is not a block.
_INITIALIZED = ("convolution", "dense")
_DIGITS = 16  # of a digest
_ANY = "*"  # any function's layers


@dataclass(frozen=True, eq=False)
class Answer:
    """What one call of a graded function drew, and what a check may ask of it.

    Attributes:
        call: how the function was called.
        graphs: what was drawn, with the exercise's to compare.
        reveal: whether a reason may tell the expected figures.
        arguments: the call's, with those that it leaves at the solution's defaults.
        thorough: whether figures are computed even for a graph equal to the exercise's.
        other_blocks: says how the blocks in it differ from those that were judged; "" if
            they do not.
        remarks: what is worth saying and costs nothing.

    """

    call: Call
    graphs: GraphComparison
    reveal: Callable[[], bool]
    arguments: Mapping[str, Any]
    thorough: bool = False
    other_blocks: Callable[[], str] = lambda: ""
    remarks: list[str] = field(default_factory=list)

    def _failed(self, reason: str, difference: Difference | None = None) -> CheckFailed:
        found = difference or difference_in(reason, self.arguments)
        return CheckFailed(f"{self.call}: {reason}", found)

    @property
    def signature(self) -> str:
        """A digest of what was drawn, equal for equal answers to equal calls."""
        read = self.graphs.opened.signature(all_and_start)
        return hashlib.sha256(read.encode()).hexdigest()[:_DIGITS]

    def _judge(self, equal: bool, reason: Callable[[], str]) -> None:
        if not equal and not self.graphs.equivalent:
            raise self._failed(reason() or self.graphs.any_difference())

    def has_output_shape(self) -> None:
        """Ask for the exercise's output shape."""
        got, wanted = self.graphs.graph.output_shape, self.graphs.expected.output_shape
        if got != wanted:
            raise self._failed(
                f"the output has shape {_shape(got)}; the exercise asks for {_shape(wanted)}",
                Difference(SHAPE, "the output", sentence="the output has another shape"),
            )

    def has_own_blocks(self) -> None:
        """Ask for the exercise's output shape, drawn with the blocks that were judged.

        A mistake that a block's own checks found costs nothing here. A block must draw
        here what it draws by itself; if its own checks found no mistake, it must draw the
        exercise's layers at these sizes too.
        """
        self.has_output_shape()
        found = "" if self.graphs.alike(all_but_start) else self.other_blocks()
        if found:
            raise self._failed(found)

    def refuse_settings(self, known: Collection[str] = FOR_TRAINING | FOR_THE_START) -> None:
        """Raise if a layer has a setting that is not read and may change what it computes.

        Args:
            known: settings that are not read, but are known to change nothing here.

        """
        graph = self.graphs.graph
        for at in graph.reached:
            unknown = [name for name in graph.nodes[at].also_sets if name not in known]
            if unknown:
                raise self._failed(also_sets(self.graphs.names(graph)[at], unknown))

    def has_convolutions(self) -> None:
        """Ask for the exercise's convolutions: filters, windows, strides, padding and bias."""
        opened = self.graphs.opened, self.graphs.opened_expected
        answer, wanted = (
            Counter(_settings(node, CONVOLUTION) for node in graph.of_kind("convolution"))
            for graph in opened
        )

        def read(node: Node) -> tuple[object, ...]:
            if node.kind != "convolution":
                return ()
            return tuple(sorted((k, v) for k, v in node.settings.items() if k in CONVOLUTION))

        def difference(*graphs: Graph) -> str:
            return self.graphs.first_difference(
                *graphs,
                kinds=("convolution", CLOSED_BLOCK),
                settings=CONVOLUTION,
                arguments=self.graphs.arguments_that_matter(read),
            )

        # At the level of closed blocks first, then at that of their layers.
        self._judge(
            answer == wanted,
            lambda: difference(*self.graphs.at_one_level) or difference(*opened),
        )

    def has_connections(self) -> None:
        """Ask for the exercise's wiring: which layer follows which, and what is added to what.

        Other checks ask for layers' settings and for batch normalisation.
        """
        answer, wanted = self.graphs.at_one_level
        aside = ["identity"]
        if self.graphs.opened_expected.of_kind("batch normalisation"):
            aside.append("batch normalisation")

        def wiring(node: Node) -> tuple[object, ...] | None:
            return None if node.kind in aside else (node.settings.get("function"),)

        self._judge(
            answer.signature(wiring) == wanted.signature(wiring),
            lambda: self.graphs.first_difference(answer, wanted, without=aside),
        )

    def has_normalisation(self) -> None:
        """Ask for a batch normalisation over the channels right after each convolution."""
        answer, wanted = self.graphs.opened, self.graphs.opened_expected

        def before(graph: Graph, node: Node) -> str:
            return graph.nodes[node.inputs[0]].kind

        def read(graph: Graph) -> list[tuple[Any, ...]]:
            return [_settings(node, NORMALISATION) for node in graph.of_kind("batch normalisation")]

        def tally(graph: Graph) -> Counter[tuple[Any, ...]]:
            return Counter(
                (before(graph, node), *_settings(node, NORMALISATION))
                for node in graph.of_kind("batch normalisation")
            )

        def reason() -> str:
            for node in answer.of_kind("batch normalisation"):
                if (kind := before(answer, node)) != "convolution":
                    return misplaced_normalisation(kind)
            return self.graphs.first_difference(
                answer, wanted, kinds=("batch normalisation",), settings=NORMALISATION
            )

        # Settings such as the momentum and a small epsilon hardly show in what is computed.
        if read(answer) != read(wanted):
            raise self._failed(reason() or self.graphs.any_difference())
        self._judge(tally(answer) == tally(wanted), reason)

    def has_initial_weights(self) -> None:
        """Ask for the exercise's initializer and seed in every convolution and dense layer."""
        found = self._other_start()
        if found:
            raise self._failed(found)
        got, wanted = (
            Counter(node.kind for node in graph.of_kind(*_INITIALIZED, CLOSED_BLOCK))
            for graph in self.graphs.at_one_level
        )
        missing = (wanted - got).total()
        if missing > 0:
            raise self._failed(missing_weights(missing))

    def _other_start(self) -> str:
        """The first layer that starts from other weights than the exercise's; "" if none does."""
        # Each function's layers have their own; those of an answer that is drawn without
        # blocks may have any function's.
        right: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for node in self.graphs.opened_expected.of_kind(*_INITIALIZED):
            for function in {node.function, _ANY}:
                right.setdefault((function, node.kind), []).append(_settings(node, INITIALIZERS))
        answer = self.graphs.opened
        names = self.graphs.names(answer)
        for at in answer.reached:
            node = answer.nodes[at]
            function = node.function if self.graphs.graph.closed else _ANY
            allowed = right.get((function, node.kind)) or right.get((_ANY, node.kind), [])
            starts = _settings(node, INITIALIZERS)
            if not allowed or starts in allowed:
                continue
            where = names.block_of(at) if node.owner else names[at]
            if node.named and not node.owner:
                where += f" ({node.layer!r})"
            for setting, got, wanted in zip(INITIALIZERS, starts, allowed[0], strict=True):
                if got != wanted:
                    bias = "'s bias" if setting == "bias initializer" else ""
                    return other_setting(f"{where}{bias}", node.kind, setting, got, wanted)
        if self.graphs.alike(all_but_start) and not self.graphs.alike(all_and_start):
            # Each layer has some layer's start, but not its own.
            return self.graphs.first_difference(
                answer, self.graphs.opened_expected, kinds=_INITIALIZED, settings=INITIALIZERS
            )
        return ""

    def has_layer_names(self) -> None:
        """Ask for the exercise's names of layers with weights; a name of others is a remark.

        Raises:
            ValueError: if the solution does not name any of them.

        """
        answer, wanted = self.graphs.opened, self.graphs.opened_expected
        weighted = wanted.of_kind(*sorted(WEIGHTED))
        if not any(node.named for node in weighted):
            raise ValueError(f"{self.call}: the solution names no layer that has weights")
        all_named = all(node.named for node in weighted)
        got = Counter((node.kind, node.layer) for node in answer.of_kind(*sorted(WEIGHTED)))
        right = Counter((node.kind, node.layer) for node in weighted if node.named)
        wrong = sorted((got - right).elements()) if all_named else []
        missing = sorted((right - got).elements())
        if wrong or missing:
            unnamed = {node.layer for node in answer.nodes if not node.named}
            raise self._failed(other_names(missing, wrong, unnamed))
        if all_named and self.graphs.equivalent and not self.graphs.named_alike:
            raise self._failed(exchanged_names())
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
        answer, expected = self.graphs.opened, self.graphs.opened_expected
        if answer.of_kind(CLOSED_BLOCK):
            raise self._failed(self.graphs.any_difference())
        try:
            got = (answer.parameters(), answer.parameters(trainable_only=True))
        except ValueError as error:
            raise self._failed(f"the layers do not fit together: {error}") from None
        wanted = (expected.parameters(), expected.parameters(trainable_only=True))
        if got != wanted:
            all_trainable = got[0] == got[1] and wanted[0] == wanted[1]
            learnt = "" if all_trainable else f", {got[1]:,} of them trainable"
            of_them = "" if all_trainable else f" and {wanted[1]:,}"
            raise self._failed(
                f"the model has {got[0]:,} parameters{learnt}; "
                f"the exercise's has {wanted[0]:,}{of_them}",
                Difference(
                    VALUE, "the model", sentence="the model has another number of parameters"
                ),
            )

    def has_pooling_and_classifier(self) -> None:
        """Ask for the exercise's padding, pooling and last layers."""
        graphs = self.graphs.at_one_level
        kinds = (*_POOLING, *_CLASSIFIER)
        answer, wanted = (
            [
                (node.kind, *_settings(node, _POOLING_AND_CLASSIFIER))
                for node in graph.of_kind(*kinds)
            ]
            for graph in graphs
        )
        self._judge(
            answer == wanted,
            lambda: self.graphs.first_difference(
                *graphs, kinds=kinds, settings=_POOLING_AND_CLASSIFIER
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
        self.refuse_settings(known=FOR_TRAINING)
        if self.graphs.graph.closed and not self.thorough and self.graphs.alike(all_and_start):
            return  # the solution's own network, which the release has checked for the figures
        try:
            got = self.graphs.outputs(np.asarray(X, np.float32))[at]
        except Exception:  # whatever it is, it comes from the answer's graph
            raise self._failed(self.graphs.any_difference()) from None
        place = "output" + "".join(f"[{_index(index)}]" for index in at)
        if mean_over is not None:
            got, place = got.mean(axis=mean_over), f"the mean of {place} over axis {mean_over}"
        right = np.asarray(values)
        if got.shape != right.shape or not np.allclose(got, right, rtol=0, atol=tolerance):
            told = f"; expected {_row(right)}" if self.reveal() else ""
            start = self._other_start()
            cause = f"; the weights start differently: {start}" if start else ""
            raise self._failed(
                f"{place} came back as {_row(got)}{told}{cause}",
                Difference(VALUE, "the output", sentence="the output has other values"),
            )

    def behaves(self) -> None:
        """Ask for the exercise's values with random weights on random pictures."""
        self._judge(self.graphs.equivalent, self.graphs.any_difference)


def _settings(node: Node, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(node.settings.get(name) for name in names)


def _index(index: Any) -> str:
    return ":" if index == slice(None) else str(index)


def _row(values: NDArray[Any]) -> str:
    flat = ", ".join(f"{value:.8g}" for value in values.ravel()[:8])
    return f"[{flat}{', ...' if values.size > 8 else ''}]"


def _shape(shape: Sequence[int | None]) -> str:
    return f"({', '.join('batch' if size is None else str(size) for size in shape)})"
