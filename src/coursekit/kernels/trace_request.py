"""Ask a running student kernel to trace a function."""

from __future__ import annotations

import queue
import time
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.exceptions import DeadKernelError

from coursekit.plain_text import plain_text
from coursekit.processes.line import encoded

# Far more than the graph of any answer to the exercise, and than plain data can take. It must
# fit into a message of the judge's line with room to spare.
MAX_REPLY_BYTES = 12_000_000
MAX_REASON = 2_000
_PAUSE = 0.5  # seconds between two checks whether the kernel still runs
_STATUSES = frozenset({"undefined", "placeholder", "raised"})  # or what was asked for
_KEYS = frozenset({"status", "graph", "values", "value", "reason", "lines", "classes"})


def request_trace(client: Any, call: dict[str, Any], timeout: float) -> dict[str, str]:
    """Make a call in the student's kernel.

    Args:
        client: an asynchronous kernel client with its control channel open.
        call: the call as JSON data.
        timeout: seconds that the kernel may take.

    Returns:
        The reply that `resnets_utils.answering.answer` describes. An answer in another
        form becomes one of status "raised".

    Raises:
        DeadKernelError: if the kernel has ended without an answer.
        TimeoutError: if it does not answer in time; the message is for people.
        zmq.Again: if it has broken its end of the channel.

    """
    request = client.session.msg("trace_request", call)
    client.control_channel.send(request)
    deadline = time.monotonic() + timeout
    over = False
    while (left := deadline - time.monotonic()) > 0:
        try:
            reply = run_sync(client.get_control_msg)(timeout=min(left, _PAUSE))
            meant = reply["parent_header"].get("msg_id") == request["header"]["msg_id"]
        except queue.Empty:
            # An answer may have come just before the end: look once more.
            if over:
                raise DeadKernelError("the kernel ended") from None
            over = not run_sync(client.is_alive)()
            continue
        except Exception as error:
            return _no_answer(f"the kernel's reply cannot be read ({type(error).__name__})")
        if meant:
            return plain_reply(reply["content"], call["asks"])
    raise TimeoutError(f"{call['function']} gave no result within {timeout:g} s")


def _no_answer(reason: str) -> dict[str, str]:
    return {"status": "raised", "reason": reason}


def plain_reply(content: Any, asks: str) -> dict[str, str]:
    """Return a reply if it has the right form and size; it comes from the student's process.

    Args:
        content: what came back.
        asks: what was asked for, "graph" or "value".

    Returns:
        The reply, or one of status "raised".

    """
    if (
        not isinstance(content, dict)
        or not set(content) <= _KEYS
        or not all(isinstance(value, str) for value in content.values())
        or content.get("status") not in _STATUSES | {asks}
        or (content["status"] == asks and asks not in content)
    ):
        return _no_answer("the kernel's reply does not have the form of a trace")
    # An error's own words, which the verdict repeats, can be of any length.
    reply = {
        key: value
        if key in {"status", "graph", "values", "value"}
        else plain_text(value, MAX_REASON)
        for key, value in content.items()
    }
    size = len(encoded(reply))
    if size > MAX_REPLY_BYTES:
        return _no_answer(
            f"the kernel's reply has {size:,} bytes; {MAX_REPLY_BYTES:,} can be compared"
        )
    return reply
