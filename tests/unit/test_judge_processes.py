"""Each submission has a judge process of its own, forked warm where that is clean."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from coursekit.course.test_cells import compose
from coursekit.errors import InfrastructureError
from coursekit.judge import warm_judge_client
from coursekit.judge.judge_client import JudgeProcess, _Clock, _NoVerdict
from coursekit.kernels.trace_request import plain_reply
from coursekit.processes.line import MAX_BYTES, encoded
from resnets_utils.border.encoding import encode

# A check that is named after the process it runs in, and after that one's parent.
WHO = """import os
from resnets_utils import Checks
with Checks("f")(f"{os.getpid()} {os.getppid()}", points=1):
    assert False
"""

# What a function returns makes this cell wait, compute or crash; the solution returns 0.
OVER_AN_ANSWER = """import os, signal, time
from coursekit.judge.judge_server import MAX_MEMORY_BYTES
from resnets_utils import Checks
checks = Checks("f")
with checks("first", points=1):
    checks.call(x=1).equals(0)
with checks("second", points=2):
    value = checks.call(x=2).value
    if value == "wait":
        # Many short waits count as the long one that they are.
        for size in range(1, 11):
            time.sleep(0.6)
            checks.call(size=size)
    if value == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if value == "memory":
        bytearray(MAX_MEMORY_BYTES)
    while value == "compute":
        pass
    value + 1
"""
SOLUTION = [("f", "def f(**x): return 0")]


@pytest.fixture
def fresh() -> Iterator[None]:
    """A warm judge of the test's own; starting one takes seconds."""
    warm_judge_client.WARM_JUDGE.close()
    yield
    warm_judge_client.WARM_JUDGE.close()


def who_judges() -> tuple[int, int]:
    """The process that judges a submission, and its parent."""
    with JudgeProcess() as judge:
        verdict = judge.judge("test", WHO, 1, lambda call: {}, 0)
    process, parent = verdict.checks[0].name.split()
    return int(process), int(parent)


@pytest.mark.usefixtures("fresh")
def test_submissions_are_judged_by_processes_of_their_own() -> None:
    first, second = who_judges(), who_judges()
    assert first[0] != second[0]
    assert not {first[0], second[0]} & {os.getpid(), *first[1:], *second[1:]}
    if sys.platform == "linux":
        # Both were forked by the same warm judge.
        assert first[1] == second[1] != os.getpid()


def test_a_judge_is_gone_when_its_submission_is_done() -> None:
    with JudgeProcess() as judge:
        name = judge.judge("test", WHO, 1, lambda call: {}, 0).checks[0].name
        process = int(name.split()[0])
        # A handle of a process that lives: its number may be another's later.
        handle = os.pidfd_open(process) if sys.platform == "linux" else None
        if handle is not None:
            # Where the machine's memory runs out, it ends before the conductor.
            assert int(Path(f"/proc/{process}/oom_score_adj").read_text()) >= 500
    if handle is None:
        assert not psutil.pid_exists(process)
    else:
        # It has ended, even if the system still lists it.
        assert select.select([handle], [], [], 0)[0]
        os.close(handle)


def test_a_connection_that_was_never_used_is_closed() -> None:
    with JudgeProcess() as judge:
        asked = judge._asked
    if sys.platform == "linux":
        assert asked is not None and asked.fileno() == -1


def judged(
    test: str,
    answers: Callable[[dict[str, Any]], Any],
    timeout: float = 600,
    patience: float = 600,
) -> list[str]:
    """What comes of each check of a cell worth 3 points."""

    def answer(call: dict[str, Any]) -> dict[str, str]:
        return {"status": "value", "value": json.dumps(encode(answers(call)))}

    with JudgeProcess(timeout, patience) as judge:
        source = compose(test, None, SOLUTION)
        checks = judge.judge("test", source, 3, answer, 0).checks
    return [f"{check.name} {check.points} {check.outcome}: {check.reason}" for check in checks]


def only_the_second(value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda call: value if call["arguments"].get("x") == ["int", 2] else 0


@pytest.mark.parametrize(
    ("value", "timeout", "why"),
    [
        ("crash", 600, "the judge crashed or ran out of memory"),
        ("compute", 1.5, "the judge computed for more than 1.5 s"),
    ],
)
def test_an_answer_that_no_judge_gets_through_is_an_error(
    value: str, timeout: float, why: str
) -> None:
    said = f"error: this answer cannot be judged: {why} on it"
    assert judged(OVER_AN_ANSWER, only_the_second(value), timeout) == [
        f"first 1 {said}",
        f"second 2 {said}",
    ]


def test_memory_that_an_answer_takes_is_limited_and_fails_its_check() -> None:
    said = "error: the check could not be finished with this answer (MemoryError)"
    found = judged(OVER_AN_ANSWER, only_the_second("memory"))
    assert found == ["first 1 passed: ", f"second 2 {said}"]


@pytest.mark.parametrize(
    ("test", "limits", "said"),
    [
        (OVER_AN_ANSWER, (600, 3), "no verdict within 3 s on test"),
        ("import os; os.abort()", (), "crashed or ran out of memory on test, and on the solution"),
        ("while True: pass", (1,), "computed for more than 1 s on test, and on the solution too"),
        ("raise ValueError('one\\n\\n[two')", (),
         r"ValueError: one \[two, line 1 of test: the mistake is in the test cell"),
        (OVER_AN_ANSWER.replace("points=2", "points=7"), (), "are worth 8 points, the cell 3"),
    ],
    ids=["waits", "crashes", "computes", "raises", "points"],
)  # fmt: skip
def test_a_cell_that_the_solution_does_not_get_through_is_the_authors(
    test: str, limits: tuple[float, ...], said: str
) -> None:
    value = "wait" if "no verdict" in said else 0
    with pytest.raises(InfrastructureError, match=said):
        judged(test, only_the_second(value), *limits)


def test_a_judge_that_another_program_ended_costs_no_point() -> None:
    judges: list[int] = []

    def kill_the_first(call: dict[str, Any]) -> int:
        if not judges:
            newest = max(psutil.Process().children(recursive=True), key=psutil.Process.create_time)
            judges.append(newest.pid)
            newest.kill()
        return 0

    assert judged(OVER_AN_ANSWER, kill_the_first) == ["first 1 passed: ", "second 2 passed: "]


# A check that is named after what its judge has heard in this cell and those before it.
HEARD = """import builtins, os
from resnets_utils import Checks
builtins.heard = getattr(builtins, "heard", "")
checks = Checks("f")
with checks(f"{os.getpid()}", points=0):
    builtins.heard += str(checks.call(x=1).value)
with checks(builtins.heard, points=1):
    pass
"""


def test_a_judge_that_takes_over_hears_what_the_earlier_one_heard() -> None:
    asked: list[dict[str, Any]] = []

    def answer(call: dict[str, Any]) -> dict[str, str]:
        asked.append(call)
        return {"status": "value", "value": json.dumps(encode(len(asked)))}

    source = compose(HEARD, None, SOLUTION)
    with JudgeProcess() as judge:
        first = judge.judge("first", source, 1, answer, 0).checks
        os.kill(int(first[0].name), signal.SIGKILL)
        second = judge.judge("second", source, 1, answer, 0).checks
    assert first[0].name != second[0].name
    # The second judge was told the first answer, for which nobody was asked again.
    assert [first[1].name, second[1].name] == ["1", "12"]


def test_what_a_judge_computed_before_or_in_several_threads_is_not_its_time_over_a_cell() -> None:
    server: Any = SimpleNamespace(process=psutil.Process())
    clock = _Clock(server, math.ulp(1.0), math.inf, math.inf)
    computed = clock._processor_seconds()
    _Clock(server, computed / 2, math.inf, math.inf)._check(waited=computed)
    while clock._processor_seconds() == computed:
        pass
    clock._check(waited=0)
    with pytest.raises(_NoVerdict, match="computed for more than"):
        clock._check(waited=1)


def test_a_reply_of_any_letters_reaches_the_judge() -> None:
    for letter in ("é", "\ud800", "\0", "\U0001f600", '"'):
        content = {"status": "graph", "graph": letter * 2_900_000}
        reply = plain_reply(content, "graph")
        assert len(encoded({"reply": reply})) < MAX_BYTES
    said = plain_reply({"status": "raised", "reason": "é" * 9_000_000}, "graph")["reason"]
    assert len(said) < 5_000


@pytest.mark.usefixtures("fresh")
@pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux only")
def test_a_warm_judge_that_died_costs_no_verdict() -> None:
    _, parent = who_judges()
    with JudgeProcess() as judge:
        os.kill(parent, signal.SIGKILL)
        judge.judge("test", WHO, 1, lambda call: {}, 0)
    assert who_judges()[1] not in (parent, os.getpid())


@pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux only")
@pytest.mark.usefixtures("fresh")
def test_a_process_with_threads_forks_no_judge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert who_judges()[1] == os.getpid()
