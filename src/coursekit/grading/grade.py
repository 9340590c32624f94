"""Grade one submission: read it, put its locked cells back, run it, and have it judged.

Nothing here reads or writes the gradebook: what is needed of it is in the bundle.
"""

from __future__ import annotations

import atexit
import functools
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, validator
from traitlets.config import LoggingConfigurable

from coursekit.course.version_choice import GradingVersion, choose_version
from coursekit.gradebook.asked_cells import NotebookCells
from coursekit.grading.job import Bundle, Graded, Job, run_step
from coursekit.grading.judge_answers import JudgeAnswers
from coursekit.processes.plain_files import OpenFolder
from coursekit.repair.finding.files_beside import OwnFiles
from coursekit.repair.finding.timestamp import read_timestamp
from coursekit.repair.repair_process import RepairProcess

MAX_REPAIRS = 30


@dataclass(frozen=True)
class Submission:
    """What reading a submission found: ``resources["nbgrader"]["submission"]`` for all steps.

    Attributes:
        folder: the submitted folder, held open.
        graded_by: the version whose tests and release count.
        cells: that version's cells in the gradebook.
        release: that version's release.
        digest: of its files, taken before the first of them was read.
        salt: determines the random inputs.
        repairs: what was repaired, in words.
        python: the version of Python that the notebook names; "" if it names none.
        own_files: the small files that were handed in with it.

    """

    folder: OpenFolder
    graded_by: GradingVersion
    cells: NotebookCells
    release: Path
    digest: str
    salt: int
    repairs: tuple[str, ...] = ()
    python: str = ""
    own_files: OwnFiles = field(default_factory=OwnFiles)


class _Steps(LoggingConfigurable):
    """Gives nbgrader's preprocessors their settings and their log."""


def grade(job: Job, folder: OpenFolder, bundle: Bundle, log: logging.Logger) -> Graded:
    """Grade one notebook of a submission.

    Args:
        job: what is to be graded.
        folder: the submitted folder; nothing in it is changed.
        bundle: what all gradings of the run have in common.
        log: where the steps say what they do.

    Raises:
        InfrastructureError: if the submission cannot be read as a notebook, or grading itself
            failed; then there is no score.

    """
    steps = _Steps(config=bundle.settings, log=log)
    notebook, submission = _read(job, folder, bundle, JudgeAnswers(parent=steps))
    for repair in submission.repairs:
        log.warning("%s: %s", folder.path, repair)
    info: dict[str, Any] = {
        "student": job.student,
        "assignment": job.assignment,
        "notebook": job.notebook,
        "submission": submission,
    }
    metadata = {"name": job.notebook, "path": str(folder.path)}
    resources: dict[str, Any] = {"nbgrader": info, "metadata": metadata}
    _, notebook = validator.normalize(notebook)
    if kernelspec := bundle.asked[job.assignment][job.notebook].kernelspec:
        notebook.metadata["kernelspec"] = json.loads(kernelspec)
    for step in bundle.reading:
        notebook, resources = run_step(step, steps, notebook, resources)
    nbformat.validate(notebook, relax_add_props=True)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    return Graded(text, info["verdict"].as_json())


def _read(
    job: Job, folder: OpenFolder, bundle: Bundle, settings: JudgeAnswers
) -> tuple[NotebookNode, Submission]:
    """A submission's repaired notebook, and what was found."""
    chosen: list[GradingVersion] = []

    def release(assignment: str, notebook: str) -> Path:
        return (bundle.releases / assignment / f"{notebook}.ipynb").absolute()

    def choose(stamp: dict[str, Any]) -> str:
        version = choose_version(stamp, job.assignment, job.notebook, bundle.asked, bundle.releases)
        chosen.append(version)
        return str(release(version.assignment, version.notebook))

    rebuilt = _repairing(settings.repair_timeout).repair(
        folder, f"{job.notebook}.ipynb", release(job.assignment, job.notebook), choose
    )
    repairs = (*rebuilt.repairs, *filter(None, [read_timestamp(folder)[1]]))
    # The release that was asked for last is the one that the notebook went into.
    graded_by = chosen[-1]
    return rebuilt.notebook, Submission(
        folder,
        graded_by,
        bundle.asked[graded_by.assignment][graded_by.notebook],
        bundle.releases / graded_by.assignment,
        job.digest,
        job.salt,
        shortened(repairs),
        rebuilt.python,
        rebuilt.own_files,
    )


def shortened(repairs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first `MAX_REPAIRS` repairs, and how many more there are."""
    more = len(repairs) - MAX_REPAIRS
    return repairs if more <= 0 else (*repairs[:MAX_REPAIRS], f"and {more} more repairs")


@functools.cache
def _repairing(timeout: float) -> RepairProcess:
    """One process that reads submissions, however often formgrader's button is clicked."""
    process = RepairProcess(timeout)
    atexit.register(process.close)
    return process
