"""The code of an answer, from its graded notebook, with the lines of a mistake marked."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from coursekit.course.assignment import read_notebook
from coursekit.errors import CourseKitError
from coursekit.pages.lines_to_change import lines_to_change
from coursekit.plain_text import plain_text
from coursekit.reporting.class_answers import Answer
from resnets_utils.border.difference import OTHER_KIND, RAISED, Difference

_MAX_LETTERS = 20_000
_AROUND = 2


@dataclass(frozen=True)
class CodeLine:
    """A line, numbered in its cell from 1."""

    number: int
    text: str
    marked: bool


@dataclass(frozen=True)
class ShownCode:
    """An answer's code.

    Attributes:
        student: whose it is.
        lines: all lines of the cell.

    """

    student: str
    lines: tuple[CodeLine, ...]

    @property
    def excerpt(self) -> tuple[CodeLine, ...]:
        """The marked lines and those around them; () if no line is marked."""
        marked = [line.number for line in self.lines if line.marked]
        if not marked:
            return ()
        first, last = marked[0] - _AROUND, marked[-1] + _AROUND
        return tuple(line for line in self.lines if first <= line.number <= last)


class AnswerCode:
    """Finds the code of answers; each notebook is read once."""

    def __init__(self, course: Path, assignment: str, functions: Collection[str]) -> None:
        self._folder = course / "autograded"
        self._assignment = assignment
        self._functions = functions
        self._read: dict[tuple[str, str], list[str]] = {}

    def source(self, answer: Answer) -> str:
        """Return the text of the cell that defines the function; "" without one."""
        key = answer.student, answer.notebook
        if key not in self._read:
            self._read[key] = self._cells(answer)
        defines = re.compile(rf"^\s*(async\s+)?def\s+{re.escape(answer.function)}\b", re.MULTILINE)
        found = [text for text in self._read[key] if defines.search(text)]
        return plain_text(found[-1], _MAX_LETTERS) if found else ""

    def shown(self, answer: Answer, difference: Difference | None = None) -> ShownCode | None:
        """Return an answer's code, the lines marked that a difference is about."""
        source = self.source(answer)
        if not source:
            return None
        marked = self._marked(source, answer.function, difference) if difference else set()
        lines = tuple(
            CodeLine(number, text, number in marked)
            for number, text in enumerate(source.rstrip("\n").split("\n"), 1)
        )
        return ShownCode(answer.student, lines)

    def _marked(self, source: str, function: str, difference: Difference) -> set[int]:
        if difference.kind == RAISED:
            lines = source.split("\n")
            alike = [at for at, line in enumerate(lines, 1) if line.strip() == difference.place]
            return set(alike) if difference.place and len(alike) == 1 else set()
        # A block of another kind stands in its block's place; a layer need not.
        block = difference.place if difference.kind == OTHER_KIND else ""
        for words in (difference.sentence, block if " block " in block else ""):
            if found := lines_to_change(words, source, function, self._functions):
                return set(range(found[0], found[1] + 1))
        return set()

    def _cells(self, answer: Answer) -> list[str]:
        path = self._folder / answer.student / self._assignment / f"{answer.notebook}.ipynb"
        try:
            notebook = read_notebook(path)
        except CourseKitError:
            return []
        return [cell.source for cell in notebook.cells if cell.cell_type == "code"]
