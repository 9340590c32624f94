"""Random damage never makes repair fail in another way than its own."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import nbformat
import pytest
from broken_notebooks import REPAIRED, as_bytes, huge_outputs, long_note

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in
from coursekit.course.known_answers import solution_cells
from coursekit.errors import BeyondRepair
from coursekit.repair.reading.submitted_notebook import read_submission
from coursekit.repair.rebuilding.rebuilt_notebook import rebuild
from resnets_utils.notebooks.released import ReleasedNotebook

ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    {"a": {}},
    ["x", 3],
    "code",
    10**30,
]


@pytest.fixture(scope="module")
def release(assignment: Assignment) -> Any:
    return read_notebook(assignment.release)


@pytest.fixture(scope="module")
def whole(assignment: Assignment, release: Any) -> bytes:
    return as_bytes(fill_in(release, solution_cells(assignment), first=["1"], graded_only=True))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys."""
    found: list[tuple[Any, Any]] = []
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


def damage_data(notebook: Any, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 12)):
        found = places(notebook)
        if not found:
            return
        container, key = chance.choice(found)
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1:
                container[key] = copy.deepcopy(chance.choice(ODD))
            case 2 if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
            case 3 if isinstance(container, list):
                chance.shuffle(container)
            case _:
                other, at = chance.choice(found)
                container[key] = copy.deepcopy(other[at])


def damage_bytes(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 30)):
        at = chance.randrange(len(damaged))
        match chance.randrange(4):
            case 0:
                damaged[at] ^= 1 << chance.randrange(8)
            case 1:
                del damaged[at : at + chance.randint(1, 50)]
            case 2:
                damaged[at:at] = chance.randbytes(chance.randint(1, 20))
            case _:
                damaged[at:at] = damaged[at : at + chance.randint(1, 200)]
    return bytes(damaged[: chance.randint(1, len(damaged))] if chance.random() < 0.1 else damaged)


def is_repaired_or_refused(content: bytes, release: Any) -> bool:
    try:
        made = rebuild(
            read_submission(content, "broken.ipynb"),
            ReleasedNotebook(release, Path("broken.ipynb")),
        )
    except BeyondRepair as error:
        assert error.message and error.hint
        return False
    nbformat.validate(made.notebook)
    json.dumps(made.notebook, ensure_ascii=False).encode()
    assert all(repair == repair.strip() and "\n" not in repair for repair in made.repairs)
    expected = [cell.metadata for cell in release.cells if "nbgrader" in cell.metadata]
    found = [cell.metadata for cell in made.notebook.cells if "nbgrader" in cell.metadata]
    assert sorted(map(str, found)) == sorted(map(str, expected))
    return True


def test_random_damage_to_the_data(whole: bytes, release: Any) -> None:
    chance = random.Random(5)
    quick = [damage for damage in REPAIRED if damage not in (huge_outputs, long_note)]
    repaired = 0
    for _ in range(250):
        notebook = json.loads(whole)
        if chance.random() < 0.3:
            chance.choice(quick)(notebook)
        damage_data(notebook, chance)
        repaired += is_repaired_or_refused(json.dumps(notebook).encode(), release)
    assert repaired > 150


def test_random_damage_to_the_bytes(whole: bytes, release: Any) -> None:
    chance = random.Random(7)
    outcomes = [is_repaired_or_refused(damage_bytes(whole, chance), release) for _ in range(250)]
    assert 10 < sum(outcomes) < 250
