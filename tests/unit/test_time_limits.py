from __future__ import annotations

import math
import time
from typing import Any

import pytest

from coursekit.judge.judge_client import JudgeProcess, OutOfTime
from coursekit.kernels.time_limits import TimeLimits
from coursekit.sandbox.limits import Limits

# The judge itself takes for ever, unless the function gave no answer.
ENDLESS = """from resnets_utils import Checks
checks = Checks("f")
with checks("endless", points=2):
    found = checks.call(size=1).value
    while True:
        pass
"""


def test_a_cell_gets_the_least_of_what_is_left() -> None:
    assert TimeLimits(Limits(cell_seconds=7)).left_to_cell() == 7
    assert TimeLimits(Limits(notebook_seconds=8)).left_to_cell() == 8
    assert 8 < TimeLimits(Limits(submission_seconds=9)).left_to_cell() <= 9


def test_only_the_cells_own_time_counts_as_theirs() -> None:
    limits = TimeLimits(Limits(notebook_seconds=math.ulp(1.0)))
    assert limits.over() == ""
    with limits.counting_as_cells():
        pass
    assert limits.over().startswith("all cells together took")
    assert limits.over_for_all() == ""
    assert limits.left_to_cell() > 0  # nbclient takes 0 for no limit


def test_a_submission_whose_time_is_over_says_so() -> None:
    limits = TimeLimits(Limits(submission_seconds=math.ulp(1.0)))
    while time.monotonic() <= limits.end:
        pass
    assert limits.left() == 0
    assert limits.over() == limits.over_for_all() != ""
    assert "the submission took" in limits.over()


def test_a_judge_that_is_stopped_is_replaced_by_one_that_fails_the_checks() -> None:
    answered = {"status": "value", "value": "1"}
    too_late = {"status": "raised", "reason": "the submission took 600 s"}
    replies = [answered, too_late]

    def answer(call: dict[str, Any]) -> dict[str, str]:
        return replies.pop(0)

    with JudgeProcess() as judge:
        with pytest.raises(OutOfTime):
            judge.judge("test", ENDLESS, 2, answer, 0, until=time.monotonic())
        replies[:] = [too_late]
        verdict = judge.judge("test", ENDLESS, 2, answer, 0)
    assert verdict.score == 0
    assert "the submission took 600 s" in verdict.checks[0].reason
