"""The judge's process: ``python -m coursekit.judge FD``.

It reads requests from the connection whose file descriptor is its argument. To
judge a cell it asks the conductor for traces, checks and rebuilds the graphs
that come back, and answers with the verdicts. Limits on memory hold before
anything of a student's is read.
"""

from __future__ import annotations

import os
import resource
import sys
import traceback
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from coursekit.judge.protocol import receive, send

# TensorFlow reserves about 2.2 GB of addresses here at its peak.
MAX_MEMORY_BYTES = 8 * 1024**3


def main() -> None:
    """Serve until the conductor hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    line = Connection(int(sys.argv[1]))
    # The conductor may be writing to our standard output's other end.
    sys.stdout = sys.stderr
    try:
        while True:
            send(line, _judge(line, receive(line)))
    except EOFError:
        return


def _judge(line: Connection, request: dict[str, Any]) -> dict[str, Any]:
    from coursekit.judge.cell import judge_cell
    from resnets_utils.tracing import Call

    def tracer(call: Call) -> dict[str, str]:
        send(line, {"trace": call.as_json()})
        reply: dict[str, str] = receive(line)["reply"]
        return reply

    try:
        judgement = judge_cell(request["source"], tracer, request["salt"])
    except Exception:
        return {"mistake": traceback.format_exc()}
    return {
        "function": judgement.function,
        "checks": [asdict(result) for result in judgement.results],
    }


if __name__ == "__main__":
    main()
