"""Parts of a class that machines grade without each other, and what merging takes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from coursekit.class_grading.engine import Task
from coursekit.class_grading.journal import Journal
from coursekit.class_grading.merged_results import find_shards
from coursekit.class_grading.plan import Planned
from coursekit.class_grading.results import FailedGrading, write_result
from coursekit.class_grading.shard import Shard, shard_named
from coursekit.cli import main
from coursekit.errors import CourseKitError
from coursekit.grading.job import Graded, Job

NAME, MADE_FROM = "averages-v1", "tests of today"
FAILED = FailedGrading("the process that graded it ended", "grade it again", passing=True)


def job(student: str, digest: str = "as it is now") -> Job:
    return Job(NAME, "Averages_v1", student, digest, 0)


def graded(student: str) -> Graded:
    return Graded("{}", f"a verdict on {student}")


def planned(student: str) -> Planned:
    return Planned(f"submitted/{student}/{NAME}", student, "new", (job(student),), True, False)


def write_shard(out: Path, shard: Shard, results: dict[Job, Graded | FailedGrading]) -> int:
    """What a machine leaves that has graded a shard; return its salt."""
    journal = Journal(shard.folder(out), NAME, kept=True)
    with journal.open(MADE_FROM):
        for one, outcome in results.items():
            salted = replace(one, salt=journal.salt)
            journal.begin_jobs([salted])
            write_result(journal.results, salted, outcome, "")
    return journal.salt


def test_every_submission_is_in_exactly_one_shard() -> None:
    students = [f"student {number}" for number in range(11)]
    parts = [Shard(number, 4).part(students) for number in (1, 2, 3, 4)]
    assert sorted(one for part in parts for one in part) == sorted(students)
    assert {len(part) for part in parts} == {2, 3}


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/", "/2", "a/b", "1/2/3", "-1/2", "1/0"])
def test_what_names_no_shard_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="2/8"):
        shard_named(text)
    with pytest.raises(SystemExit):
        main(["grade", NAME, f"--shard={text}", "--out", "here"])
    assert "is not I/N" in capsys.readouterr().err


def test_a_shard_has_a_place_for_its_results(capsys: pytest.CaptureFixture[str]) -> None:
    for lonely in (["--shard", "1/2"], ["--out", "here"]):
        with pytest.raises(SystemExit):
            main(["grade", NAME, *lonely])
        assert "--shard and --out belong together" in capsys.readouterr().err


def test_merging_takes_what_is_about_today_s_submissions(tmp_path: Path) -> None:
    first: dict[Job, Graded | FailedGrading] = {
        job("ada"): graded("ada"),
        job("ben", "before"): graded("ben"),
        job("cy"): FAILED,
    }
    second: dict[Job, Graded | FailedGrading] = {job("cy"): graded("cy"), job("dora"): FAILED}
    salts = [write_shard(tmp_path, Shard(1, 2), first), write_shard(tmp_path, Shard(2, 2), second)]
    (found,) = find_shards([tmp_path])
    assert found.assignment == NAME
    converter = SimpleNamespace(salts={})
    found.begin(MADE_FROM)
    everybody = [planned(student) for student in ("ada", "ben", "cy", "dora", "eve")]
    there = [one for each in everybody if (one := found.graded(each, converter))]
    # What failed in one shard counts only if no other one has graded it.
    assert [each.student for each in there] == ["ada", "cy", "dora"]
    assert converter.salts == {"ada": salts[0], "cy": salts[1], "dora": salts[1]}
    (told,) = found.missing
    assert "ben, eve" in told.message and f"coursekit grade {NAME}" in str(told.hint)
    jobs = [one for each in there for one in each.jobs]
    tasks = (Task(one, lambda: pytest.fail("nothing is graded again")) for one in jobs)
    ended = {one.job.student: one.outcome for some in found.grade(tasks) for one in some}
    assert ended == {"ada": graded("ada"), "cy": graded("cy"), "dora": FAILED}


def test_a_shard_of_other_tests_is_refused(tmp_path: Path) -> None:
    write_shard(tmp_path, Shard(1, 1), {job("ada"): graded("ada")})
    (found,) = find_shards([tmp_path / "shard-1-of-1"])
    with pytest.raises(CourseKitError, match="other tests, releases or settings"):
        found.begin("other tests")


def test_a_folder_without_shards_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, what in ((tmp_path, "holds no results"), (tmp_path / "none", "is no folder")):
        assert main(["--course", str(tmp_path), "merge", str(folder)]) == 1
        assert f"error: {folder} {what}" in capsys.readouterr().err
