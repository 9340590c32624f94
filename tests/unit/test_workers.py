"""How worker processes share a machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coursekit.class_grading.journal import Journal
from coursekit.class_grading.results import FailedGrading, find_result, result_file, write_result
from coursekit.class_grading.workers import cores_of_each
from coursekit.errors import CourseKitError
from coursekit.grading.job import Graded, Job

JOB = Job("a1", "Book", 'Zoë, "=1+1"', "sha256:1", 7)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no such setting here")
def test_workers_have_cores_of_their_own_while_there_are_enough() -> None:
    here = os.sched_getaffinity(0)
    for number in range(1, len(here) + 1):
        shares = cores_of_each(number)
        assert len(shares) == number and all(shares)
        assert sorted(core for share in shares for core in share) == sorted(here)
    more = cores_of_each(len(here) + 2)
    assert len(more) == len(here) + 2 and all(len(share) == 1 for share in more)


def test_a_result_is_that_of_its_job_or_none(tmp_path: Path) -> None:
    graded = Graded('{"cells": ["\\ud800"]}', "{}")
    write_result(tmp_path, JOB, graded, "said")
    assert find_result(tmp_path, JOB) == (graded, "said")
    other = Job(JOB.assignment, JOB.notebook, JOB.student, JOB.digest, 8)
    assert find_result(tmp_path, other) is None
    failed = FailedGrading("it ended", "grade it again", passing=True)
    write_result(tmp_path, JOB, failed, "")
    assert find_result(tmp_path, JOB) == (failed, "")
    whole = result_file(tmp_path, JOB).read_bytes()
    result_file(tmp_path, JOB).write_bytes(whole[:-5])
    assert find_result(tmp_path, JOB) is None


def test_a_run_goes_on_with_its_salt_if_nothing_else_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    journal = Journal(folder, "small-block-v1")
    with pytest.raises(RuntimeError), journal.open("tests of today"):
        journal.begin_jobs([JOB])
        write_result(journal.results, JOB, Graded("{}", "{}"), "")
        with (
            pytest.raises(CourseKitError, match="another command grades"),
            Journal(folder, "small-block-v1").open(""),
        ):
            pass
        raise RuntimeError
    assert not journal.temporary.exists()
    # The last line may be cut short by what ended it.
    with (folder / "tasks.jsonl").open("ab") as file:
        file.write(b'{"job": {"assig')
    again = Journal(folder, "small-block-v1")
    with pytest.raises(RuntimeError), again.open("tests of today"):
        assert again.goes_on and again.salt == journal.salt
        assert find_result(again.results, JOB) is not None
        raise RuntimeError
    changed = Journal(folder, "small-block-v1")
    with changed.open("other tests"):
        assert not changed.goes_on and changed.salt != journal.salt
        assert find_result(changed.results, JOB) is None
    # A run that was finished leaves nothing.
    assert not folder.exists()
