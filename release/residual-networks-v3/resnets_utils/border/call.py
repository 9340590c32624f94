"""A call of a graded function, as a check asks for it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from resnets_utils.border.decoding import decode
from resnets_utils.border.encoding import encode
from resnets_utils.border.plain_data import NotPlainData
from resnets_utils.border.value_text import show

GRAPH, VALUE = "graph", "value"
# The tags of arguments that are not plain data.
INITIALIZER, START = "initializer", "start"


@dataclass(frozen=True)
class Call:
    """One call of a graded function.

    Attributes:
        function: the function's name in the notebook.
        arguments: its keyword arguments, each as `as_argument` writes it.
        shape: of the tensor that comes first, without the number of pictures, such
            as (height, width, channels); None for a function that takes no tensor.
        asks: "graph" for what the function draws, "value" for what it returns.
        blocks: the text of the assignment's ``blocks.py``, if the function gets
            stand-ins instead of the student's own blocks, so that a mistake in a
            block does not cost points twice; "" for the student's own.
        sample: determines the pictures that the network is tried on; None for no trial.

    """

    function: str
    arguments: dict[str, Any]
    shape: tuple[int, ...] | None = None
    asks: str = GRAPH
    blocks: str = ""
    sample: int | None = None

    def __str__(self) -> str:
        said = [f"{name}={_shown(form)}" for name, form in self.arguments.items()]
        if self.shape is None:
            return f"{self.function}({', '.join(said)})"
        sizes = ", ".join(str(size) for size in self.shape)
        return f"{self.function}({', '.join(['X', *said])}) with X of shape (batch, {sizes})"

    @property
    def key(self) -> str:
        """A text that identifies the call: the function and what it is given."""
        given = [self.asks, self.function, self.shape, self.arguments]
        return json.dumps(given, sort_keys=True, ensure_ascii=False)

    @classmethod
    def of_key(cls, key: str) -> Call:
        """Return the call that a key identifies."""
        asks, function, shape, arguments = json.loads(key)
        return cls(function, arguments, None if shape is None else tuple(shape), asks)

    def as_json(self) -> dict[str, Any]:
        """Return the call as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Call:
        """Return the call that `as_json` wrote."""
        shape = data["shape"]
        return cls(
            function=str(data["function"]),
            arguments=dict(data["arguments"]),
            shape=None if shape is None else tuple(shape),
            asks=str(data["asks"]),
            blocks=str(data["blocks"]),
            sample=None if data["sample"] is None else int(data["sample"]),
        )

    @property
    def python_arguments(self) -> dict[str, Any]:
        """The arguments as Python passes them; new ones each time: a function may change them."""
        return {name: python_argument(form) for name, form in self.arguments.items()}


def as_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments as a `Call` holds them.

    An argument is plain data, or one of the library's initializers, which is sent by name.

    Raises:
        ValueError: if an argument is anything else, which is a mistake in the check.

    """
    forms = {}
    for name, value in arguments.items():
        if callable(value):
            # Needs Keras, which an exercise of plain values does not use.
            known = importlib.import_module("resnets_utils.graphs.initializer_names")
            found = known.name_of_initializer(value)
            if found is None:
                raise ValueError(
                    f"a check can hand over {', '.join(known.INITIALIZERS)}, not {value!r}"
                )
            forms[name] = [INITIALIZER, found]
        else:
            try:
                forms[name] = encode(value)
            except NotPlainData as error:
                raise ValueError(f"a check cannot hand over {name}, {error}") from None
    return forms


def python_argument(form: Any) -> Any:
    """Return an argument as Python passes it."""
    if form[0] not in (INITIALIZER, START):
        return decode(form)
    known = importlib.import_module("resnets_utils.graphs.initializer_names")
    if form[0] == START:
        return lambda seed=None: known.Start(form[1])
    return known.INITIALIZERS[form[1]]


def _shown(form: Any) -> str:
    if form[0] in (INITIALIZER, START):
        return str(form[1]).rpartition(".")[2]
    return show(decode(form))
