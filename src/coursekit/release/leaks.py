"""Search a release for what students must not see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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


def find_leaks(assignment: Assignment, release: Path) -> list[str]:
    """Return a sentence for each thing in the release folder that should be hidden.

    Every file is searched, as text and, for notebooks, string by string: cell
    text, outputs, metadata and attachments.
    """
    secrets = dict.fromkeys(MARKERS, "a marker")
    secrets |= dict.fromkeys(solution_lines(assignment), "a line of the solution")
    hidden = hidden_lines(assignment)
    secrets |= dict.fromkeys(hidden, "a line of a hidden test")
    figures = {figure for line in hidden for figure in _FIGURE.findall(line)}
    secrets |= dict.fromkeys(figures, "an expected value of a hidden test")
    found = []
    source = f"source/{assignment.name}"
    for path in sorted(path for path in release.rglob("*") if path.is_file()):
        # Where its author wrote it; an edit in the release would be lost.
        name = path.relative_to(release)
        written = (assignment.course / source / name).is_file()
        file = f"{source}/{name}" if written else f"release/{assignment.name}/{name}"
        for place, text in _texts(path):
            for secret, what in secrets.items():
                if secret in text:
                    found.append(f"{file}{place}: students would see {what}: {secret!r}")
        if path.suffix == ".ipynb":
            found += [
                f"{file}, cell {cell.id}: students would see its {what}"
                for cell in read_notebook(path).cells
                for what in ("outputs", "attachments")
                if cell.get(what)
            ]
    return found


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
    if path.suffix != ".ipynb":
        yield "", text
        return
    notebook = json.loads(text)
    for number, cell in enumerate(notebook["cells"], 1):
        for string in _strings(cell):
            yield f", cell {cell.get('id', number)}", string
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
