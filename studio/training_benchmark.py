"""``python -m studio training``: how long ``model.fit`` and ``train`` take.

Each run is a process of its own, so that none profits from an earlier one. The kinds
take turns, so that they share the machine's quiet and busy times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.course.assignment import Assignment
from coursekit.errors import InfrastructureError
from resnets_utils.hands.classes import CLASSES
from resnets_utils.hands.dataset import convert_to_one_hot
from studio.pretraining.trained_network import assignment_with_network, solution_model

PICTURES, EPOCHS, BATCH_SIZE, SEED = 1080, 2, 32, 1
PLAIN, OURS = KINDS = "model.fit", "train"


@dataclass(frozen=True)
class Timing:
    """Time, memory and losses of one run.

    Attributes:
        total: seconds of wall time for both epochs, first step included.
        first: seconds until the first step was done, set-up included.
        step: seconds a later step takes, the median.
        processor: seconds of processor time, of the program and of the system for it.
        memory: largest size of the process, in megabytes.
        losses: mean loss of each epoch.

    """

    total: float
    first: float
    step: float
    processor: float
    memory: float
    losses: list[float]


def run_benchmark(course: Path = Path(), pairs: int = 1) -> int:
    """Time every kind of training ``pairs`` times, taking turns, and print a table.

    Args:
        course: the course folder; the network is that of the first assignment with one.
        pairs: how often each kind is run, 1 or more.

    Returns:
        exit status 0.

    Raises:
        CourseKitError: if no assignment's solution builds a network.
        InfrastructureError: if a run fails; the message ends with its output.

    """
    assignment = assignment_with_network(course)
    print(
        f"ResNet-50 on {PICTURES} pictures, {EPOCHS} epochs of batches of {BATCH_SIZE}, "
        f"{os.cpu_count()} processors",
        flush=True,
    )
    found: dict[str, list[Timing]] = {kind: [] for kind in KINDS}
    for pair in range(pairs):
        for kind in KINDS:
            print(f"  run {pair + 1} of {pairs}: {kind} ...", file=sys.stderr, flush=True)
            found[kind].append(_in_a_process(assignment, kind))
    print("\n".join(_table(found)))
    return 0


def _in_a_process(assignment: Assignment, kind: str) -> Timing:
    run = subprocess.run(
        [
            *(sys.executable, "-m", "studio.training_benchmark"),
            *(str(assignment.course), assignment.name, kind),
        ],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "NBGRADER_EXECUTION": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise InfrastructureError(
            f"a benchmark run ({kind}) ended with status {run.returncode}: {run.stderr[-2000:]}",
            "free 4 GB of memory, and try: python -c 'import resnets_utils'",
        )
    return Timing(**json.loads(run.stdout.splitlines()[-1]))


def _table(found: dict[str, list[Timing]]) -> list[str]:
    """Return the lines of the table: medians over the runs of each kind."""

    def middle(name: str, value: str) -> float:
        return float(statistics.median(getattr(timing, value) for timing in found[name]))

    lines = [
        f"{'':<28}{'first step':>11}{'later step':>11}{'two epochs':>11}{'processor':>11}"
        f"{'memory':>9}{'ratio':>7}{'loss apart':>12}  losses of the epochs",
    ]
    for name, timings in found.items():
        apart = max(
            abs(ours - theirs)
            for timing, other in zip(timings, found[PLAIN], strict=True)
            for ours, theirs in zip(timing.losses, other.losses, strict=True)
        )
        ratio = statistics.median(
            timing.total / other.total for timing, other in zip(timings, found[PLAIN], strict=True)
        )
        losses = ", ".join(f"{loss:.6f}" for loss in timings[0].losses)
        lines.append(
            f"{name:<28}{middle(name, 'first'):>9.1f} s{middle(name, 'step'):>9.3f} s"
            f"{middle(name, 'total'):>9.1f} s{middle(name, 'processor'):>9.1f} s"
            f"{middle(name, 'memory'):>6.0f} MB{ratio:>7.2f}{apart:>12.6f}  {losses}"
        )
    return lines


def _measure(assignment: Assignment, kind: str) -> Timing:
    """Train once, in this process."""
    import keras

    from resnets_utils.experiments.training import train

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            self.ends.append(time.perf_counter())

    keras.utils.set_random_seed(SEED)
    model = solution_model(assignment)
    X, Y = _pictures()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    arguments: dict[str, Any] = {
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "callbacks": [clock],
        "verbose": 0,
    }
    processor, start = _processor_seconds(), time.perf_counter()
    history = model.fit(X, Y, **arguments) if kind == PLAIN else train(model, X, Y, **arguments)
    total = time.perf_counter() - start
    return Timing(
        total=total,
        first=clock.ends[0] - start,
        step=statistics.median(np.diff(clock.ends).tolist()),
        processor=_processor_seconds() - processor,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        losses=[float(loss) for loss in history.history["loss"]],
    )


def _pictures() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return drawn pictures (m, 64, 64, 3), 0 to 1, and their one-hot classes (m, 6)."""
    from resnets_utils.hands.drawing import draw_pictures

    labels = np.random.default_rng(SEED).permutation(np.arange(PICTURES, dtype=np.int64) % CLASSES)
    X = (draw_pictures(labels, SEED) / 255).astype(np.float32)
    return X, convert_to_one_hot(labels, CLASSES).T.astype(np.float32)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and print it as a line of JSON: what the processes above execute."""
    parser = argparse.ArgumentParser(prog="python -m studio.training_benchmark")
    parser.add_argument("course", type=Path)
    parser.add_argument("assignment")
    parser.add_argument("kind", choices=KINDS)
    chosen = parser.parse_args(arguments)
    assignment = Assignment(chosen.course, chosen.assignment)
    print(json.dumps(asdict(_measure(assignment, chosen.kind))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
