"""A command that was started, and does not outlive what waits for it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_SECONDS_TO_END = 5


@contextlib.contextmanager
def started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: IO[Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command; if the block is left by an error, the command ends.

    Args:
        command: what to run.
        folder: where.
        environment: the command's environment variables.
        output: the file that gets all that it says.

    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    except BaseException:
        # A terminal's Ctrl-C reaches the command too: let it end its own processes.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
        process.kill()
        process.wait()
        raise
