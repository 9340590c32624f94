"""Mistakes that no known wrong answer makes, as entries for ``wrong_answers.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from coursekit.course.assignment import Assignment
from coursekit.course.known_answers import known_answers
from coursekit.errors import CourseKitError
from coursekit.plain_text import plain_text
from coursekit.reporting.class_answers import Answer
from coursekit.reporting.mistake_groups import Mistake

_MAX_NAME = 100


def known_failures(assignment: Assignment) -> set[tuple[str, frozenset[str]]]:
    """Return which checks each known wrong answer fails, with its function."""
    try:
        known = known_answers(assignment, "wrong_answers.toml")
    except CourseKitError:
        return set()
    return {(answer.function, answer.fails) for answer in known}


def is_new(answer: Answer, known: Iterable[tuple[str, frozenset[str]]]) -> bool:
    """Return whether no known wrong answer fails exactly the checks that this one fails."""
    return (answer.function, answer.fails) not in set(known)


def entry(mistake: Mistake, answer: Answer, code: str) -> str:
    """Return an entry of ``wrong_answers.toml`` for an answer."""
    name = plain_text(" ".join(mistake.difference.sentence.split()), _MAX_NAME)
    lost = dict.fromkeys(check.name for check in answer.lost)
    return "\n".join(
        [
            "[[answer]]",
            f"name = {_quoted(name)}",
            f"function = {_quoted(answer.function)}",
            f'code = """\n{_within_quotes(code)}\n"""',
            f"fails = [{', '.join(map(_quoted, lost))}]",
        ]
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _within_quotes(text: str) -> str:
    """A text for within three quotation marks, its lines as they are."""
    return "\n".join(_quoted(line)[1:-1] for line in text.split("\n"))
