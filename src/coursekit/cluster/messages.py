"""The messages that coordinator and workers exchange: made here, and read where they arrive.

The coordinator says hello, sends the bundle, and then jobs; a worker answers each of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from coursekit.class_grading.engine import Ended, Work
from coursekit.class_grading.results import FailedGrading, read_result
from coursekit.cluster.packing import pack_files
from coursekit.cluster.wire import Message
from coursekit.grading.job import Bundle, Graded, Job
from coursekit.judge.verdict import NotebookVerdict

HELLO, BUNDLE, JOB, REFUSED = "hello", "bundle", "job", "refused"


def hello_message() -> Message:
    """Return the question for a worker's versions and sandbox."""
    return Message({"kind": HELLO})


def bundle_message(work: Work) -> Message:
    """Return the bundle with the files of all releases."""
    packed = pack_files(Bundle.from_data(work.bundle).released_files())
    about = {
        "kind": BUNDLE,
        "bundle": {**work.bundle, "releases": ""},
        "digest": work.made_from,
        "max_seconds": work.max_seconds,
    }
    return Message({**packed.data, **about}, packed.content)


def job_message(job: Job, packed: Message, shown: str, bundle: str) -> Message:
    """Return a job.

    Args:
        job: the job.
        packed: the submitted folder.
        shown: what the folder is called where it was handed in.
        bundle: the digest of the bundle that it belongs to.

    """
    about = {"kind": JOB, "bundle": bundle, "folder": shown, "job": asdict(job)}
    return Message({**packed.data, **about}, packed.content)


def refused_message(why: str) -> Message:
    """Return why a worker is not used."""
    return Message({"kind": REFUSED, "why": why})


def result_of(job: Job, answer: Message) -> Ended | None:
    """Return how a job ended, as a worker says; None if its answer is about something else."""
    try:
        if "failed" in answer.data:
            failed = FailedGrading(**answer.data["failed"])
            return Ended(job, failed) if _is_told(failed) else None
    except TypeError:
        return None
    found = read_result(answer.content)
    if found is None:
        return None
    outcome, log = found
    believed = _is_about(outcome, job) if isinstance(outcome, Graded) else _is_told(outcome)
    return Ended(job, outcome, log) if believed else None


def _is_told(failed: FailedGrading) -> bool:
    kinds = {"message": str, "hint": str, "passing": bool}
    return all(type(getattr(failed, name)) is kind for name, kind in kinds.items())


def _is_about(graded: Graded, job: Job) -> bool:
    """Whether a result is a verdict on exactly this job."""
    try:
        verdict = NotebookVerdict.from_json(graded.verdict)
        json.loads(graded.notebook)
    except (ValueError, TypeError, RecursionError):
        return False
    told = {name: getattr(verdict, name) for name in asdict(job)}
    return told == asdict(job)
