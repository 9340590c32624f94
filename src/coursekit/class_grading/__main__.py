"""A worker's process: ``python -m coursekit.class_grading FD``.

It grades one submission after the other, with a warm kernel and a warm judge of its own, and
writes each result into the folder that it is told. It opens no port and no gradebook.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from dataclasses import asdict
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any

from coursekit.class_grading.attempt import attempt
from coursekit.class_grading.results import FailedGrading, write_result
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Bundle, Job
from coursekit.judge.warm_judge_client import prepare
from coursekit.machine_errors import in_words
from coursekit.processes.line import receive, send
from coursekit.processes.plain_files import OpenFolder
from coursekit.sandbox.inside.system_calls import PR_SET_PDEATHSIG, prctl

# Of what the steps of one grading say.
MAX_LOG_LETTERS = 64 * 1024


def main() -> None:
    """Grade until the coordinator hangs up."""
    # Ctrl-C is the coordinator's, who then ends the workers in order.
    with contextlib.suppress(OSError):
        os.setsid()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.platform == "linux":
        # However the coordinator ends, what a worker has made is cleared away.
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    line = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        begin = receive(line)
        if begin["cores"]:
            # All processes that are started here inherit it; a student's cannot change it.
            os.sched_setaffinity(0, begin["cores"])
        bundle, results = Bundle.from_data(begin["bundle"]), Path(begin["results"])
        # Every process that is started here takes this as its own.
        os.environ["TMPDIR"] = begin["temporary"]
        while True:
            _work(line, bundle, results)


def _work(line: Connection, bundle: Bundle, results: Path) -> None:
    """Grade the next submission, and tell how that ended once its result is there."""
    request = receive(line)
    job = Job(**request["job"])
    said = _Said()
    # Below that, what steps say repeats the student's own text.
    log = logging.Logger("coursekit", logging.INFO)
    log.addHandler(said)
    # What follows from tests and salt alone is found once, while the first kernel starts.
    prepare(bundle.asked[job.assignment][job.notebook].tests, job.salt)
    folder = partial(OpenFolder, recv_handle(line), Path(request["folder"]))
    outcome = attempt(job, folder, bundle, log)
    try:
        write_result(results, job, outcome, said.text)
        told: dict[str, Any] = {"done": True}
    except OSError as error:
        words = in_words(error) or InfrastructureError(f"a result cannot be written: {error}", "")
        told = {"failed": asdict(FailedGrading.of(words, passing=True))}
    send(line, told)


class _Said(logging.Handler):
    """Keeps what was said, as lines of nbgrader's log; of very much, the end."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"[{record.levelname}] {self.format(record)}\n"
        self.text = self.text[-MAX_LOG_LETTERS:]


if __name__ == "__main__":
    main()
