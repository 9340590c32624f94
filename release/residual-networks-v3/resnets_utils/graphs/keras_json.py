"""Read Keras's model JSON into a `Graph`, trusting none of it.

The text may come from a student's process, so it is data until proven
harmless: an exact list of layer classes, a type and bounds for each setting
that is read, and nothing of the JSON ever reaches Keras. Other settings are noted by
name when they differ from this Keras's defaults. Keras's own safe mode is not
enough: it accepts layers that change global settings and layers of a thousand
million weights.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from resnets_utils.border.call import python_argument
from resnets_utils.border.reply import words_of
from resnets_utils.graphs.graph import (
    CLOSED_BLOCK,
    MERGING,
    TRAINING_KINDS,
    Graph,
    Node,
    Setting,
    Shape,
    output_shape,
    pads_nothing,
)
from resnets_utils.graphs.keras_layers import (
    GraphRefused,
    Steps,
    chosen_name,
    layer_name,
    layer_steps,
    mapping,
    short,
)
from resnets_utils.graphs.stand_ins import Blocks, NoShape, argument_forms

MAX_BYTES = 4_000_000  # in UTF-8
MAX_NODES = 2_000


def read_graph(text: str, blocks: Blocks | None = None) -> Graph:
    """Return the graph that ``model.to_json()`` described.

    Args:
        text: the JSON of a functional Keras 3 model with one input and one output.
        blocks: whose stand-ins may be in it; None for a model without any. Stand-ins
            count as flawless, so they are accepted only where the judge put them in.

    Raises:
        GraphRefused: if it is anything else, or larger than a graph of this exercise can be.

    """
    try:
        graph = _checked(_read_model(_parse(text)), blocks)
    except GraphRefused:
        raise
    except RecursionError:
        raise GraphRefused("the model's description is nested too deeply") from None
    except Exception:
        # For example a list in the place of a name, or a whole number beyond all bounds.
        raise GraphRefused("the model's description has values that no model has") from None
    return graph


def _parse(text: str) -> Any:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise GraphRefused(f"the model's description has {size:,} bytes; {MAX_BYTES:,} are read")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        raise GraphRefused(f"the model's description is not plain JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise GraphRefused(f"{what} is not a list")
    return value


def _tensors(value: Any) -> list[tuple[str, int]]:
    """The (layer, call) pairs of the tensors in one of a call's arguments, in order."""
    if isinstance(value, list):
        return [found for item in value for found in _tensors(item)]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = mapping(value.get("config"), "a tensor").get("keras_history")
        if (
            not isinstance(history, list)
            or len(history) != 3
            or type(history[1]) is not int
            or history[2] != 0
        ):
            raise GraphRefused("a tensor of the model does not say which layer it comes from")
        return [(layer_name(history[0]), history[1])]
    raise GraphRefused("a layer is called with something that is not a tensor")


def _call(steps: Steps, call: Any, name: str) -> tuple[Steps, list[tuple[str, int]]]:
    """One call of a layer: its steps, with the call's arguments, and what they read."""
    call = mapping(call, f"a call of layer {name!r}")
    args, kwargs = _list(call.get("args"), "args"), mapping(call.get("kwargs"), "kwargs")
    numbers = [item for item in args if type(item) in (int, float)]
    without_effect: dict[str, Steps] = {"maximum": [("ReLU", {})], "addition": []}
    if steps and steps[0][0] in without_effect and len(args) == 2 and numbers == [0]:
        # As in maximum(X, 0), and in sum([X, shortcut]), which begins with 0 + X.
        steps = without_effect[steps[0][0]]
        args = [item for item in args if item not in numbers]
    elif numbers or any(type(value) in (int, float) for value in kwargs.values()):
        raise GraphRefused(f"layer {name!r} calculates with a number; the exercise never does")
    reads = _tensors(args)
    training = None
    for key, value in kwargs.items():
        if key == "training":
            if value is not None and type(value) is not bool:
                raise GraphRefused(f"training of layer {name!r} is not True, False or None")
            training = value
        elif value is not None:
            reads += _tensors(value)
    if steps and steps[0][0] in TRAINING_KINDS:
        if steps[0][0] == "dropout":
            # Keras writes False for a dropout without a training argument.
            training = training or None
        steps = [(steps[0][0], {**steps[0][1], "training": training})]
    elif training is not None:
        raise GraphRefused(f"layer {name!r} takes no training argument")
    several = bool(steps) and steps[0][0] in MERGING
    if not (2 <= len(reads) <= 16 if several else len(reads) == 1):
        raise GraphRefused(f"layer {name!r} reads {len(reads)} tensors")
    return steps, reads


def _read_model(model: Any) -> Graph:
    model = mapping(model, "the model's description")
    if model.get("class_name") != "Functional":
        raise GraphRefused(f"the model is a {short(model.get('class_name'))}, not keras.Model")
    config = mapping(model.get("config"), "the model's config")
    layers = [mapping(item, "a layer") for item in _list(config.get("layers"), "layers")]
    inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
    if len(inputs) != 1:
        raise GraphRefused(f"the model has {len(inputs)} inputs; the exercise has one")

    nodes: list[Node] = []
    made: dict[tuple[str, int], int] = {}
    pending: list[tuple[str, int, Steps, list[tuple[str, int]], bool]] = []
    for layer in layers:
        name = layer_name(layer.get("name"))
        if layer is inputs[0]:
            made[(name, 0)] = 0
            nodes.append(_input(layer, name))
            continue
        steps, extra = layer_steps(layer, name)
        if extra:
            kind, settings = steps[0] if steps else ("identity", {})
            steps = [(kind, {**settings, "also sets": extra}), *steps[1:]]
        chosen = chosen_name(name, layer.get("class_name"))
        calls = _list(layer.get("inbound_nodes"), "inbound_nodes")
        for number, call in enumerate(calls):
            pending.append((name, number, *_call(steps, call, name), chosen))
        if len(pending) > MAX_NODES:
            raise GraphRefused(f"the model has more than {MAX_NODES} layers")

    while pending:
        waiting = []
        for name, number, steps, reads, chosen in pending:
            if not all(source in made for source in reads):
                waiting.append((name, number, steps, reads, chosen))
                continue
            if (name, number) in made:
                raise GraphRefused(f"two layers are named {name!r}")
            sources = tuple(made[source] for source in reads)
            for kind, settings in steps:
                said = dict(settings)
                function = str(said.pop("function")) if kind == CLOSED_BLOCK else ""
                nodes.append(Node(kind, said, sources, name, function=function, named=chosen))
                sources = (len(nodes) - 1,)
            made[(name, number)] = sources[0]
        if len(waiting) == len(pending):
            raise GraphRefused(f"layer {waiting[0][0]!r} reads from a layer that does not exist")
        pending = waiting

    if _end(config.get("input_layers")) != (inputs[0].get("name"), 0):
        raise GraphRefused("the model must begin at its one input")
    output = _end(config.get("output_layers"))
    if output not in made:
        raise GraphRefused("the model must have one output")
    return Graph(tuple(nodes), made[output], short(config.get("name")))


def _end(value: Any) -> tuple[str, int] | None:
    """The (layer, call) pair of a model's only input or output; None if it is not one."""
    while isinstance(value, list | dict) and len(value) == 1:
        (value,) = value.values() if isinstance(value, dict) else value
    match value:
        case [str(layer), int(call), 0]:
            return layer, call
    return None


def _input(layer: dict[str, Any], name: str) -> Node:
    config = mapping(layer.get("config"), "the input's config")
    shape = config.get("batch_shape")
    sizes = shape[1:] if isinstance(shape, list) else []
    if not 1 <= len(sizes) <= 3 or not all(type(n) is int and 1 <= n <= 4096 for n in sizes):
        raise GraphRefused("the input's shape must be up to three whole numbers")
    if not isinstance(shape, list) or shape[0] is not None:
        raise GraphRefused("the input fixes the number of pictures; leave it open")
    if config.get("dtype") != "float32":
        raise GraphRefused(
            f"the input takes {short(config.get('dtype'))}; leave it at float32, Keras's default"
        )
    return Node("input", {"shape": tuple(sizes)}, (), name, named=chosen_name(name, "InputLayer"))


def _in_one_form(node: Node, sources: list[Shape], blocks: Blocks | None) -> Node:
    """A node with its output's shape if it is a closed block, and one form for equal settings.

    A negative axis is counted from the front, and "same" padding that pads nothing is
    written as "valid". The shape in a stand-in's JSON may be a student's, so it does not count.
    """
    if node.kind == CLOSED_BLOCK:
        if blocks is None:
            raise GraphRefused("a stand-in is not a block; build the block from Keras's layers")
        sizes = tuple(size or 1 for size in sources[0][1:])
        forms = argument_forms(node.settings)
        arguments = {name: python_argument(form) for name, form in forms.items()}
        try:
            gives = blocks.output_shape(node.function, sizes, arguments)
        except NoShape as error:
            raise GraphRefused(str(error)) from None
        return replace(node, gives=(None, *gives))
    changed: dict[str, Setting] = {}
    if "axis" in node.settings:
        axis, rank = int(str(node["axis"])), len(sources[0])
        if not -rank <= axis < rank:
            raise GraphRefused(f"the {node.kind} has axis {axis}; what it reads has {rank} axes")
        changed["axis"] = axis % rank
    if node.settings.get("padding") == "same" and pads_nothing(node, sources[0]):
        changed["padding"] = "valid"
    return replace(node, settings={**node.settings, **changed})


def _checked(graph: Graph, blocks: Blocks | None) -> Graph:
    """Bring nodes into one form, and bound the graph's size."""
    nodes: list[Node] = []
    shapes: list[Shape] = []
    try:
        for node in graph.nodes:
            sources = [shapes[source] for source in node.inputs]
            nodes.append(_in_one_form(node, sources, blocks))
            shapes.append(output_shape(nodes[-1], sources))
        graph = graph.with_nodes(nodes)
        too_large = graph.too_large
    except (ValueError, IndexError, KeyError, AssertionError) as error:
        why = words_of(error) or type(error).__name__
        raise GraphRefused(f"the model's layers do not fit together: {why}", graph) from None
    if too_large:
        raise GraphRefused(too_large)
    return graph
