"""Search a release for what students must not see."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.hidden_tests import hidden_tests

MARKERS = (
    "BEGIN SOLUTION",
    "END SOLUTION",
    "BEGIN HIDDEN TESTS",
    "END HIDDEN TESTS",
    "### HIDDEN TESTS",
)
# Shorter lines, such as "X = X", give nothing away.
MIN_LETTERS = 12
_FIGURE = re.compile(r"\d+\.\d{5,}")


def find_leaks(
    assignment: Assignment, release: Path, names: Iterable[str] | None = None
) -> list[str]:
    """Return a sentence for each thing in the release folder that should be hidden.

    Every file is searched, as text and, for notebooks, string by string: cell
    text, outputs, metadata and attachments.

    Args:
        assignment: the assignment.
        release: the folder.
        names: the paths in it of those files that students get; None for all.

    """
    secrets = secrets_of(assignment)
    found = []
    source = f"source/{assignment.name}"
    chosen = release.rglob("*") if names is None else (release / name for name in names)
    for path in sorted(path for path in chosen if path.is_file()):
        # Where its author wrote it; an edit in the release would be lost.
        name = path.relative_to(release)
        written = (assignment.course / source / name).is_file()
        file = f"{source}/{name}" if written else f"release/{assignment.name}/{name}"
        found += secrets_in(path, file, secrets)
        if path.suffix == ".ipynb":
            found += [
                f"{file}, cell {cell.id}: students would see its {what}"
                for cell in read_notebook(path).cells
                for what in ("outputs", "attachments")
                if cell.get(what)
            ]
    return found


def secrets_of(assignment: Assignment) -> dict[str, str]:
    """Return what students must not see of an assignment, and what each of it is."""
    secrets = dict.fromkeys(MARKERS, "a marker")
    secrets |= dict.fromkeys(solution_lines(assignment), "a line of the solution")
    hidden = hidden_lines(assignment)
    secrets |= dict.fromkeys(hidden, "a line of a hidden test")
    figures = {figure for line in hidden for figure in _FIGURE.findall(line)}
    return secrets | dict.fromkeys(figures, "an expected value of a hidden test")


def secrets_in(path: Path, name: str, secrets: Mapping[str, str]) -> list[str]:
    """Return a sentence for each secret in a file, which is called by its name."""
    return [
        f"{name}{place}: students would see {what}: {secret!r}"
        for place, text in _texts(path)
        for secret, what in secrets.items()
        if secret in text
    ]


def solution_lines(assignment: Assignment) -> set[str]:
    """Return the lines that are in solution regions and nowhere else in the source."""
    inside: set[str] = set()
    outside: set[str] = set()
    for cell in read_notebook(assignment.source).cells:
        solution = False
        for line in cell.source.split("\n"):
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                solution = "BEGIN" in line
            else:
                (inside if solution else outside).add(line.strip())
    return {line for line in inside - outside if len(line) >= MIN_LETTERS}


def hidden_lines(assignment: Assignment) -> set[str]:
    """Return the lines that are in hidden tests and nowhere in the source."""
    visible = {
        line.strip()
        for cell in read_notebook(assignment.source).cells
        for line in cell.source.split("\n")
    }
    return {
        line.strip()
        for text in hidden_tests(assignment.tests).values()
        for line in text.split("\n")
        if len(line.strip()) >= MIN_LETTERS
    } - visible


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """The places of a file and their texts."""
    text = path.read_text(encoding="utf-8", errors="replace")
    notebook: Any = None
    if path.suffix == ".ipynb":
        with contextlib.suppress(ValueError):
            notebook = json.loads(text)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        yield "", text
        return
    for number, cell in enumerate(notebook["cells"], 1):
        name = cell.get("id", number) if isinstance(cell, dict) else number
        for string in _strings(cell):
            yield f", cell {name}", string
    for string in _strings({key: value for key, value in notebook.items() if key != "cells"}):
        yield ", notebook metadata", string


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        # nbformat may store a text as a list of lines.
        if all(isinstance(item, str) for item in value):
            yield "".join(value)
        for item in value:
            yield from _strings(item)
