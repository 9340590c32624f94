"""How nbgrader reads a submission: earlier scores are reset, then it is repaired."""

from __future__ import annotations

import atexit
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from traitlets import Dict, Float, Unicode

from coursekit.course.version_choice import GradingVersion, choose_version
from coursekit.gradebook import take_back_scores
from coursekit.nbgrader_seam import replaced_steps
from coursekit.nbgrader_seam.submitted_folder import handed_in
from coursekit.processes.plain_files import OpenFolder
from coursekit.repair.finding.files_beside import OwnFiles
from coursekit.repair.finding.timestamp import read_timestamp
from coursekit.repair.repair_process import RepairProcess

# nbgrader imports this module before it lists the submissions.
replaced_steps.install()

MAX_REPAIRS = 30


@dataclass(frozen=True)
class Submission:
    """What reading a submission found: ``resources["nbgrader"]["submission"]`` for later steps.

    Attributes:
        folder: the submitted folder, held open.
        graded_by: the version whose tests and release count.
        digest: of its files, taken before the first of them was read.
        repairs: what was repaired, in words.
        python: the version of Python that the notebook names; "" if it names none.
        own_files: the small files that were handed in with it.

    """

    folder: OpenFolder
    graded_by: GradingVersion
    digest: str
    repairs: tuple[str, ...] = ()
    python: str = ""
    own_files: OwnFiles = field(default_factory=OwnFiles)


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter, for Autograde.

    If anything fails from here on, in whichever preprocessor, no score of an
    earlier grading remains as if it were today's.
    """

    release_directory = Unicode("release", help="Folder of the released assignments.").tag(
        config=True
    )
    repair_timeout = Float(60, help="Seconds that reading one submission may take.").tag(
        config=True
    )
    # Autograde exports twice: a submission to be cleaned, then the clean one to be graded.
    _submissions: Any = Dict()

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read and convert a notebook: a submitted one after repair, ours as it is.

        Raises:
            InfrastructureError: if the submission cannot be read as a notebook.

        """
        assert resources is not None and self.parent is not None
        info = resources["nbgrader"]
        key = info["student"], info["assignment"], info["notebook"]
        take_back_scores(info["db_url"], info["assignment"], info["student"], info["notebook"])
        converted: tuple[Any, dict[str, Any]]
        if not self.parent._sanitizing:
            info["submission"] = self._submissions.pop(key)
            converted = super().from_filename(filename, resources=resources, **options)
            return converted
        folder = handed_in(self.parent.coursedir)
        notebook, info["submission"] = self._read(folder, info)
        self._submissions[key] = info["submission"]
        for repair in info["submission"].repairs:
            self.log.warning("%s: %s", folder.path, repair)
        resources["metadata"] = {"name": info["notebook"], "path": str(folder.path)}
        converted = super().from_notebook_node(notebook, resources, **options)  # type: ignore[no-untyped-call]
        return converted

    def _read(self, folder: OpenFolder, info: dict[str, Any]) -> tuple[Any, Submission]:
        """A submission's repaired notebook, and what was found."""
        chosen: list[GradingVersion] = []

        def choose(stamp: dict[str, Any]) -> str:
            chosen.append(choose_version(stamp, info, self.release_directory))
            return str(self._release(chosen[-1].assignment, chosen[-1].notebook))

        rebuilt = _repairing(self.repair_timeout).repair(
            folder,
            f"{info['notebook']}.ipynb",
            self._release(info["assignment"], info["notebook"]),
            choose,
        )
        repairs = (*rebuilt.repairs, *filter(None, [read_timestamp(folder)[1]]))
        # The release that was asked for last is the one that the notebook went into.
        digest: str = self.parent.submission_digest  # type: ignore[union-attr]
        return rebuilt.notebook, Submission(
            folder, chosen[-1], digest, shortened(repairs), rebuilt.python, rebuilt.own_files
        )

    def _release(self, assignment: str, notebook: str) -> Path:
        return Path(self.release_directory, assignment, f"{notebook}.ipynb").absolute()


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
