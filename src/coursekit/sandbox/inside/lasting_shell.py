"""IPython's shell for students' notebooks: one failing line does not lose an answer."""

from __future__ import annotations

import subprocess
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.utils.text import SList

_COMMAND: dict[str, Any] = {
    "shell": True,
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
}


class LastingShell(ZMQInteractiveShell):
    """IPython's shell that continues after ``exit()`` and after magics that fail.

    What was defined before ``exit()`` is still judged. A cell goes on after a
    magic that fails: a student's machine may have a plotting backend or an
    extension that ours lacks.
    """

    def _update_exit_now(self, change: Any) -> None:
        """Continue where IPython's own shell would stop the kernel's loop."""

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run a magic; show what it raises, and continue the cell."""
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except Exception:
            self.showtraceback()
            return None

    def system(self, cmd: str) -> None:
        """Run a command (``!pip install keras``) without a terminal, which the sandbox lacks."""
        command = self._expanded(cmd, 1)
        if command.rstrip().endswith("&"):
            print("Commands in the background are not run.")
            return
        with subprocess.Popen(command, **_COMMAND) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    print(line.decode(errors="replace"), end="", flush=True)
            except BaseException:
                process.kill()
                raise
        self.user_ns["_exit_code"] = process.returncode

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Run a command, and return what it prints (``files = !ls``)."""
        command = self._expanded(cmd, depth + 1)
        said = subprocess.run(command, check=False, **_COMMAND).stdout.decode(errors="replace")
        return SList(said.splitlines()) if split else said

    def _expanded(self, cmd: str, depth: int) -> str:
        """A command with the values of the notebook's variables (``!ls {folder}``)."""
        return str(self.var_expand(cmd, depth=depth + 1))  # type: ignore[no-untyped-call]
