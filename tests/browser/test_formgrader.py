"""Formgrader's buttons, clicked in a real browser, grade as ``nbgrader autograde`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import JupyterServer, Visitor, jupyter_server
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from playwright.sync_api import Locator, Page
from small_course import HIDDEN, NAME, small_course

from coursekit.courses import Assignment
from coursekit.isolation.probing import NONE, probe
from coursekit.known_answers import solution_cells
from coursekit.nbgrader_runs import read_verdict, run_nbgrader
from coursekit.release.pipeline import generate
from coursekit.submissions import fill_in, released, submit

pytestmark = pytest.mark.slow

SCORES = {"right": 6, "wrong": 3, "hostile": 3}
SECRET = "only-the-gradebook-knows"

# What a script of a student's would do, and how we would know.
SCRIPT = "window.hostile = 1; document.title = 'hostile'; fetch('/hostile?' + document.cookie)"
TAGS = (
    f"<script>{SCRIPT}</script>",
    f'<img src="x" onerror="{SCRIPT}">',
    f'<svg onload="{SCRIPT}"></svg>',
    f'</pre></div><iframe srcdoc="<script>parent.hostile = 1</script>"></iframe>',
    f'<details open ontoggle="{SCRIPT}">x</details>',
    "<form><button formaction='/hostile'>Full credit</button></form>",
    "<style>.score { background: url(/hostile?style) }</style>",
    '<meta http-equiv="refresh" content="0;url=/hostile">',
    "{{ 1/0 }}{% raw %}",
)
HTML = "\n".join(TAGS)
SPY = f"""
import os
from pathlib import Path
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/usr")):
        continue
    for name in names:
        path = Path(folder, name)
        if name == "gradebook.db" or "{NAME}" in str(path) or "hidden" in name:
            print("FOUND", path)
            print(path.read_bytes()[:100000])
try:
    import sqlite3
    sqlite3.connect("file:COURSE/gradebook.db?mode=rw", uri=True).execute("update grade set auto_score = 6")
    print("WRITTEN")
except Exception as error:
    print("closed:", error)
"""
OUTPUTS = f"""
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
text = {HTML!r}
print(text)
print("\\x1b[31m" + text + "\\x1b[0m")
for kind in (HTML, Latex, Markdown, Javascript):
    display(kind(text))
display({{"image/svg+xml": text, "image/png": '"><script>' + text, "text/plain": text,
          "application/javascript": {SCRIPT!r}, "text/vnd.mermaid": text}}, raw=True,
        metadata={{"image/png": {{"width": '1" onerror="window.hostile=1', "height": text}}}})
import ipywidgets
display(ipywidgets.HTML(text))
raise type("Wrong<script>window.hostile=1</script>", (Exception,), {{}})(text)
"""


@dataclass
class Clicked:
    """What formgrader showed after a student's autograde button was clicked."""

    said: str
    row: str


@pytest.fixture(scope="module")
def small(assignment: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The small course with its submissions: right, wrong, hostile, and an empty folder."""
    small = small_course(tmp_path_factory.mktemp("formgrader"), assignment)
    generate(small)
    solution = solution_cells(small)
    names = solution["identity_block"].replace('bn_name + "2c"', '"mine"')
    assert names != solution["identity_block"]
    submit(small, "right", fill_in(released(small), solution))
    submit(small, "wrong", fill_in(released(small), {"identity_block": names}))
    submit(small, "hostile", hostile(small, names))
    (small.course / "submitted" / "empty" / small.name).mkdir(parents=True)
    with open_gradebook(small) as gradebook:
        gradebook.update_or_create_student(SECRET)
    return small


def hostile(small: Assignment, answer: str) -> NotebookNode:
    """A wrong answer among scripts: in outputs, sources, text, an error and a layer's name."""
    quoted = HTML.replace("\\", "").replace('"', "'").replace("\n", "")
    answer = answer.replace('"mine"', f'"{quoted}"') + f"\n# </script>{quoted}"
    notebook = fill_in(
        released(small),
        {"identity_block": answer},
        first=[SPY.replace("COURSE", str(small.course))],
        last=[OUTPUTS],
    )
    links = f"[a](javascript:{SCRIPT.replace(' ', '')}) $\\href{{javascript:{SCRIPT}}}{{x}}$"
    notebook.cells.insert(0, new_markdown_cell(f"{HTML}\n\n{links}\n\n$$</script>{HTML}$$"))
    notebook.cells.append(new_code_cell(HTML, metadata={"tags": [HTML]}))
    return notebook


def open_gradebook(small: Assignment) -> Gradebook:
    return Gradebook(f"sqlite:///{small.course / 'gradebook.db'}")


@pytest.fixture(scope="module")
def server(small: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    own = tmp_path_factory.mktemp("jupyter") / "own"
    with jupyter_server(small.course, own) as running:
        yield running
