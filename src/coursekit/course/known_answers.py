"""Known answers to an assignment: wrong ones, and right ones written differently.

They are in ``grader_tests/<assignment>/wrong_answers.toml`` and
``right_answers.toml``, each as a change of the solution::

    [[answer]]
    name = "not divided by the sum"
    function = "softmax"
    change = [["text in the solution", "text in its place"]]
    fails = ["values", "large numbers"]
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook, read_text
from coursekit.errors import AuthoringError

WRONG_ANSWERS, RIGHT_ANSWERS = KNOWN_ANSWERS = ("wrong_answers.toml", "right_answers.toml")
_KEYS = {"name", "function", "change", "code", "fails", "before"}


@dataclass(frozen=True)
class KnownAnswer:
    """One answer, and which checks must fail it.

    Attributes:
        name: what is special about it.
        function: the graded function that it answers.
        code: the text of the cell.
        fails: names of exactly the checks that it must not pass.

    """

    name: str
    function: str
    code: str
    fails: frozenset[str]


def known_answers(assignment: Assignment, file: str) -> list[KnownAnswer]:
    """Return the answers in ``wrong_answers.toml`` or ``right_answers.toml``.

    Raises:
        AuthoringError: if the file is malformed, or a change does not fit the solution.

    """
    path = assignment.tests / file
    try:
        entries = tomllib.loads(read_text(path)).get("answer")
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuthoringError(
            f"{path} cannot be read: {error}", "correct it as docs/authoring.md tells"
        ) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AuthoringError(f"{path} holds no answers", "begin each with a line [[answer]]")
    # Only a person can say whether an answer that is graded by hand is right.
    cells = cells_by_grade_id(read_notebook(assignment.source))
    solutions = {
        name: text
        for name, text in solution_cells(assignment).items()
        if cells[name].cell_type == "code" and not cells[name].metadata.nbgrader.get("grade")
    }
    answers = [_answer(path, entry, solutions) for entry in entries]
    names = [(answer.function, answer.name) for answer in answers]
    if len(set(names)) != len(names):
        raise AuthoringError(f"{path}: two answers have the same name", "give each its own name")
    return answers


def _answer(path: Path, entry: dict[str, Any], solutions: dict[str, str]) -> KnownAnswer:
    name, function = entry.get("name", "without a name"), entry.get("function")
    if not set(entry) <= _KEYS or not isinstance(function, str) or function not in solutions:
        raise AuthoringError(
            f"{path}: answer {name!r} needs a function of the assignment and known keys only",
            f"use the keys: {', '.join(sorted(_KEYS))}",
        )
    changes, fails = entry.get("change", []), entry.get("fails", [])
    texts = [name, entry.get("code", ""), entry.get("before", ""), *_items(fails)]
    pairs = [_items(change) for change in _items(changes)]
    if not all(
        isinstance(text, str) for text in [*texts, *(text for pair in pairs for text in pair)]
    ):
        raise AuthoringError(
            f"{path}: answer {name!r} holds something other than text", "write strings"
        )
    if not all(len(pair) == 2 for pair in pairs):
        raise AuthoringError(
            f"{path}: answer {name!r} has a change that is not a pair",
            'write each as ["text in the solution", "text in its place"]',
        )
    code = entry.get("code") or solutions[function]
    for old, new in pairs:
        if code.count(old) != 1:
            raise AuthoringError(
                f"{path}: answer {name!r} changes {old!r}, "
                f"which the solution holds {code.count(old)} times",
                "name text that it holds once",
            )
        code = code.replace(old, new)
    code = entry.get("before", "") + code
    return KnownAnswer(name, function, code, frozenset(fails))


def _items(value: Any) -> list[Any]:
    """A list's items; for anything else, one item that is not text."""
    return value if isinstance(value, list) else [None]


def solution_cells(assignment: Assignment) -> dict[str, str]:
    """Return the text of each cell that students fill in by its grade id, without markers."""
    cells = cells_by_grade_id(read_notebook(assignment.source))
    return {
        grade_id: re.sub(r" *### (BEGIN|END) SOLUTION(\n|$)", "", cell.source)
        for grade_id, cell in cells.items()
        if cell.metadata.nbgrader.get("solution")
    }
