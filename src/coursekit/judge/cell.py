"""Run one test cell, and take down what its checks say."""

from __future__ import annotations

from dataclasses import dataclass

from coursekit.judge.markers import hidden_lines
from resnets_utils.checks import CheckResult, Judging, Tracer, judging
from resnets_utils.tracing import Call


@dataclass(frozen=True)
class CellJudgement:
    """The results of a test cell's checks, and the function they are about."""

    function: str
    results: tuple[CheckResult, ...]


def judge_cell(source: str, tracer: Tracer, salt: int, *, sampled: bool = True) -> CellJudgement:
    """Run a test cell on the answers that ``tracer`` gives.

    Args:
        source: the test cell's text, hidden tests included; it must be trusted.
        tracer: makes the calls that the checks ask for.
        salt: settles the random inputs.
        sampled: whether networks are tried on pictures, as strangers' must be.

    Raises:
        Exception: whatever the test cell itself raises; that is a mistake in
            the test, never in an answer.

    """
    asked: list[str] = []

    def remember(call: Call) -> dict[str, str]:
        asked.append(call.function)
        return tracer(call)

    how = Judging(tracer=remember, salt=salt, hidden_lines=hidden_lines(source), sampled=sampled)
    with judging(how):
        exec(compile(source, "<test cell>", "exec"), {"__name__": "__test_cell__"})
    if not how.results:
        raise ValueError("the test cell holds no check")
    return CellJudgement(asked[0] if asked else "", tuple(how.results))
