"""Record what the solution answers to the visible checks, and try all checks on it.

The solution must not be in a student's folder. The folder gets the graphs and values of
exactly those calls that its visible checks make. All checks, hidden ones included, run on
the solution, which has to give the figures that they state.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.hidden_tests import blocks_text, hidden_tests, is_test, whole_test_cells
from coursekit.course.library import library_content, whole_library
from coursekit.course.solution import solution_pieces
from coursekit.course.test_cells import PLACEHOLDER, TEST_CELL_PREFIX, compose
from coursekit.errors import AuthoringError, GateError, InfrastructureError

# Records of one user.
MAX_KEPT = 40


def recorded(assignment: Assignment) -> str:
    """Return the text of an assignment's record; a stored one if nothing has changed since.

    Raises:
        GateError: if the solution does not pass a check.
        AuthoringError: if a check or the solution has a fault.
        InfrastructureError: if the solution could not be run.

    """
    kept = _folder() / f"{_digest(assignment)}.json"
    with suppress(OSError, UnicodeDecodeError):
        return kept.read_text(encoding="utf-8")
    text = _record_in_a_process(assignment)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(kept)
        others = sorted(kept.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in others[:-MAX_KEPT]:
            old.unlink()
    return text


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "coursekit" / "records"


def _digest(assignment: Assignment) -> str:
    """A digest of all that a record depends on: source, tests, library and packages."""
    source = assignment.source
    texts = [
        assignment.name,
        source.read_text(encoding="utf-8"),
        blocks_text(source.parent),
        *(text for entry in sorted(hidden_tests(assignment.tests).items()) for text in entry),
        *(importlib.metadata.version(name) for name in ("keras", "tensorflow", "numpy")),
    ]
    found = hashlib.sha256(json.dumps(texts).encode())
    for content in library_content(whole_library()).values():
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()


def _record_in_a_process(assignment: Assignment) -> str:
    """Record in a process of its own, so that nbgrader's process need not load TensorFlow."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__, str(assignment.course), assignment.name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        reply = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["without output"])[-1]
        raise InfrastructureError(
            f"{assignment.name}: the solution could not be run ({last})",
            f"run it: {sys.executable} -m {__name__} {assignment.course} {assignment.name}",
        ) from None
    if reply["faults"]:
        raise AuthoringError(
            "\n".join(reply["faults"]),
            f"correct that, then run: coursekit release {assignment.name}",
        )
    if reply["missed"]:
        raise GateError(
            "the solution does not pass its own checks:\n" + "\n".join(reply["missed"]),
            f"correct the solution in source/{assignment.name}, or the check",
        )
    record: str = reply["record"]
    return record


def main() -> None:
    """Print the record of an assignment, or what is wrong with its checks, as JSON."""
    from coursekit.judge.cell import BLOCKS, HIDDEN_TESTS, TestCellFault, judge_cell, solution_of
    from resnets_utils.answering import answer
    from resnets_utils.border.call import GRAPH, Call
    from resnets_utils.border.reply import Reply
    from resnets_utils.checks.check_result import Outcome
    from resnets_utils.checks.judging import NOTEBOOK_SALT
    from resnets_utils.checks.reference import Solution, record, record_text

    class Recorder:
        """The solution, and the calls that it answered."""

        def __init__(self, solution: Solution) -> None:
            self.blocks = solution.blocks
            self.solution = solution
            self.asked: dict[str, tuple[Call, Reply]] = {}

        def reply(self, call: Call) -> Reply:
            found = self.solution.reply(call)
            self.asked[call.key] = (call, found)
            return found

        def arguments(self, call: Call) -> dict[str, Any]:
            return self.solution.arguments(call)

    course, name = sys.argv[1:]
    # The parent process reads only the last line of stdout; the solution may print, too.
    out, sys.stdout = sys.stdout, sys.stderr
    assignment = Assignment(Path(course), name)
    notebook = read_notebook(assignment.source)
    blocks = blocks_text(assignment.source.parent)
    whole = whole_test_cells(notebook, assignment)
    pieces = tuple(solution_pieces(notebook.cells))
    recorder = Recorder(solution_of(pieces, blocks, NOTEBOOK_SALT))
    faults, missed = [], []
    hidden_points = {}

    def tracer(call: Call) -> Reply:
        return answer(call, recorder.solution.namespace)

    place = assignment.source.relative_to(course)
    tests = assignment.tests.relative_to(course)
    for cell in filter(is_test, notebook.cells):
        grade_id = cell.metadata.nbgrader["grade_id"]
        about = grade_id.removeprefix(TEST_CELL_PREFIX)
        visible = "\n".join(line for line in cell.source.split("\n") if line != PLACEHOLDER)
        try:
            # First in the way of a notebook, then in the way of the judge.
            judge_cell(
                compose(visible, None, pieces, blocks),
                tracer,
                NOTEBOOK_SALT,
                grade_id=grade_id,
                reference=recorder,
                sampled=False,
            )
            judged = judge_cell(
                whole[grade_id],
                tracer,
                NOTEBOOK_SALT,
                grade_id=grade_id,
                sampled=False,
                thorough=True,
            )
        except TestCellFault as fault:
            files = {HIDDEN_TESTS: tests / f"{about}.py", BLOCKS: place.parent / BLOCKS}
            faults.append(f"{files.get(fault.file, place)}: {fault}")
            continue
        hidden_points[about] = sum(check.points for check in judged.checks if check.hidden)
        missed += [
            f"{place}, cell {grade_id}, {result.name!r}: {result.reason}"
            for result in judged.checks
            if result.outcome is not Outcome.PASSED
        ]
    replies = {key: reply for key, (call, reply) in recorder.asked.items() if call.asks != GRAPH}
    graphs = [call for call, _ in recorder.asked.values() if call.asks == GRAPH]
    if graphs and not faults:
        from resnets_utils.checks.network_calls import graphs_of
        from resnets_utils.checks.reference_graphs import replies_to_record

        replies |= replies_to_record(graphs_of(recorder), graphs)
    text = record_text(record(blocks, replies, hidden_points))
    # A fault of the solution's comes up in each test cell.
    told = list(dict.fromkeys(faults))
    print(json.dumps({"faults": told, "missed": missed, "record": text}), file=out)


if __name__ == "__main__":
    main()
