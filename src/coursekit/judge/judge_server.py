"""The judge's side: judge the cells of one submission, as the conductor asks for them.

Memory is limited before anything from a student is read.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from coursekit.processes.line import receive, send

# TensorFlow reserves about 2.2 GB of address space at its peak.
MAX_MEMORY_BYTES = 8 * 1024**3
# When the machine's memory runs out, Linux ends the judge before the conductor, whose
# number is 0, and after the student's kernel.
_FIRST_TO_END = 500


def serve(line: Connection) -> None:
    """Answer requests until the conductor closes the line.

    To judge a cell, the judge asks the conductor for traces, checks and rebuilds
    the graphs that come back, and answers with the verdict.
    """
    limit_this_process()
    networks: dict[str, Any] = {}
    try:
        while True:
            send(line, _judge(line, receive(line), networks))
    except EOFError:
        return


def limit_this_process() -> None:
    """Bound what running test cells here can take and where it can write."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_END))
    # Standard output may be a pipe that the conductor uses.
    sys.stdout = sys.stderr


def _judge(line: Connection, request: dict[str, Any], networks: dict[str, Any]) -> dict[str, Any]:
    from coursekit.judge.cell import TestCellFault, judge_cell, judge_solution
    from resnets_utils.border.call import Call

    def tracer(call: Call) -> dict[str, str]:
        send(line, {"trace": call.as_json()})
        reply: dict[str, str] = receive(line)["reply"]
        return reply

    source, salt, grade_id = request["source"], request["salt"], request["grade_id"]
    try:
        if request.get("of_solution"):
            verdict = judge_solution(source, salt, grade_id=grade_id)
        else:
            verdict = judge_cell(
                source,
                tracer,
                salt,
                grade_id=grade_id,
                points=request["points"],
                networks=networks,
            )
    except TestCellFault as fault:
        return {"fault": str(fault)}
    return {"verdict": verdict.as_data()}
