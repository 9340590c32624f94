"""The conductor's client of a student kernel: it waits only as long as the kernel needs."""

from __future__ import annotations

import math
import queue
import time

from jupyter_client.asynchronous.client import AsyncKernelClient

_REPLY_SECONDS = 1.0
# For a message of the output channel; what is sent before that is connected gets lost.
_OUTPUT_SECONDS = 0.2


class StudentKernelClient(AsyncKernelClient):
    """Waits for a kernel's messages instead of waiting for a while."""

    def start_channels(
        self,
        shell: bool = True,
        iopub: bool = True,
        stdin: bool = True,
        hb: bool = False,
        control: bool = True,
    ) -> None:
        """Open the channels that are wanted.

        A kernel of ours has no heartbeat, and closing a socket that nobody hears takes a second.
        """
        super().start_channels(shell, iopub, stdin, hb, control)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and what it sends arrives.

        Jupyter's client goes on waiting until nothing has arrived for a fifth of a second.

        Args:
            timeout: seconds that it may take; None for any number.

        Raises:
            RuntimeError: if it ended, or took longer.

        """
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._has_answered():
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _has_answered(self) -> bool:
        """Ask the kernel about itself; return whether both channels bring what it says."""
        asked = self.kernel_info()
        try:
            reply = await self.get_shell_msg(timeout=_REPLY_SECONDS)
            while reply["parent_header"].get("msg_id") != asked:
                reply = await self.get_shell_msg(timeout=_REPLY_SECONDS)
            said = reply
            # The last message about a request; then none of another waits before a cell's.
            while not (
                said["parent_header"].get("msg_id") == asked
                and said["content"].get("execution_state") == "idle"
            ):
                said = await self.get_iopub_msg(timeout=_OUTPUT_SECONDS)
        except queue.Empty:
            return False
        return True
