"""A course with one small assignment, so that a submission costs little to grade.

One graded function, the real identity block, two visible checks and one hidden.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit.course.assignment import Assignment, cells_by_grade_id, read_notebook
from coursekit.course.normal_form import normalise, notebook_text

NAME = "small-block-v1"
TEST = """from resnets_utils import Checks

checks = Checks("identity_block")
example = dict(f=2, filters=[2, 4, 6], stage=1, block="a")

with checks("output shape", points=1):
    checks.trace((4, 4, 6), **example).has_output_shape()

with checks("convolutions", points=2):
    checks.trace((4, 4, 6), **example).has_convolutions()

### HIDDEN TESTS
checks.report()"""
HIDDEN = """letter = str(checks.random.choice(list("ghkmpq")))
other = dict(f=3, filters=[3, 4, 6], stage=5, block=letter)

with checks("layer names", points=3):
    checks.trace((4, 4, 6), **other).has_layer_names()
"""
# The same points, another question.
CHANGED_HIDDEN = HIDDEN.replace("layer names", "order").replace("layer_names", "connections")


def small_course(
    folder: Path, original: Assignment, limits: Mapping[str, float] | None = None
) -> Assignment:
    """Write the course into an empty folder; return its assignment.

    Args:
        folder: where the course is to be.
        original: the assignment whose cells and settings it takes.
        limits: other limits than the course's own for what students' code uses.

    """
    cells = cells_by_grade_id(read_notebook(original.source))
    test = new_code_cell(TEST)
    test.metadata["nbgrader"] = {
        **cells["test_identity_block"].metadata.nbgrader,
        "points": 6,
    }
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("# A small one", id="title"),
        new_markdown_cell("{updates}", id="updates"),
        cells["imports"],
        cells["identity_block"],
        test,
    ]
    normalise(notebook)
    assignment = Assignment(folder, NAME)
    source = folder / "source" / NAME
    source.mkdir(parents=True)
    (source / "Small_Block_v1.ipynb").write_text(notebook_text(notebook), encoding="utf-8")
    (source / "assignment.toml").write_text('version = "v1"\nprevious = ""\nupdates = []\n')
    assignment.tests.mkdir(parents=True)
    (assignment.tests / "identity_block.py").write_text(HIDDEN, encoding="utf-8")
    settings = (original.course / "nbgrader_config.py").read_text(encoding="utf-8")
    own = f"c.StudentKernel.by_assignment = {{{NAME!r}: {dict(limits or {})!r}}}\n"
    (folder / "nbgrader_config.py").write_text(settings + own, encoding="utf-8")
    shutil.copy(original.course / "nbgrader_config.json", folder)
    return assignment
