"""The kernel that runs a student's notebook: IPython's, with one more request.

``trace_request`` comes on the control channel, which has a thread of its own,
so that it reaches the student's functions even when their notebook has replaced
``do_execute``, filters syntax trees, or hooks into cells. It calls a function
in a further thread, so that one that never returns holds up no other, and
answers with the graph it drew. Whatever it answers is believed no more than
any other output of the student's process.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

from resnets_utils.tracing import Call, trace


class StudentKernel(IPythonKernel):
    """IPython's kernel that can also trace a function."""

    control_msg_types = [*IPythonKernel.control_msg_types, "trace_request"]  # noqa: RUF012

    async def trace_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer a trace request with what the student's function drew."""
        assert self.shell is not None and self.session is not None
        loop = asyncio.get_running_loop()
        namespace, send = self.shell.user_ns, self.session.send

        def answer() -> None:
            reply = trace(Call.from_json(parent["content"]), namespace)
            # The channel belongs to the loop's thread.
            loop.call_soon_threadsafe(send, stream, "trace_reply", reply, parent, ident)

        threading.Thread(target=answer, daemon=True).start()


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=StudentKernel)
