"""How nbgrader reads a submission: what an earlier grading said is taken back, then repair."""

from __future__ import annotations

import atexit
import functools
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from traitlets import Float, Unicode

from coursekit import gradebook
from coursekit.course.version_choice import choose_version
from coursekit.nbgrader_seam import failures, submitted_folder
from coursekit.repair.rebuilt_notebook import write_repairs
from coursekit.repair.repair_process import RepairProcess
from coursekit.repair.timestamp import read_timestamp

# nbgrader imports this module before it lists the submissions.
submitted_folder.install()
failures.install()
gradebook.install()


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter, for Autograde.

    Whatever fails from here on, in whichever preprocessor, no score of an
    earlier grading is left standing as today's.
    """

    release_directory = Unicode("release", help="Folder of the released assignments.").tag(
        config=True
    )
    repair_timeout = Float(60, help="Seconds that reading one submission may take.").tag(
        config=True
    )

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read and convert a notebook: a submitted one after repair, ours as it is.

        Raises:
            InfrastructureError: if the submission cannot be read as a notebook.

        """
        assert resources is not None
        info = resources["nbgrader"]
        take_back_scores(info)
        folder = Path(filename).parent
        assert self.parent is not None
        coursedir = self.parent.coursedir
        autograded = coursedir.format_path(
            coursedir.autograded_directory, info["student"], info["assignment"]
        )
        converted: tuple[Any, dict[str, Any]]
        if folder == Path(autograded):
            converted = super().from_filename(filename, resources=resources, **options)
            return converted

        def choose(stamp: dict[str, Any]) -> str:
            chosen = choose_version(stamp, info, self.release_directory)
            return str(self._release(chosen.assignment, chosen.notebook))

        rebuilt = _repairing(self.repair_timeout).repair(
            folder,
            f"{info['notebook']}.ipynb",
            self._release(info["assignment"], info["notebook"]),
            choose,
        )
        problem = read_timestamp(folder)[1]
        repairs = (*rebuilt.repairs, *([problem] if problem else []))
        for repair in repairs:
            self.log.warning("%s: %s", folder, repair)
        write_repairs(rebuilt.notebook, repairs)
        resources["metadata"] = {"name": info["notebook"], "path": str(folder)}
        nb: Any = rebuilt.notebook
        converted = super().from_notebook_node(nb, resources, **options)  # type: ignore[no-untyped-call]
        return converted

    def _release(self, assignment: str, notebook: str) -> Path:
        return Path(self.release_directory, assignment, f"{notebook}.ipynb").absolute()


@functools.cache
def _repairing(timeout: float) -> RepairProcess:
    """One process that reads submissions, however often formgrader's button is clicked."""
    process = RepairProcess(timeout)
    atexit.register(process.close)
    return process


def take_back_scores(info: dict[str, Any]) -> None:
    """Set a submitted notebook's automatic scores to "not graded".

    Args:
        info: nbgrader's resources: db_url, notebook, assignment and student.

    """
    with Gradebook(info["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(
            info["notebook"], info["assignment"], info["student"]
        )
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        gradebook.db.commit()
