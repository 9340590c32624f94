"""The kernel that runs a student's notebook: IPython's, with one more request.

``trace_request`` arrives on the control channel, which has a thread of its own.
So it reaches the student's functions even when their notebook has replaced
``do_execute``, filters syntax trees, or hooks into cells. It calls a function
in a further thread, so that a function that never returns delays no other, and
answers with the graph that the function drew. The answer is as untrusted as any
other output of the student's process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any, ClassVar

import zmq
from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Type

from coursekit.sandbox.inside.lasting_shell import LastingShell

MAX_CHARACTERS = 500_000  # of one message


class HighLayerNumbers(defaultdict[str, int]):
    """Numbers for new layers that no layer of the notebook has.

    Keras numbers the layers of each thread from the beginning. A ReLU that the
    notebook made once, to use it in many places, would have the name of the first
    one that a traced function makes, and no model accepts two layers of one name.
    """

    def __init__(self) -> None:
        super().__init__(lambda: 1000)

    def __contains__(self, name: object) -> bool:
        """Say that a name is taken, so that the first layer gets a number as well."""
        return True


class TracingKernel(IPythonKernel):
    """IPython's kernel that can also trace a function."""

    shell_class = Type(LastingShell)
    control_msg_types = [*IPythonKernel.control_msg_types, "trace_request"]  # noqa: RUF012
    numbers = HighLayerNumbers()

    async def trace_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer a trace request with what the student's function drew."""
        # `serve` loaded them; the student's folder has the version that counts.
        from keras.src.backend.common import global_state

        from resnets_utils.answering import answer
        from resnets_utils.border.call import Call
        from resnets_utils.border.reply import raised_reply

        assert self.shell is not None and self.session is not None
        loop = asyncio.get_running_loop()
        namespace, send = self.shell.user_ns, self.session.send

        def make_the_call() -> None:
            global_state.set_global_attribute("object_name_uids", self.numbers)
            reply = answer(Call.from_json(parent["content"]), namespace)
            # The channel belongs to the loop's thread.
            loop.call_soon_threadsafe(send, stream, "trace_reply", reply, parent, ident)

        # Processes that nobody has waited for take the place of threads.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        try:
            threading.Thread(target=make_the_call, daemon=True).start()
        except RuntimeError as error:  # the notebook has used up its threads
            send(stream, "trace_reply", raised_reply(error, namespace), parent, ident)


class PiecewiseStream(OutStream):
    """Sends printed text in pieces, so that the beginning of a too long one arrives."""

    def write(self, string: str) -> int:
        """Print a text."""
        if not isinstance(string, str) or len(string) <= MAX_CHARACTERS:
            return int(super().write(string) or 0)
        for start in range(0, len(string), MAX_CHARACTERS):
            super().write(string[start : start + MAX_CHARACTERS])
            self.flush()  # type: ignore[no-untyped-call]
        return len(string)


class StudentKernelApp(IPKernelApp):
    """IPython's kernel on sockets that the conductor made and listens with.

    Their folder belongs to the conductor and is not in the sandbox, so that a student
    can write to nothing that is shared.
    """

    kernel_class = TracingKernel
    outstream_class = "coursekit.sandbox.inside.student_kernel.PiecewiseStream"
    listening: ClassVar[dict[int, int]] = {}

    def _bind_socket(self, s: Any, port: int) -> int:
        s.setsockopt(zmq.USE_FD, self.listening[port])
        s.bind(f"ipc://{self.ip}-{port}")
        return port

    def init_control(self, context: Any) -> None:
        """Open the control channel, without the debugger's, which would call a path."""
        super().init_control(context)  # type: ignore[no-untyped-call]
        endpoint = self.shell_socket.getsockopt(zmq.LAST_ENDPOINT)
        if endpoint:
            self.debug_shell_socket.disconnect(endpoint)

    def init_kernel(self) -> None:
        """Make the kernel, without a debugger: to load it takes half the time of a start."""
        absent: dict[str, Any] = {"debugpy": None}
        sys.modules.update(absent)
        try:
            super().init_kernel()  # type: ignore[no-untyped-call]
        finally:
            del sys.modules["debugpy"]
        # The first output opens what all others need, even if the notebook can open nothing more.
        print(file=sys.stderr, flush=True)

    def init_heartbeat(self) -> None:
        """Start no heartbeat: the conductor watches the process itself."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """Keep the file as the conductor wrote it."""


def serve(connection: Path, listening: dict[int, int]) -> None:
    """Be a student kernel until it is shut down.

    Args:
        connection: Jupyter's connection file.
        listening: the listening sockets' numbers, by their ports in that file.

    """
    # Before any of the student's code, so that their notebook cannot replace it.
    importlib.import_module("resnets_utils.answering")
    # The folder of an exercise of plain values lacks it.
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("resnets_utils.graphs.tracing")

    sys.argv = ["student_kernel"]
    StudentKernelApp.listening = listening
    StudentKernelApp.launch_instance(
        argv=["-f", str(connection), "--HistoryManager.hist_file=:memory:"]
    )
