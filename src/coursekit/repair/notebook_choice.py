"""Choose among the notebooks of a submission: the order in which they are tried, and why.

A notebook with an answer comes before one without, and one of this assignment before one of
another. Then the one that completes more of the answers comes first, then the newest. Where
that settles nothing, because the files were all written at once (an unpacked download), the
expected name does. Jupyter's own copies count only where nothing else can be graded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.errors import ASK_AGAIN, BeyondRepair
from coursekit.processes.plain_files import OpenFolder
from coursekit.repair.finding.candidate_files import Candidate, checkpoints, find_candidates
from coursekit.repair.reading.submitted_notebook import SubmittedNotebook, read_submission
from coursekit.repair.rebuilding.rebuilt_notebook import stamp_of
from coursekit.repair.recognising.pieces import Written, written_in
from resnets_utils.notebooks.definitions import find_definitions
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.notebooks.stamp import read_stamp

# Files of one download or one archive are written within so many seconds: none of them is newer.
SAME_TIME_SECONDS = 10
_MAX_NAMED = 3

# Given the notebook's version stamp, as metadata, the path of the release that counts.
ChooseRelease = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class ReadCandidate:
    """A notebook of a submission that can be read.

    Attributes:
        file: where it lies.
        notebook: what stands in it.
        written: which answers it holds.
        fits: whether it was made from this assignment, as far as its stamp tells.

    """

    file: Candidate
    notebook: SubmittedNotebook
    written: Written
    fits: bool


class NotebookChoice:
    """The notebooks of one submission, the one that counts first.

    Args:
        folder: the submitted folder.
        expected: the notebook's file name as nbgrader expects it.
        released: the notebook that is expected.
        choose: tells the release that a notebook with a given stamp goes into.

    Attributes:
        left_out: what in the folder was left out, in words.
        reasons: what is wrong with the notebooks that cannot be graded.

    """

    def __init__(
        self, folder: OpenFolder, expected: str, released: ReleasedNotebook, choose: ChooseRelease
    ) -> None:
        self._folder = folder
        self._expected = expected
        self._released = released
        self._choose = choose
        self._found, self.left_out = find_candidates(folder, expected)
        self.reasons: list[BeyondRepair] = []
        self._order: list[ReadCandidate] = []

    def in_order(self) -> Iterator[ReadCandidate]:
        """Yield the notebooks that can be read, the likeliest first.

        Those without an answer come only where no other holds one: an answer that cannot
        be graded is not a blank one.
        """
        read = self._read(self._found)
        newest = max((one.file.changed for one in read if one.written and one.fits), default=0.0)
        self._order = sorted(read, key=lambda one: _rank(one, newest), reverse=True)
        answered = [one for one in self._order if one.written]
        yield from answered
        known = {one.path for one in self._found}
        copies = [one for one in checkpoints(self._folder, self._expected) if one.path not in known]
        for copy in self._read(copies):
            if copy.written:
                answered.append(copy)
                self._found.append(copy.file)
                self._order.insert(0, copy)
                yield copy
        if not answered:
            yield from self._order

    def in_words(self, taken: ReadCandidate) -> list[str]:
        """Say which notebook was graded, unless it is the only one and has the expected name."""
        file = taken.file
        others = [one for one in self._found if one is not file]
        if not others:
            if file.expected:
                return []
            archive = str(file.path) == self._expected and file.inside
            why = "is an archive" if archive else "is not there"
            return [f"{self._expected} {why}; {file.where} was graded instead"]
        named = ", ".join(one.where for one in others[:_MAX_NAMED])
        if len(others) > _MAX_NAMED:
            named += f" and {len(others) - _MAX_NAMED} more"
        was = "was" if len(others) == 1 else "were"
        return [
            f"of {len(self._found)} notebooks {file.where} was graded, because "
            f"{self._why(taken)}; {named} {was} not"
        ]

    def _read(self, files: list[Candidate]) -> list[ReadCandidate]:
        read = []
        for file in files:
            try:
                notebook = read_submission(file.content(), file.where)
                written = written_in(notebook.cells, self._released)
            except BeyondRepair as error:
                self.reasons.append(error)
                continue
            except (MemoryError, RecursionError):
                self.reasons.append(BeyondRepair(f"{file.where} cannot be read", ASK_AGAIN))
                continue
            if written or file.expected or self._is_ours(notebook):
                fits = not written or self._fits(notebook)
                read.append(ReadCandidate(file, notebook, written, fits))
            else:
                self.reasons.append(
                    BeyondRepair(
                        f"{file.where} holds none of the graded functions",
                        "ask the student for the right notebook",
                    )
                )
        return read

    def _is_ours(self, notebook: SubmittedNotebook) -> bool:
        if read_stamp(notebook.metadata):
            return True
        if any(self._released.recognise(cell) for cell in notebook.cells):
            return True
        return bool(find_definitions(notebook.cells, self._released.functions))

    def _fits(self, notebook: SubmittedNotebook) -> bool:
        stamp = read_stamp(notebook.metadata)
        if stamp is None:
            return True
        # Another assignment's notebook gets the release that is expected.
        return Path(self._choose(stamp_of(notebook.metadata))).parent.name == stamp.assignment

    def _why(self, taken: ReadCandidate) -> str:
        """Why a notebook counts more than the next one in the order."""
        after = self._order[self._order.index(taken) + 1 :]
        if not after:
            return "no other can be graded"
        if not taken.written:
            return "none holds an answer, and it has the likeliest name"
        second = after[0]
        if not second.written:
            return "no other holds an answer"
        if not second.fits and taken.fits:
            return "the others were made from another assignment"
        if taken.written.complete != second.written.complete:
            return "it completes more of the answers"
        if taken.file.changed > second.file.changed + SAME_TIME_SECONDS:
            return "it is the newest of those that answer the most"
        if taken.file.expected:
            return "none is newer, and it has the expected name"
        return "none is newer, and it has the likeliest name"


def _rank(one: ReadCandidate, newest: float) -> tuple[bool, bool, int, float, bool, bool, float]:
    changed = min(one.file.changed, newest - SAME_TIME_SECONDS) if one.written else 0.0
    return (
        bool(one.written),
        one.fits,
        one.written.complete,
        changed,
        one.file.expected,
        one.file.same_name,
        one.file.changed,
    )
