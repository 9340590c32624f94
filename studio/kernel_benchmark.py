"""Measure how long cold and warm kernels take to be ready, in turns."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_core.utils import run_sync
from rich.console import Console

from coursekit.errors import InfrastructureError
from coursekit.kernels.manager import student_kernel
from coursekit.sandbox.levels import BUBBLEWRAP, LANDLOCK, NONE, ZYGOTE, Level, why_no_sandbox
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.settings import Confinement

IMPORTS = "import numpy, tensorflow, keras, matplotlib.pyplot, resnets_utils"
_SECONDS = 120


def seconds_until_ready(level: Level) -> float:
    """Return how long a kernel takes until it has imported what a notebook needs.

    Raises:
        InfrastructureError: if the kernel does not start or import.

    """
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run_in_kernel(Confinement(level, Limits()), IMPORTS, Path(folder))
        return time.perf_counter() - started


def run_in_kernel(confinement: Confinement, code: str, folder: Path) -> None:
    """Run code in a kernel of its own.

    Raises:
        InfrastructureError: if the kernel does not start, or the code fails.

    """
    with student_kernel(confinement) as manager:
        run_sync(manager.start_kernel)(cwd=str(folder))
        client: Any = manager.client()
        client.start_channels()
        try:
            run_sync(client.wait_for_ready)(timeout=_SECONDS)
            reply = run_sync(client.execute_interactive)(
                code, timeout=_SECONDS, output_hook=lambda message: None
            )
        except (RuntimeError, TimeoutError) as error:
            raise InfrastructureError(f"a kernel did not start: {error}") from None
        finally:
            client.stop_channels()
        if reply["content"]["status"] != "ok":
            raise InfrastructureError(f"a kernel could not import: {reply['content']['evalue']}")


def benchmark_kernels(pairs: int, forks: int, console: Console) -> None:
    """Print how long kernels take, cold and warm, and their ratio.

    Where there are no namespaces, the cold ones are in no sandbox.

    Args:
        pairs: how many kernels of each kind.
        forks: how many further warm kernels, one after the other.
        console: where to print.

    Raises:
        InfrastructureError: if this machine has no zygote, or a kernel hangs.

    """
    levels = ((ZYGOTE, BUBBLEWRAP), (LANDLOCK, NONE))
    found = next((pair for pair in levels if not pair[0].why_not()), None)
    if found is None:
        raise InfrastructureError(
            f"this machine has no warm zygote: {why_no_sandbox()}",
            "see what this machine supports, with: coursekit doctor",
        )
    warm_level, cold_level = found

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    first = seconds_until_ready(warm_level)
    say(f"{warm_level.name}, first warm kernel, with its zygote: {first:.2f} s")
    cold, warm = [], []
    for number in range(1, pairs + 1):
        cold.append(seconds_until_ready(cold_level))
        warm.append(seconds_until_ready(warm_level))
        say(f"pair {number}: cold {cold[-1]:.2f} s, warm {warm[-1]:.2f} s")
    ratio = statistics.median(warm) / statistics.median(cold)
    say(f"medians: cold {statistics.median(cold):.2f} s, warm {statistics.median(warm):.2f} s")
    say(f"ratio of warm to cold: {ratio:.2f}")
    if forks:
        times = sorted(seconds_until_ready(warm_level) for _ in range(forks))
        say(
            f"{forks} further warm kernels: median {statistics.median(times):.2f} s, "
            f"slowest {times[-1]:.2f} s"
        )
