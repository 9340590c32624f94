"""How the checks of a test cell run: in a student's notebook, or under a judge."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from resnets_utils.answering import answer, notebook_namespace
from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.checks.check_result import CheckResult
from resnets_utils.checks.reference import Reference, record_of_this_folder

# Random arguments of visible checks are always the same, so that a record can hold the answers.
NOTEBOOK_SALT = 1
Tracer = Callable[[Call], Reply]


def answer_here(call: Call) -> Reply:
    """Make a call in the running notebook."""
    return answer(call, notebook_namespace())


@dataclass
class Judging:
    """How checks run, where answers come from, and which checks are hidden.

    Attributes:
        tracer: makes the calls.
        given_reference: what the exercise asks for; None for the record in this folder.
        salt: determines random inputs and weights; students cannot know it in advance.
        hidden_lines: lines of the test cell that students never see. The reason of
            a failed check there does not contain the expected figures.
        results: filled as the checks run.
        sampled: whether a network is tried on pictures; see `spot_check`.
        thorough: whether figures are computed even where the answer's graph equals the
            solution's, so that the solution itself is checked for them.
        in_notebook: whether they run in a student's notebook.
        networks: the `NetworkChecks` of each function that was checked, which the test
            cells of one submission share. A later cell asks it whether a block is right.
        guarded: whether an error that no check raises ends its check alone, as "error", and
            is kept; otherwise it is raised.
        unexpected: the errors that were kept.

    """

    tracer: Tracer = answer_here
    given_reference: Reference | None = None
    salt: int = field(default_factory=lambda: secrets.randbits(63))
    hidden_lines: Collection[int] = ()
    results: list[CheckResult] = field(default_factory=list)
    sampled: bool = True
    thorough: bool = False
    in_notebook: bool = False
    networks: dict[str, Any] = field(default_factory=dict)
    guarded: bool = False
    unexpected: list[Exception] = field(default_factory=list)

    @cached_property
    def reference(self) -> Reference:
        """What the exercise asks for.

        Raises:
            StudentError: if this folder has no record that can be read.

        """
        return self.given_reference or record_of_this_folder()


_judging: ContextVar[Judging | None] = ContextVar("judging", default=None)


def current_judging() -> Judging:
    """Return how checks run here; outside a judge, as in a notebook."""
    return _judging.get() or Judging(in_notebook=True, salt=NOTEBOOK_SALT)


@contextlib.contextmanager
def judging(how: Judging) -> Iterator[Judging]:
    """Run the checks made inside under ``how``."""
    token = _judging.set(how)
    try:
        yield how
    finally:
        _judging.reset(token)
