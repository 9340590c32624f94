"""Begin an assignment: its folders, with a cell for each graded function."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit.command_runner import Say
from coursekit.course.assignment import Assignment, refuse_other_folder
from coursekit.course.assignment_file import FILE, UPDATES_CELL, new_assignment_file, version_of
from coursekit.course.normal_form import normalise, notebook_text
from coursekit.errors import CourseKitError
from coursekit.release.drafts import new_folders

# Ids of the notebook's other cells.
_TAKEN = ("title", "updates", "imports")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SOLUTION = '''\
def {function}(x):
    """Describe here what the function takes and returns."""
    ### BEGIN SOLUTION
    # Write the solution here; students get a placeholder in its place.
    ### END SOLUTION
'''
_TEST = """\
from resnets_utils import Checks

checks = Checks("{function}")

with checks("an example", points=1):
    checks.call(x=1.0).equals(tolerance=1e-6)

### HIDDEN TESTS
checks.report()
"""
_HIDDEN = """\
# Random arguments, so that no recorded answer fits.
x = float(checks.random.uniform(2, 9))

with checks("another example", points=1):
    checks.call(x=x).equals(tolerance=1e-6)
"""
_WRONG = """\
# Wrong answers, and exactly the checks that each must fail.

[[answer]]
name = "returns nothing"
function = "{function}"
code = '''
def {function}(x):
    return None
'''
fails = ["an example", "another example"]
"""


def new_assignment(course: Path, name: str, functions: Sequence[str], say: Say) -> None:
    """Write an assignment that can be released once its solutions are written.

    A name without a version gets "-v1"; ``functions`` are those that students are to write.

    Raises:
        CourseKitError: if a name is malformed or taken. Then nothing has been written.

    """
    refuse_other_folder(course)
    if not _NAME.fullmatch(name):
        raise CourseKitError(
            f"{name!r} is not a name for an assignment",
            "use small letters, digits and hyphens, such as warming-up-v1",
        )
    for function in functions:
        if keyword.iskeyword(function) or function in _TAKEN or function.startswith("test_"):
            raise CourseKitError(
                f"{function!r} cannot be a graded function's name: Python or the notebook needs it",
                "choose another name",
            )
        # nbgrader's ids, which the cells get from it, are ASCII.
        if not (function.isidentifier() and function.isascii()):
            raise CourseKitError(
                f"{function!r} is not a name for a graded function",
                "use the letters a to z, digits and underscores",
            )
    if len(set(functions)) != len(functions):
        raise CourseKitError("a function is named twice", "name each function once")
    name = name if version_of(name) else f"{name}-v1"
    made = Assignment(course, name)
    version = version_of(name)
    title = name.removesuffix(f"-{version}").replace("-", " ").title() or name
    notebook = f"{title.replace(' ', '_')}_{version}.ipynb"
    with new_folders(made) as (source, tests):
        texts = {
            source / notebook: notebook_text(_notebook(title, functions)),
            source / FILE: new_assignment_file(version, ""),
            tests / "wrong_answers.toml": "\n".join(
                _WRONG.format(function=function) for function in functions
            ),
            **{tests / f"{function}.py": _HIDDEN for function in functions},
        }
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    say(f"made source/{name}/ and grader_tests/{name}/")
    say(f"next: write the text and the solution in source/{name}/{notebook}, in JupyterLab,")
    say(f"      hidden tests in grader_tests/{name}/, and points in both;")
    say(f"then: coursekit release {name}")
    say("read docs/authoring.md: it has a NumPy function and a small network as examples")


def _notebook(title: str, functions: Sequence[str]) -> NotebookNode:
    notebook: NotebookNode = new_notebook()
    notebook.cells = [
        new_markdown_cell(f"# {title}\n\nSay here what students learn, and how.", id="title"),
        new_markdown_cell("**Updates.** {updates}", id=UPDATES_CELL),
        _cell("imports", "import numpy as np", locked=True),
    ]
    for function in functions:
        notebook.cells += [
            new_markdown_cell(
                f"## {function}\n\nSay here what is asked for.", id=f"{function}-text"
            ),
            _cell(function, _SOLUTION.format(function=function), solution=True),
            _cell(
                f"test_{function}",
                _TEST.format(function=function),
                grade=True,
                locked=True,
                points=2,
            ),
        ]
    normalise(notebook)
    return notebook


def _cell(grade_id: str, text: str, **nbgrader: Any) -> NotebookNode:
    """A cell with nbgrader's metadata; settings that are not given are False."""
    cell: NotebookNode = new_code_cell(text)
    defaults = {"grade": False, "locked": False, "solution": False, "task": False}
    cell.metadata["nbgrader"] = {
        **defaults,
        **nbgrader,
        "grade_id": grade_id,
        "schema_version": 3,
        "cell_type": "code",
    }
    return cell
