"""Each submission has a judge process of its own, forked warm where that is clean."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coursekit.errors import InfrastructureError
from coursekit.judge import warm_judge_client
from coursekit.judge.judge_client import JudgeProcess

# A check that is named after the process it runs in, and after that one's parent.
WHO = """import os
from resnets_utils import Checks
with Checks("f")(f"{os.getpid()} {os.getppid()}", points=1):
    assert False
"""

# Each of its calls comes soon.
SLOW = """import contextlib, time
from resnets_utils import Checks
checks = Checks("f")
with checks("slow", points=1):
    for size in range(1, 11):
        time.sleep(0.6)
        with contextlib.suppress(Exception):
            checks.call(size=size).value
"""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No test shares its warm judge."""
    warm_judge_client.WARM_JUDGE.close()
    yield
    warm_judge_client.WARM_JUDGE.close()


def who_judges() -> tuple[int, int]:
    """The process that judges a submission, and its parent."""
    with JudgeProcess() as judge:
        verdict = judge.judge("test", WHO, 1, lambda call: {}, 0)
    process, parent = verdict.checks[0].name.split()
    return int(process), int(parent)


def test_submissions_are_judged_by_processes_of_their_own() -> None:
    first, second = who_judges(), who_judges()
    assert first[0] != second[0]
    assert not {first[0], second[0]} & {os.getpid(), *first[1:], *second[1:]}
    if sys.platform == "linux":
        # Both were forked by the same warm judge.
        assert first[1] == second[1] != os.getpid()


def test_a_judge_is_gone_when_its_submission_is_done() -> None:
    process, _ = who_judges()
    status = Path(f"/proc/{process}/stat")
    # A process that has ended may stay in the list for a moment.
    assert not status.exists() or status.read_text().split(")")[1].split()[0] in "ZX"
    # One is warm: many short waits count as the long one that they are.
    with (
        JudgeProcess(timeout=3) as judge,
        pytest.raises(InfrastructureError, match="no verdict on test within 3 s"),
    ):
        judge.judge("test", SLOW, 1, lambda call: {"status": "raised", "reason": ""}, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux only")
def test_a_warm_judge_that_died_costs_no_verdict() -> None:
    _, parent = who_judges()
    with JudgeProcess() as judge:
        os.kill(parent, signal.SIGKILL)
        judge.judge("test", WHO, 1, lambda call: {}, 0)
    assert who_judges()[1] not in (parent, os.getpid())


@pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux only")
def test_a_process_with_threads_forks_no_judge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert who_judges()[1] == os.getpid()
