"""How a call of a graded function is answered.

`answer` runs where the student's code is: in the notebook, or in the kernel that
grading starts for it. It returns untrusted plain data, which the judge checks. The
solution's functions answer the same calls in the judge: what they draw or return
is what the exercise asks for.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

from resnets_utils.border.call import VALUE, Call
from resnets_utils.border.encoding import encode
from resnets_utils.border.plain_data import NotPlainData
from resnets_utils.border.reply import Reply, WrongResult, raised_reply

RECURSION_LIMIT = 3_000  # as IPython has it


def answer(call: Call, namespace: dict[str, Any]) -> Reply:
    """Make a call with the function found in ``namespace``.

    Returns:
        A "status" and what belongs to it. "undefined": a "reason". "placeholder" and
        "raised": see `raised_reply`. "value": the result as JSON text of
        `encoding`, as "value". "graph": see `tracing.trace`.

    """
    function = namespace.get(call.function)
    if not callable(function):
        return {"status": "undefined", "reason": f"{call.function} is not defined"}
    with _usual_python():
        if call.asks == VALUE:
            return _returned(call, function, namespace)
        try:
            # Loaded only for graphs: it needs Keras.
            tracing = importlib.import_module("resnets_utils.graphs.tracing")
        except ImportError as error:
            return {"status": "raised", "reason": why_no_keras(error)}
        reply: Reply = tracing.trace(call, function, namespace)
        return reply


def why_no_keras(error: ImportError) -> str:
    """Return the reason why no network can be drawn, with the lines that may be to blame."""
    return (
        f"Keras cannot be loaded with TensorFlow here ({error}): take away the line that chooses "
        "another backend (keras.config.set_backend or KERAS_BACKEND), and restart the kernel"
    )


@contextlib.contextmanager
def _usual_python() -> Iterator[None]:
    """Call functions as a new notebook does: with room for calls, and warnings that only warn."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        with warnings.catch_warnings():
            filters = cast("list[tuple[Any, ...]]", warnings.filters)
            filters[:] = [one for one in filters if one[0] != "error"]
            yield
    finally:
        with contextlib.suppress(RecursionError):  # we may be deeper than that already
            sys.setrecursionlimit(before)


def _returned(call: Call, function: Callable[..., Any], namespace: dict[str, Any]) -> Reply:
    try:
        result = function(**call.python_arguments)
        try:
            # As few bytes as it takes: the reply's size is bounded in bytes.
            text = json.dumps(encode(result), ensure_ascii=False)
            return {"status": "value", "value": text}
        except NotPlainData as error:
            raise WrongResult(f"it returned {error}") from None
    except BaseException as error:  # SystemExit, too, comes from the student's code
        return raised_reply(error, namespace)


def notebook_namespace() -> dict[str, Any]:
    """Return the names that the running notebook, or the running script, has defined."""
    return vars(sys.modules["__main__"])
