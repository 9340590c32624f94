"""Faults that come up when the checks are tried on the solution: each with its own file, first."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from own_assignments import put_in_place

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.normal_form import notebook_text
from coursekit.release.recording import main

NOTEBOOK = "source/numbers-v1/Numbers_v1.ipynb"


@pytest.fixture
def numbers(tmp_path: Path) -> Assignment:
    return put_in_place("numbers-v1", tmp_path)


def change(assignment: Assignment, cell: str, old: str, new: str) -> None:
    notebook = read_notebook(assignment.source)
    [found] = [one for one in notebook.cells if one.id == cell]
    assert found.source.count(old) == 1
    found.source = found.source.replace(old, new)
    assignment.source.write_text(notebook_text(notebook), encoding="utf-8")


def told(assignment: Assignment, monkeypatch: pytest.MonkeyPatch, kind: str) -> list[str]:
    """What recording says in its own process, which this one stands in for: it has no Keras."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["recording", str(assignment.course), assignment.name])
    monkeypatch.setattr(sys, "stdout", out)
    main()
    found: list[str] = json.loads(out.getvalue())[kind]
    return found


def test_a_fault_names_the_file_that_it_is_in(
    numbers: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = numbers.tests / "softmax.py"
    hidden.write_text("a = 1\nb = nothing\n" + hidden.read_text())
    change(numbers, "test_summary", "heights = np.array", "heights = np.arry")
    assert told(numbers, monkeypatch, "faults") == [
        "grader_tests/numbers-v1/softmax.py: NameError: name 'nothing' is not defined, "
        "line 2 of the hidden tests of test_softmax",
        f"{NOTEBOOK}: AttributeError: module 'numpy' has no attribute 'arry', "
        "line 6 of test_summary",
    ]


def test_a_fault_of_the_solution_is_told_once(
    numbers: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(numbers, "helpers", "MOST_DIGITS = 12", "MOST_DIGITS = nothing")
    assert told(numbers, monkeypatch, "faults") == [
        f"{NOTEBOOK}: NameError: name 'nothing' is not defined, line 1 of the solution's cell 5"
    ]


def test_a_fault_of_the_blocks_names_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = put_in_place("plain-network-v1", tmp_path)
    blocks = network.source.parent / "blocks.py"
    blocks.write_text("import nowhere\n" + blocks.read_text())
    assert told(network, monkeypatch, "faults") == [
        "source/plain-network-v1/blocks.py: ModuleNotFoundError: No module named 'nowhere', "
        "line 1 of blocks.py"
    ]


def test_a_check_that_the_solution_misses_names_its_cell(
    numbers: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(numbers, "test_softmax", "[0.25, 0.75]", "[0.35, 0.65]")
    [said] = told(numbers, monkeypatch, "missed")
    assert said.startswith(f"{NOTEBOOK}, cell test_softmax, 'one and three quarters': ")


def test_figures_of_a_whole_network_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = put_in_place("plain-network-v1", tmp_path)
    change(network, "test_plain_network", "0.094951816, ", "0.084951816, ")
    [said] = told(network, monkeypatch, "missed")
    assert "cell test_plain_network, 'figures': " in said
