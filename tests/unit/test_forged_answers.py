"""Forged replies, by chance from seeds: each ends in a verdict, and a wrong one earns nothing.

What was found, or is of its kind, is in `REGRESSIONS` and replayed. A longer run::

    FORGED_REPLIES=200000 python -m pytest tests/unit/test_forged_answers.py
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from forged_answers import CELLS, CHANGES, damage, other_field, other_text, right_reply

from coursekit.judge.cell import MAX_REASON, judge_cell
from coursekit.judge.verdict import CellVerdict
from coursekit.kernels.trace_request import plain_reply
from coursekit.processes.line import MAX_BYTES, encoded
from resnets_utils.border.call import GRAPH, VALUE
from resnets_utils.border.decoding import decode
from resnets_utils.checks.check_result import Outcome
from resnets_utils.graphs.rebuilding import close, set_random_weights

COUNT = int(os.environ.get("FORGED_REPLIES", "5500"))
SALT = 5
# Wrong answers: what is written in place of what, and the checks that they earn as they are.
WRONG = [
    ("", ""),
    ("layers.Add()([Y, X])", "Y"),
    ("layers.ReLU()(layers.Add()([Y, X]))", "layers.Add()([Y, X])"),
    ('padding="same"', 'dilation_rate=2, padding="same"'),
    ('padding="same"', 'padding="valid"'),
    ("layers.MaxPooling2D(2)", "layers.AveragePooling2D(2)"),
    ('activation="softmax"', 'activation="sigmoid"'),
]


def judged(asks: str, reply: Any, *, sampled: bool = False) -> CellVerdict:
    """The verdict on one reply to every call, as grading comes to it."""
    plain = plain_reply(reply, asks)
    assert len(encoded({"reply": plain})) < MAX_BYTES
    return judge_cell(CELLS[asks], lambda call: plain, SALT, sampled=sampled)


def earned(verdict: CellVerdict) -> set[str]:
    """The checks that were passed; what is said of the others can be shown."""
    for check in verdict.checks:
        words = (check.name, check.reason, *check.remarks)
        assert all(letter.isprintable() or letter == "\n" for word in words for letter in word)
        assert len(check.reason) <= MAX_REASON + 2
        assert (check.outcome is Outcome.PASSED) != bool(check.reason)
    return {check.name for check in verdict.checks if check.outcome is Outcome.PASSED}


@cache
def base(asks: str, number: int) -> dict[str, str]:
    sample = SALT if asks == GRAPH else None
    reply: dict[str, str] = right_reply(asks, sample=sample, change=WRONG[number])
    return reply


@dataclass(frozen=True)
class Computed:
    """What Keras itself makes of a network's description: a second opinion."""

    shape: Any
    parameters: int
    at_start: Any
    behaviour: Any


def computed(text: str) -> Computed:
    model = keras.models.model_from_json(text)
    at_start = np.asarray(model(np.ones((1, 4, 4, 2), np.float32), training=False))
    set_random_weights(model, SALT)
    pictures = np.random.default_rng(SALT).standard_normal((3, 4, 4, 2)).astype(np.float32)
    behaviour = np.asarray(model(pictures, training=False))
    return Computed(model.output_shape, model.count_params(), at_start, behaviour)


@cache
def right_network() -> Computed:
    return computed(base(GRAPH, 0)["graph"])


def unearned(text: str, passed: set[str]) -> set[str]:
    """The checks that a network should not have passed."""
    try:
        found = computed(text)
    except Exception:
        return set()  # to Keras it is no network
    right = right_network()
    wrong = set()
    if found.shape != right.shape:
        return passed & {"shape", "parameters", "behaviour", "values"}
    if found.parameters != right.parameters:
        wrong |= passed & {"parameters", "behaviour"}
    if not close(found.behaviour, right.behaviour):
        wrong |= passed & {"behaviour"}
    if not np.allclose(found.at_start, right.at_start, rtol=0, atol=2e-4):
        wrong |= passed & {"values"}
    return wrong


def same(one: Any, other: Any) -> bool:
    """Whether two values are nearly the same data; a second opinion, and a stricter one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape or one.dtype.kind in "bU" or other.dtype.kind in "bU":
            return bool(np.array_equal(one, other))
        return bool(np.allclose(one, other, rtol=1e-4, atol=1e-4))
    return bool(one == other or abs(one - other) <= 1e-4 * max(1, abs(other)))


def forged_network(chance: random.Random) -> tuple[dict[str, str], Any]:
    reply = dict(base(GRAPH, chance.choice([0, 0, *range(len(WRONG))])))
    if chance.random() < 0.15:
        return reply, other_field(reply, chance)
    if chance.random() < 0.15:
        key = chance.choice([key for key in ("graph", "values") if key in reply])
        return reply, {**reply, key: other_text(reply[key], chance)}
    model = json.loads(reply["graph"])
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        try:
            chance.choice(CHANGES)(model, chance)
        except (LookupError, TypeError, AttributeError, ValueError):
            continue  # what an earlier change left does not have this place
    return reply, {**reply, "graph": json.dumps(model)}


def forged_value(chance: random.Random) -> Any:
    reply = dict(base(VALUE, 0))
    draw = chance.random()
    if draw < 0.2:
        return other_field(reply, chance)
    if draw < 0.4:
        return {**reply, "value": other_text(reply["value"], chance)}
    data = json.loads(reply["value"])
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        damage(data, chance)
    return {**reply, "value": json.dumps(data, ensure_ascii=chance.random() < 0.5)}


REGRESSIONS = Path(__file__).parents[1] / "regressions" / "forged_answers.json"


def changed(reply: dict[str, str], changes: list[tuple[list[Any], Any]]) -> dict[str, str]:
    """A reply with other JSON values at some places of what it describes."""
    key = reply["status"]
    data = {"all": json.loads(reply[key])}
    for path, value in changes:
        place: Any = data
        *way, last = ["all", *path]
        for step in way:
            place = place[step]
        place[last] = value
    return {**reply, key: json.dumps(data["all"])}


@pytest.mark.parametrize(
    "case", json.loads(REGRESSIONS.read_text()), ids=lambda case: str(case["about"])
)
def test_a_forged_answer_that_was_found(case: dict[str, Any]) -> None:
    reply = changed(base(case["asks"], 0), case["changes"])
    assert sorted(earned(judged(case["asks"], reply))) == case["passes"]


def test_a_value_is_no_error_whatever_stands_beside_it() -> None:
    reply = {**base(VALUE, 0), "classes": "ValueError"}
    assert "error" not in earned(judged(VALUE, reply))
    assert earned(judged(VALUE, {"status": "raised", "classes": "ValueError"})) == {"error"}


def test_forged_values() -> None:
    chance = random.Random(2024)
    right = decode(json.loads(base(VALUE, 0)["value"]))
    outcomes: Counter[str] = Counter()
    for _ in range(COUNT * 4 // 5):
        reply = forged_value(chance)
        passed = earned(judged(VALUE, reply))
        if passed & {"exactly", "nearly"}:
            assert same(decode(json.loads(reply["value"])), right), reply
        if "error" in passed:
            assert reply["status"] == "raised" and "ValueError" in reply["classes"]
        outcomes[" ".join(sorted(passed))] += 1
    assert len(outcomes) >= 4, outcomes


def test_forged_networks() -> None:
    chance = random.Random(2025)
    outcomes: Counter[int] = Counter()
    for _ in range(COUNT // 5):
        before, reply = forged_network(chance)
        sampled = chance.random() < 0.5
        passed = earned(judged(GRAPH, reply, sampled=sampled))
        outcomes[len(passed)] += 1
        if passed and reply["graph"] != before["graph"]:
            assert not unearned(reply["graph"], passed), reply["graph"]
    assert len(outcomes) > 5, outcomes
