"""The conductor's side of the judge: start its process, send it cells, pass on its questions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

from coursekit.errors import InfrastructureError
from coursekit.judge.verdict import CellVerdict
from coursekit.judge.warm_judge_client import ask_for_judge, take_over
from coursekit.plain_text import plain_text
from coursekit.processes.line import Server, send

MAX_REASON = 5_000
AnswerCall = Callable[[dict[str, Any]], dict[str, str]]


class OutOfTime(Exception):
    """The time of the whole submission is over while the judge works on a cell."""


class JudgeProcess:
    """A judge in a process of its own, for the cells of one submission.

    It starts at once, while the student's kernel starts too.

    Args:
        timeout: seconds that one cell may take, without the time that the
            student's kernel takes.

    """

    def __init__(self, timeout: float = 120) -> None:
        self._asked = ask_for_judge()
        self._server: Server | None = None
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._asked is not None:
            self._asked.close()
        if self._server is not None:
            self._server.close()

    def judge(
        self,
        grade_id: str,
        source: str,
        points: float,
        answer: AnswerCall,
        salt: int,
        until: float = math.inf,
    ) -> CellVerdict:
        """Judge one test cell.

        Args:
            grade_id: the test cell's name.
            source: its text from the gradebook, hidden tests included.
            points: what the cell is worth in the gradebook.
            answer: makes a call in the student's kernel.
            salt: determines the random inputs.
            until: when to stop, as `time.monotonic` counts; another judge is then ready for use.

        Raises:
            OutOfTime: if the judge has to stop.
            InfrastructureError: if the judge or the test cell fails.

        """
        if self._server is None:
            # Not before the first cell: until then it had time to get ready.
            self._server = take_over(self._asked)
        process, line = self._server
        left = self._timeout
        try:
            send(line, {"source": source, "salt": salt, "grade_id": grade_id})
            while True:
                asked = time.monotonic()
                message = self._server.receive(min(left, until - asked))
                left -= time.monotonic() - asked
                if "trace" not in message:
                    break
                send(line, {"reply": answer(message["trace"])})
        except TimeoutError:
            process.kill()
            if time.monotonic() >= until:
                self._server.close()
                self._server, self._asked = None, ask_for_judge()
                raise OutOfTime from None
            raise InfrastructureError(
                f"the judge gave no verdict on {grade_id} within {self._timeout:.0f} s",
                "grade the submission again on a machine with less load, or grade it by hand",
            ) from None
        except (EOFError, OSError) as error:
            raise InfrastructureError(
                f"the judge stopped while judging {grade_id} ({type(error).__name__})",
                "grade the submission again; if that fails too, grade it by hand",
            ) from None
        if "fault" in message:
            raise InfrastructureError(
                f"{plain_text(message['fault'], MAX_REASON)}: the mistake is in the test cell "
                "or its solution, not in the answer",
                "correct it in source/ or grader_tests/, then run: coursekit release",
            )
        verdict = CellVerdict.from_data(message["verdict"])
        # It contains a student's text: names of layers, messages of errors.
        checks = tuple(
            replace(
                check,
                reason=plain_text(check.reason, MAX_REASON),
                remarks=tuple(plain_text(remark, MAX_REASON) for remark in check.remarks),
            )
            for check in verdict.checks
        )
        if abs(verdict.points - points) > 1e-9:
            raise InfrastructureError(
                f"the checks of {grade_id} are worth {verdict.points:g} points, "
                f"the cell {points:g}",
                "correct the points in source/ or grader_tests/, then run: coursekit release",
            )
        return replace(verdict, checks=checks)
