"""Report in words what an upgrade did, on the screen and in the notebook."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import Enum
from html import escape
from pathlib import Path

from resnets_utils.upgrade.edits import Change
from resnets_utils.upgrade.imports import Problem


class Outcome(str, Enum):
    """What happened to one graded function."""

    __str__ = str.__str__  # as StrEnum has it, which Python 3.10 lacks

    CARRIED = "carried"
    CHANGED = "carried with changes"
    NEEDS_YOU = "needs you"


SIGNS = {Outcome.CARRIED: "✓", Outcome.CHANGED: "~", Outcome.NEEDS_YOU: "!"}


@dataclass(frozen=True)
class FunctionReport:
    """What happened to one graded function.

    Attributes:
        function: its name.
        cell: the number of the cell it was found in, from 1; 0 if it was not found.
        changes: what was changed.
        brought: what was copied above it from other cells.
        problems: what only the student can fix, by lines of the new cell.

    """

    function: str
    cell: int = 0
    changes: tuple[Change, ...] = ()
    brought: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Whether it was carried, carried with changes, or needs the student."""
        if self.problems:
            return Outcome.NEEDS_YOU
        return Outcome.CHANGED if self.changes else Outcome.CARRIED


@dataclass(frozen=True)
class Report:
    """What an upgrade did.

    Attributes:
        old: the earlier notebook's file.
        old_version: its version or family; "" if unknown.
        new_version: the release's version; "" if unknown.
        output: the file that was written.
        functions: what happened to each graded function.
        notes: what else happened, in words.

    """

    old: Path
    old_version: str
    new_version: str
    output: Path
    functions: tuple[FunctionReport, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = ", ".join(f"{entry.function}: {entry.outcome}" for entry in self.functions)
        return f"Report({said})"

    def as_text(self) -> str:
        """Return the report for a screen."""
        lines = [f"{_from_to(self)}: {self.output}"]
        for entry in self.functions:
            lines.append(f"{SIGNS[entry.outcome]} {entry.function}: {_headline(entry)}")
            lines += [f"    {_where(problem)}{problem.reason}" for problem in entry.problems]
            for change in entry.changes:
                lines.append(f"    {_place(change)}: {change.why}")
                lines += [f"      - {line}" for line in change.before.split("\n")]
                lines += [f"      + {line}" for line in change.after.split("\n") if line.strip()]
            lines += [f"    copied along: {_first_line(text)}" for text in entry.brought]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """Return the report for a notebook's cell; what the student wrote cannot break it."""
        name = re.sub(r"[`\s]+", " ", self.old.name)
        parts = [f"## Upgrade report\n\n{escape(_from_to(self, f'`{name}`'), quote=False)}."]
        for entry in self.functions:
            items = [
                f"- {escape(_where(problem) + problem.reason, quote=False)}"
                for problem in entry.problems
            ]
            for change in entry.changes:
                removed = [f"- {line}" for line in change.before.split("\n")]
                added = [f"+ {line}" for line in change.after.split("\n") if line.strip()]
                shown = fenced("\n".join([*removed, *added]), "diff")
                items.append(f"- {_place(change)}: {escape(change.why, quote=False)}\n\n{shown}")
            items += [f"- copied along:\n\n{fenced(text, 'python')}" for text in entry.brought]
            headline = f"**{SIGNS[entry.outcome]} `{entry.function}`**: {_headline(entry)}"
            parts.append("\n".join([headline, "", *items]).rstrip())
        if self.notes:
            parts.append("\n".join(f"- {escape(note, quote=False)}" for note in self.notes))
        return "\n\n".join(parts)


def show(text: str) -> None:
    """Print a text on a screen of any encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        tick = SIGNS[Outcome.CARRIED]
        text = text.replace(tick, "ok").encode(encoding, "backslashreplace").decode(encoding)
    print(text)


def _headline(entry: FunctionReport) -> str:
    if not entry.cell:
        return str(entry.outcome)
    return f"{entry.outcome} (from cell {entry.cell})"


def _from_to(report: Report, name: str = "") -> str:
    old = f" ({report.old_version})" if report.old_version else ""
    new = f" to {report.new_version}" if report.new_version else ""
    return f"From {name or report.old.name}{old}{new}"


def _place(change: Change) -> str:
    return f"cell {change.cell}, line {change.line} of the earlier notebook"


def _where(problem: Problem) -> str:
    return f"line {problem.line}: " if problem.line else ""


def _first_line(text: str, length: int = 100) -> str:
    """The first line of a text, with "..." if more follows."""
    first, _, rest = text.strip().partition("\n")
    return first[:length] + (" ..." if rest or len(first) > length else "")


def fenced(text: str, language: str = "") -> str:
    """Return a text as a fenced block of Markdown; no fence within the text can end it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
