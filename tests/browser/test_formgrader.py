"""Formgrader's buttons, clicked in a real browser, grade as ``nbgrader autograde`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest
from accessibility import DARK, LIGHT, outside, refused, unreached, unsigned
from browsing import JupyterServer, Visitor, jupyter_server
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from playwright.sync_api import Locator, Page, expect
from small_course import HIDDEN, NAME, small_course

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.judge.verdict import NotebookVerdict
from coursekit.nbgrader_run import read_verdict, run_nbgrader
from coursekit.release.pipeline import generate
from coursekit.reporting.write_report import write_report
from coursekit.sandbox.levels import strongest

pytestmark = pytest.mark.slow

SCORES = {"right": 6, "wrong": 3, "hostile": 3}

# The kit has translated all formulas before. nbgrader's template has it, and no setting leaves it
# out.
MATHJAX = (
    "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/latest.js?config=TeX-AMS_CHTML-full,Safe"
)

MATHJAX_MISSING = "(?i)mathjax"

# What a script of a student's would do, and how we would know.
SCRIPT = "window.hostile = 1; document.title = 'hostile'; fetch('/hostile?' + document.cookie)"
TAGS = (
    f"<script>{SCRIPT}</script>",
    f'<img src="x" onerror="{SCRIPT}">',
    f'<svg onload="{SCRIPT}"></svg>',
    '</pre></div><iframe srcdoc="<script>parent.hostile = 1</script>"></iframe>',
    f'<details open ontoggle="{SCRIPT}">x</details>',
    "<form><button formaction='/hostile'>Full credit</button></form>",
    '<a class="full-credit" id="mine" href="/logout">next</a><img src="/logout">',
    "<style>.score { background: url(/hostile?style) }</style>",
    '<meta http-equiv="refresh" content="0;url=/hostile">',
    "{{ 1/0 }}{% raw %}",
)
HTML = "\n".join(TAGS)
SPY = """
import os
from pathlib import Path
for folder, folders, names in os.walk("/"):
    if folder == "/":
        folders[:] = set(folders) - {"proc", "sys", "usr", "lib"}
    for name in names:
        path = Path(folder, name)
        wanted = name in ("gradebook.db", "identity_block.py", "nbgrader_config.py")
        # nbgrader's own documentation has a gradebook.
        if wanted and "site-packages" not in folder:
            print("FOUND", path)
            print(path.read_bytes()[:100000])
try:
    import sqlite3
    gradebook = sqlite3.connect("file:COURSE/gradebook.db?mode=rw", uri=True)
    gradebook.execute("update grade set auto_score = 6")
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
    return small


def hostile(small: Assignment, answer: str) -> NotebookNode:
    """A wrong answer among scripts: in outputs, sources, text, an error and a layer's name."""
    answer = answer.replace('"mine"', "'<img src=x onerror=window.hostile=1>'")
    answer += "\n# </script></pre>" + HTML.replace("\n", "")
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


@pytest.fixture(scope="module")
def clicked(visitor: Visitor, server: JupyterServer) -> dict[str, Clicked]:
    """Every student's autograde button, clicked one after another; the page has none for all."""
    with visitor.page(server) as page:
        page.goto(f"{server.address}/formgrader/manage_submissions/{NAME}")
        return {student: click(page, student, "autograde") for student in (*SCORES, "empty")}


def row(page: Page, student: str) -> Locator:
    return page.locator("tr", has=page.locator(f"td.student-id:text-is('{student}')"))


def click(page: Page, student: str, button: str) -> Clicked:
    """Click one of a student's buttons, and wait for what formgrader says."""
    row(page, student).locator(f"td.{button} a").click()
    window = page.locator(".modal.in")
    said = window.locator(".modal-body").inner_text()
    window.locator(".modal-footer button").click()
    window.wait_for(state="detached")
    return Clicked(said, row(page, student).inner_text())


def opened(page: Page, address: str) -> list[str]:
    """Open a page with hostile's submission, look for its scripts' traces; return all requests."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="load")
    # Its text is there, and it is text.
    assert page.locator("body").inner_text().count(TAGS[0]) > 3
    page.wait_for_timeout(300)
    assert page.evaluate("window.hostile") is None
    assert page.title() == "Small_Block_v1" and page.url == address
    foreign = "iframe, form, details, meta[http-equiv=refresh], a.full-credit, #mine"
    assert page.locator(f"{foreign}, img[src='/logout']").count() == 0
    assert [each for each in asked if "hostile?" in each or "logout" in each] == []
    return asked


def hidden(text: str) -> list[str]:
    """What of the hidden test is in a text."""
    return [line for line in HIDDEN.splitlines() if line and line in unescape(text)]


def test_each_click_grades_as_by_hand_and_in_the_same_sandbox(
    small: Assignment, clicked: dict[str, Clicked]
) -> None:
    for student, score in SCORES.items():
        assert "Successfully autograded" in clicked[student].said
        assert f"graded\t{score} / 6" in clicked[student].row
    by_click = {student: verdict(small, student) for student in SCORES}
    assert {each.isolation for each in by_click.values()} == {strongest().isolation}
    assert {name: each.cells[0].score for name, each in by_click.items()} == SCORES
    run_nbgrader(small.course, "autograde", NAME, "--student", "wrong", "--force")
    by_hand = verdict(small, "wrong")
    assert by_hand.salt != by_click["wrong"].salt
    assert by_hand.isolation == by_click["wrong"].isolation
    assert outcomes(by_hand) == outcomes(by_click["wrong"])


def outcomes(verdict: NotebookVerdict) -> list[tuple[str, str]]:
    return [(check.name, check.outcome) for check in verdict.cells[0].checks]


def verdict(small: Assignment, student: str) -> NotebookVerdict:
    return read_verdict(small.course, student, small.name, small.notebook)


@pytest.mark.skipif(not strongest().sandboxed, reason="no sandbox here; see: coursekit doctor")
def test_hostile_code_finds_nothing(small: Assignment, clicked: dict[str, Clicked]) -> None:
    path = small.course / "autograded" / "hostile" / NAME / f"{small.notebook}.ipynb"
    first = read_notebook(path).cells[1]
    printed = "".join(output.text for output in first.outputs)
    assert printed.startswith("closed: ") and "FOUND" not in printed
    with open_gradebook(small) as gradebook:
        assert gradebook.find_submission(NAME, "hostile").score == SCORES["hostile"]


def test_no_script_runs_in_the_graders_view(
    small: Assignment, visitor: Visitor, server: JupyterServer, clicked: dict[str, Clicked]
) -> None:
    with open_gradebook(small) as gradebook:
        number = gradebook.find_submission_notebook(small.notebook, NAME, "hostile").id
    with visitor.page(server, may_ask=MATHJAX, may_say=MATHJAX_MISSING) as page:
        opened(page, f"{server.address}/formgrader/submissions/{number}/")
        assert "3 of 6 points" in page.locator("body").inner_text()
        expect(page.locator("input.score")).to_have_attribute("placeholder", "3")
        assert hidden(page.content()) == []
        assert "yours has one named '<img src=x onerror=" in page.locator("body").inner_text()


def test_no_script_runs_in_the_feedback(
    small: Assignment, visitor: Visitor, server: JupyterServer, clicked: dict[str, Clicked]
) -> None:
    with visitor.page(server) as page:
        page.goto(f"{server.address}/formgrader/manage_submissions/{NAME}")
        said = click(page, "hostile", "generate-feedback").said
        assert "Successfully generated feedback" in said
        folder = small.course / "feedback" / "hostile" / NAME
        asked = opened(page, f"file://{folder / small.notebook}.html")
        assert [each for each in asked if not each.startswith(("file:", "data:"))] == []
        # The first screen is the kit's own, whatever the student wrote.
        assert page.locator("h1").inner_text() == "Small_Block_v1: 3 of 6 points"
        assert page.locator(".result").inner_text().count("✗ failed") == 2
        assert hidden(page.content()) == []


def test_a_failure_is_said_in_a_sentence(clicked: dict[str, Clicked]) -> None:
    assert "needs autograding" in clicked["empty"].row
    last = clicked["empty"].said.rsplit("NbGraderException", 1)[-1]
    assert "Small_Block_v1.ipynb is not there" in last
    assert "hint: ask the student to hand it in again" in last


def test_without_a_sandbox_the_button_refuses(
    small: Assignment, visitor: Visitor, server: JupyterServer, clicked: dict[str, Clicked]
) -> None:
    settings = small.course / "nbgrader_config.py"
    before = settings.read_text()
    # Formgrader reads its settings again for each click.
    settings.write_text(f'{before}\nc.StudentKernel.level = "none"\n')
    try:
        with visitor.page(server) as page:
            page.goto(f"{server.address}/formgrader/manage_submissions/{NAME}")
            shown = click(page, "wrong", "autograde")
    finally:
        settings.write_text(before)
    last = shown.said.rsplit("NbGraderException", 1)[-1]
    assert "error: students' code is not run: there is no sandbox for it" in last
    assert "hint: to run it with your own rights, set COURSEKIT_UNSAFE=1" in last
    # Refused before anything of the earlier grading was removed.
    assert "3 / 6" in shown.row


def test_an_instructor_changes_a_score_and_reads_the_feedback_and_the_report(
    small: Assignment, visitor: Visitor, server: JupyterServer, clicked: dict[str, Clicked]
) -> None:
    with open_gradebook(small) as gradebook:
        number = gradebook.find_submission_notebook(small.notebook, NAME, "wrong").id
    with visitor.page(server, may_ask=MATHJAX, may_say=MATHJAX_MISSING) as page:
        page.goto(f"{server.address}/formgrader/manage_submissions/{NAME}")
        row(page, "wrong").locator("a[href*='/manage_students/']").click()
        page.locator(f"a[href$='/submissions/{number}']").first.click()
        score = page.locator("input.score")
        expect(score).to_have_attribute("placeholder", "3")
        score.fill("5")
        with page.expect_response("**/formgrader/api/grade/*") as answer:
            score.press("Tab")
        assert answer.value.ok
        page.goto(f"{server.address}/formgrader/manage_submissions/{NAME}")
        said = click(page, "wrong", "generate-feedback").said
        assert "Successfully generated feedback" in said
    folder = small.course / "feedback" / "wrong" / NAME
    report = write_report(small.course, NAME, lambda line: None)
    with visitor.blank() as page:
        page.goto(f"file://{folder / small.notebook}.html")
        assert page.locator("h1").inner_text() == "Small_Block_v1: 5 of 6 points"
        expect(page.locator(".result")).to_contain_text("changed by hand to 5: the checks gave 3")
        expect(page.locator(".what")).to_contain_text("yours has one named 'mine'")
        for_everybody(page)
        # From the mistake to the line that has it, by the keyboard.
        link = page.locator(".mistake .line a").first
        line = link.get_attribute("href")
        link.press("Enter")
        assert page.url.endswith(str(line))
        expect(page.locator(str(line))).to_be_in_viewport()
        page.goto(f"file://{report}")
        expect(page.locator("body")).to_contain_text(f"Class report: {NAME}")
        for_everybody(page)


def for_everybody(page: Page) -> None:
    """Check a page of the kit's own in both themes, on narrow screens and by the keyboard."""
    assert refused(page, LIGHT, DARK) == []
    assert outside(page) == []
    assert unreached(page) == []
    assert unsigned(page) == []
