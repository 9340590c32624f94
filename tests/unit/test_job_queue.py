"""Which worker of a cluster gets which job, and when a job has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from test_verdict import VERDICT

from coursekit.class_grading.engine import MAX_TRIES, Ended, Task
from coursekit.class_grading.results import FailedGrading
from coursekit.cluster.job_queue import JobQueue
from coursekit.errors import InfrastructureError
from coursekit.grading.job import Graded, Job
from coursekit.processes.plain_files import OpenFolder
from resnets_utils.checks.check_result import Outcome

PASSING = FailedGrading("the disk is full", "", passing=True)
UNREADABLE = FailedGrading("it is unreadable", "", passing=False)


@dataclass(frozen=True)
class Place:
    """A place at a worker."""

    name: str
    host: str


ONE, TWO, OTHER = Place("one", "a"), Place("two", "a"), Place("other", "b")


def nowhere() -> OpenFolder:
    raise AssertionError("nobody opens it here")


def queue(number: int, twice: float = 0) -> tuple[JobQueue, list[Task]]:
    jobs = [Job("a-v1", "A", f"s{at}", "sha256:0", 7) for at in range(number)]
    tasks = [Task(job, nowhere) for job in jobs]
    return JobQueue(iter(tasks), twice), tasks


def graded(task: Task, **changes: object) -> Ended:
    """A result; in it a check may have ended in another way than usual."""
    first, *others = VERDICT.cells
    checks = (replace(first.checks[0], **changes), *first.checks[1:])  # type: ignore[arg-type]
    verdict = replace(VERDICT, cells=(replace(first, checks=checks), *others))
    return Ended(task.job, Graded("{}", verdict.as_json()))


def taken(jobs: JobQueue, *places: Place) -> list[str | None]:
    """Whose submission each place is given."""
    found = [jobs.next_for(place, idle=True) for place in places]
    return [task.job.student if task else None for task in found]


def test_each_is_graded_once_in_order() -> None:
    jobs, tasks = queue(3)
    assert taken(jobs, ONE, OTHER) == ["s0", "s1"]
    assert jobs.ended(tasks[1], OTHER, graded(tasks[1])) == graded(tasks[1])
    assert taken(jobs, OTHER) == ["s2"]
    assert not jobs.is_done and not jobs.is_wanted(tasks[1])
    for task, place in ((tasks[0], ONE), (tasks[2], OTHER)):
        assert jobs.ended(task, place, graded(task))
    assert jobs.next_for(ONE, idle=True) is None
    assert jobs.is_done


def test_what_failed_is_tried_on_another_machine_first() -> None:
    jobs, tasks = queue(2)
    assert taken(jobs, ONE) == ["s0"]
    assert jobs.ended(tasks[0], ONE, Ended(tasks[0].job, PASSING)) is None
    # The same machine is as likely to fail again, whichever of its places it is.
    assert taken(jobs, TWO, OTHER) == ["s1", "s0"]
    assert jobs.ended(tasks[0], OTHER, graded(tasks[0]))


def test_where_there_is_no_other_machine_it_is_tried_again_there() -> None:
    jobs, tasks = queue(1)
    for _ in range(MAX_TRIES - 1):
        assert taken(jobs, ONE) == ["s0"]
        assert jobs.ended(tasks[0], ONE, Ended(tasks[0].job, PASSING)) is None
    assert taken(jobs, ONE) == ["s0"]
    assert jobs.ended(tasks[0], ONE, Ended(tasks[0].job, PASSING)) == Ended(tasks[0].job, PASSING)
    assert jobs.is_done


def test_what_cannot_be_read_is_not_tried_again() -> None:
    jobs, tasks = queue(1)
    taken(jobs, ONE)
    ended = Ended(tasks[0].job, UNREADABLE)
    assert jobs.ended(tasks[0], ONE, ended) == ended


@pytest.mark.parametrize("its_fault", [True, False])
def test_what_a_lost_worker_had_is_graded_elsewhere(its_fault: bool) -> None:
    jobs, tasks = queue(1)
    for _ in range(MAX_TRIES - 1):
        assert taken(jobs, ONE) == ["s0"]
        assert jobs.lost(tasks[0], ONE, its_fault=its_fault) is None
    assert taken(jobs, ONE) == ["s0"]
    ended = jobs.lost(tasks[0], ONE, its_fault=its_fault)
    if its_fault:
        assert ended and isinstance(ended.outcome, FailedGrading) and jobs.is_done
        assert "lost" in ended.outcome.message
    else:
        # However often a connection is lost: no submission is given up for that.
        assert ended is None and taken(jobs, OTHER) == ["s0"]


def test_the_last_job_does_not_wait_for_a_slow_machine() -> None:
    jobs, tasks = queue(1)
    assert taken(jobs, ONE) == ["s0"]
    assert jobs.next_for(OTHER, idle=False) is None
    assert taken(jobs, OTHER, TWO) == ["s0", None]
    assert jobs.ended(tasks[0], OTHER, graded(tasks[0]))
    assert jobs.is_done
    # Whoever is second is not heard, also if it says something else.
    assert not jobs.is_wanted(tasks[0])
    late = graded(tasks[0], outcome=Outcome.FAILED)
    assert jobs.ended(tasks[0], ONE, late) is None
    assert jobs.lost(tasks[0], ONE, its_fault=True) is None


def test_a_worker_that_is_lost_takes_nothing_from_the_one_that_overtook_it() -> None:
    jobs, tasks = queue(1)
    assert taken(jobs, ONE, OTHER) == ["s0", "s0"]
    for _ in range(MAX_TRIES):
        assert jobs.lost(tasks[0], ONE, its_fault=True) is None
    assert taken(jobs, OTHER) == [None]
    assert jobs.ended(tasks[0], OTHER, graded(tasks[0]))


def test_a_second_opinion_comes_from_another_machine() -> None:
    jobs, tasks = queue(1, twice=1)
    assert taken(jobs, ONE) == ["s0"]
    assert jobs.ended(tasks[0], ONE, graded(tasks[0])) is None
    assert taken(jobs, ONE, TWO, OTHER) == [None, None, "s0"]
    # The words of a reason may have other digits on another machine; the judgement may not.
    second = graded(tasks[0], reason="0.30000001192092896")
    assert jobs.ended(tasks[0], OTHER, second) == second
    assert jobs.is_done


def test_two_machines_that_disagree_stop_the_run_and_are_named() -> None:
    jobs, tasks = queue(1, twice=1)
    taken(jobs, ONE)
    jobs.ended(tasks[0], ONE, graded(tasks[0]))
    taken(jobs, OTHER)
    with pytest.raises(InfrastructureError) as told:
        jobs.ended(tasks[0], OTHER, graded(tasks[0], outcome=Outcome.FAILED))
    said = str(told.value)
    assert "s0's a-v1 differently: one on a gave 3.5 points, other on b gave 1.5 points" in said
    assert "hint: find out which one is right" in said


@pytest.mark.parametrize(
    "gives_up",
    [
        lambda jobs, task: list(jobs.without_second_opinions()),
        lambda jobs, task: [
            taken(jobs, OTHER) and jobs.ended(task, OTHER, Ended(task.job, PASSING))
            for _ in range(MAX_TRIES)
        ][-1:],
    ],
    ids=["one machine is left", "the others fail"],
)
def test_without_a_second_opinion_the_first_one_counts(
    gives_up: Callable[[JobQueue, Task], list[Ended]],
) -> None:
    jobs, tasks = queue(1, twice=1)
    taken(jobs, ONE)
    jobs.ended(tasks[0], ONE, graded(tasks[0]))
    assert gives_up(jobs, tasks[0]) == [graded(tasks[0])]
    assert taken(jobs, OTHER) == [None] and jobs.is_done


def test_the_share_that_is_graded_twice() -> None:
    jobs, tasks = queue(1000, twice=0.1)
    ended = 0
    for task in tasks:
        taken(jobs, ONE)
        ended += jobs.ended(task, ONE, graded(task)) is not None
    assert 850 < ended < 950


def test_what_cannot_be_opened_ends_there() -> None:
    jobs, tasks = queue(1)
    taken(jobs, ONE)
    ended = Ended(tasks[0].job, UNREADABLE)
    assert jobs.refused(tasks[0], ended) == ended
    assert taken(jobs, ONE) == [None] and jobs.is_done
