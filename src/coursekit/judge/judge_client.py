"""The conductor's side of the judge: start its process, send it cells, pass on its questions."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import Any, Self

import psutil

from coursekit.errors import InfrastructureError
from coursekit.judge.verdict import MAX_ROUNDING, CellVerdict
from coursekit.judge.warm_judge_client import ask_for_judge, take_over
from coursekit.plain_text import plain_text
from coursekit.processes.line import Server, receive, send
from resnets_utils.checks.check_result import Outcome

MAX_FAULT = 5_000
_PAUSE = 0.5  # seconds between two looks at the judge's processor time
AnswerCall = Callable[[dict[str, Any]], dict[str, str]]


class OutOfTime(Exception):
    """The time of the whole submission is over while the judge works on a cell."""


class _NoVerdict(Exception):
    """A judge gave no verdict on a cell; the message says what it did instead.

    Attributes:
        ended: whether its process has ended by itself.
        busy: whether it computed for all its time.

    """

    def __init__(self, words: str, *, ended: bool = False, busy: bool = False) -> None:
        super().__init__(words)
        self.ended, self.busy = ended, busy


class JudgeProcess:
    """A judge in a process of its own, for the cells of one submission.

    It starts at once, while the student's kernel starts too. A judge that ends over a cell
    is replaced by another one, which first hears all that the earlier one heard: what a judge
    knows of one cell can count in the next.

    Args:
        timeout: seconds that a judge may compute over one cell.
        patience: seconds that a cell may take, on a machine that does other things too,
            without the time that the student's kernel takes.

    """

    def __init__(self, timeout: float = 120, patience: float = 600) -> None:
        self._asked = ask_for_judge()
        self._server: Server | None = None
        self._limits = timeout, patience
        self._judged: list[_Asked] = []

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

        An answer over which a judge ends or computes too long is wrong if a judge gets
        through the same cell with the solution.

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
        request = {"source": source, "salt": salt, "grade_id": grade_id, "points": points}
        try:
            verdict = self._verdict(request, answer, until)
        except _NoVerdict as stopped:
            if not (stopped.ended or stopped.busy):
                raise InfrastructureError(
                    f"{stopped} on {grade_id}",
                    "grade the submission again on a machine with less load, or grade it by hand",
                ) from None
            verdict = self._not_judged(request, stopped)
        if abs(verdict.points - points) > MAX_ROUNDING:
            raise InfrastructureError(
                f"the checks of {grade_id} are worth {verdict.points:g} points, "
                f"the cell {points:g}",
                "correct the points in source/ or grader_tests/, then run: coursekit release",
            )
        return verdict

    def _verdict(self, request: dict[str, Any], answer: AnswerCall, until: float) -> CellVerdict:
        """The verdict on an answer.

        Raises:
            OutOfTime: if the judge has to stop.
            _NoVerdict: if a judge computes too long, or two of them end.

        """
        asked = _Asked(request, answer)
        try:
            verdict = self._ask(asked, until)
        except _NoVerdict as stopped:
            # Another program may have ended it: then the answer must not pay for that.
            if not stopped.ended:
                raise
            verdict = self._ask(asked, until)
        self._judged.append(asked)
        return verdict

    def _not_judged(self, request: dict[str, Any], stopped: _NoVerdict) -> CellVerdict:
        """The verdict on an answer that no judge got through: no check is passed.

        Raises:
            InfrastructureError: if no judge gets through the cell with the solution either.

        """
        try:
            expected = self._ask(_Asked({**request, "of_solution": True}))
        except _NoVerdict:
            raise InfrastructureError(
                f"{stopped} on {request['grade_id']}, and on the solution too",
                "grade the submission again; if that fails too, grade it by hand",
            ) from None
        why = f"this answer cannot be judged: {stopped} on it"
        return expected.found_in([], Outcome.ERROR, why)

    def _ask(self, asked: _Asked, until: float = math.inf) -> CellVerdict:
        """Have a judge judge a cell; one that gives no verdict is replaced by another.

        Raises:
            OutOfTime: if it has to stop.
            _NoVerdict: if it gives no verdict.
            InfrastructureError: if the test cell fails.

        """
        earlier: list[_Asked] = []
        if self._server is None:
            # Not before the first cell: until then it had time to get ready.
            self._server = take_over(self._asked)
            earlier = self._judged
        try:
            for each in [*earlier, asked]:
                message = each.answered_to(_Clock(self._server, *self._limits, until))
        except (_NoVerdict, OutOfTime):
            self._server.close()
            self._server = None
            self._asked = ask_for_judge()
            raise
        if "fault" in message:
            # In one line: an empty one would end the error where nbgrader's log is read.
            fault = " ".join(plain_text(message["fault"], MAX_FAULT).split())
            raise InfrastructureError(
                f"{fault}: the mistake is in the test cell or its solution, not in the answer",
                "correct it in source/ or grader_tests/, then run: coursekit release",
            )
        return CellVerdict.from_data(message["verdict"])


class _Asked:
    """What a judge is asked about one cell, and the answers that it has got to its questions.

    Args:
        request: the cell.
        answer: makes a call in the student's kernel; None if the judge has no questions.

    """

    def __init__(self, request: dict[str, Any], answer: AnswerCall | None = None) -> None:
        self._request = request
        self._answer = answer
        self._replies: list[dict[str, str]] = []

    def answered_to(self, clock: _Clock) -> dict[str, Any]:
        """Return what a judge says in the end; it gets the answers that another one got.

        Raises:
            OutOfTime: if it has to stop.
            _NoVerdict: if it gives no verdict.

        """
        message = clock.exchange(self._request)
        at = 0
        while self._answer is not None and "trace" in message:
            if at == len(self._replies):
                self._replies.append(self._answer(message["trace"]))
            message = clock.exchange({"reply": self._replies[at]})
            at += 1
        return message


class _Clock:
    """The time that a judge takes over one cell.

    Args:
        server: the judge.
        timeout: seconds that it may compute.
        patience: seconds that it may take.
        until: when it has to stop, as `time.monotonic` counts.

    """

    def __init__(self, server: Server, timeout: float, patience: float, until: float) -> None:
        self._server = server
        self._timeout = timeout
        self._patience = patience
        self._until = until
        self._waited = 0.0
        self._computed = 0.0
        self._before = self._processor_seconds()

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send the judge a message, and wait for its next one.

        Raises:
            OutOfTime: if the judge has to stop before that.
            _NoVerdict: if none comes.

        """
        asked = time.monotonic()
        try:
            send(self._server.line, message)
            while not self._server.line.poll(min(_PAUSE, max(self._until - asked, 0))):
                if time.monotonic() >= self._until:
                    raise OutOfTime
                self._check(self._waited + time.monotonic() - asked)
            return receive(self._server.line)
        except (EOFError, OSError):
            words = "the judge crashed or ran out of memory"
            raise _NoVerdict(words, ended=True) from None
        finally:
            self._waited += time.monotonic() - asked

    def _check(self, waited: float) -> None:
        """Raise if it has taken too long; with several threads it computes more than it takes."""
        busy = min(waited, self._processor_seconds() - self._before)
        if busy > self._timeout:
            raise _NoVerdict(f"the judge computed for more than {self._timeout:g} s", busy=True)
        if waited > self._patience:
            raise _NoVerdict(f"the judge gave no verdict within {self._patience:g} s")

    def _processor_seconds(self) -> float:
        with contextlib.suppress(psutil.Error):  # it has ended
            times = psutil.Process(self._server.process.pid).cpu_times()
            self._computed = times.user + times.system
        return self._computed
