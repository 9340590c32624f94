"""Forgeries earn what the functions earn, and leave the pages plain."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from command_in_process import generate, run_nbgrader
from forged_replies import IMPORTS, REPLIES, REPLIES_HEAD
from forgeries import FORGERIES, MARKDOWN, MESSAGES, SENDER
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.server_extensions.formgrader import handlers
from small_course import NAME, small_course
from traitlets.config.loader import Config, JSONFileConfigLoader

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.course.filled_in import fill_in, released, submit
from coursekit.course.known_answers import solution_cells
from coursekit.course.solution import solution_pieces
from coursekit.course.test_cells import PLACEHOLDER, compose
from coursekit.judge.cell import MAX_REASON
from coursekit.judge.judge_client import JudgeProcess
from coursekit.judge.verdict import CellVerdict
from coursekit.kernels.manager import student_kernel
from coursekit.kernels.trace_request import request_trace
from coursekit.nbgrader_run import read_verdict
from coursekit.nbgrader_seam.graded_submission import salt_of
from coursekit.sandbox.levels import strongest, why_no_sandbox
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.settings import Confinement

pytestmark = pytest.mark.slow

HONEST = "honest"
HONEST_CELL = """
from IPython.display import display
handle = display("begun", display_id=True)
handle.update("finished")
display({"text/html": "<b>rich</b>", "text/plain": "rich"}, raw=True)
print("\\x1b[1mloud\\x1b[0m, naïve ☃")
"""
# In hidden tests, because only these try networks on pictures.
CHECKS = """from resnets_utils import Checks
checks = Checks("identity_block")
example = dict(f=2, filters=[2, 4, 6], stage={stage}, block="c")
with checks("names", points=1):
    checks.trace((4, 4, 6), **example).has_layer_names()
with checks("connections", points=1):
    checks.trace((4, 4, 6), **example).has_connections()
with checks("behaviour", points=1):
    checks.trace((4, 4, 6), **example).behaves()
"""


def need_a_sandbox() -> None:
    if why_no_sandbox():
        pytest.skip(f"this machine has no sandbox: {why_no_sandbox()}")


@contextmanager
def in_a_kernel(cells: list[str]) -> Iterator[NotebookClient]:
    """Run cells with nbclient as it is, in a student's kernel; the kernel lives on."""
    need_a_sandbox()
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    with (
        tempfile.TemporaryDirectory() as folder,
        student_kernel(Confinement(strongest(), Limits())) as manager,
    ):
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, km=manager, resources=resources, timeout=60)
        client.owns_km = False
        client.execute()
        yield client
        assert client.kc is not None
        client.kc.stop_channels()


# Replies to trace requests


@pytest.fixture(scope="module")
def replied(assignment: Assignment) -> dict[str, CellVerdict]:
    """The judge's verdict on each reply; one kernel sends them all."""
    solution = solution_pieces(read_notebook(assignment.source).cells)
    forged = "\n".join(
        f"replies[{stage}] = {reply.code!r}" for stage, reply in enumerate(REPLIES.values(), 2)
    )
    found: dict[str, CellVerdict] = {}
    with in_a_kernel([IMPORTS, REPLIES_HEAD, forged]) as client, JudgeProcess() as judge:

        def answer(call: dict[str, Any]) -> dict[str, str]:
            return request_trace(client.kc, call, 20)

        for stage, name in enumerate(REPLIES, 2):
            found[name] = judge.judge(
                name, compose(PLACEHOLDER, CHECKS.format(stage=stage), solution), 3, answer, stage
            )
    return found


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_earns_what_the_network_in_it_earns(
    replied: dict[str, CellVerdict], name: str
) -> None:
    checks = replied[name].checks
    assert tuple(check.name for check in checks if check.outcome == "passed") == (
        REPLIES[name].passes
    )
    reasons = [check.reason for check in checks if check.outcome != "passed"]
    assert all(REPLIES[name].said in reason for reason in reasons), reasons
    # What is said of it is plain and short.
    assert all(0 < len(reason) <= MAX_REASON for reason in reasons)
    assert all(letter.isprintable() or letter == "\n" for reason in reasons for letter in reason)


# Submissions


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Assignment:
    """All forgeries and an honest submission, graded by nbgrader, with feedback."""
    need_a_sandbox()
    folder = tmp_path_factory.mktemp("forgeries")
    small = small_course(folder, assignment, {"cell_seconds": 6})
    generate(small)
    for name, forgery in FORGERIES.items():
        notebook = fill_in(
            released(small),
            {"identity_block": forgery.answer},
            first=forgery.first,
            last=forgery.last,
        )
        for cell in notebook.cells:
            if not cell.metadata.get("nbgrader"):
                cell.metadata.update(forgery.metadata)
        if name == "page":
            notebook.cells += [new_markdown_cell(text) for text in MARKDOWN]
            notebook.metadata.title = "</title><script>forged()</script>"
            notebook.metadata.language_info = {"name": '"><script>forged()</script>'}
            notebook.metadata.kernelspec = {"name": "forged", "display_name": "<b>forged</b>"}
        path = submit(small, name, notebook)
        for file, text in forgery.files.items():
            (path.parent / file).write_text(text)
    right = solution_cells(small)["identity_block"]
    honest = fill_in(released(small), {"identity_block": right}, first=[HONEST_CELL])
    notes = new_markdown_cell("# Notes\n\n$a < b$, *mine*, ![pasted](attachment:image.png)")
    notes["attachments"] = {"image.png": {"image/png": "AAAA"}}
    honest.cells.append(notes)
    submit(small, HONEST, honest)
    # What their last cells print is looked at.
    given = ["--JudgeAnswers.trace_timeout=10", "--JudgeAnswers.run_all=True"]
    run_nbgrader(folder, "autograde", NAME, *given)
    run_nbgrader(folder, "generate_feedback", NAME)
    return small


def autograded(course: Assignment, student: str) -> NotebookNode:
    path = course.course / "autograded" / student / NAME / f"{course.notebook}.ipynb"
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def feedback(course: Assignment, student: str) -> str:
    page = course.course / "feedback" / student / NAME / f"{course.notebook}.html"
    return page.read_text(encoding="utf-8")


def formgrader(course: Assignment, student: str) -> str:
    """The page that formgrader shows to a grader."""
    return formgraders_page(course, autograded(course, student))


def formgraders_page(
    course: Assignment, notebook: NotebookNode, filters: dict[str, str] | None = None
) -> str:
    config = Config(JSONFileConfigLoader("nbgrader_config.json", str(course.course)).load_config())
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    if filters is not None:
        config.HTMLExporter.filters = filters
    shown: dict[str, Any] = dict.fromkeys(
        ("base_url", "notebook_id", "assignment_id", "submission_id", "mathjax_url"), ""
    )
    resources = {**shown, "index": 0, "total": 1}
    page: str = HTMLExporter(config=config).from_notebook_node(notebook, resources=resources)[0]
    return page


@pytest.mark.parametrize("name", [*FORGERIES, HONEST])
def test_a_submission_earns_what_its_function_earns(course: Assignment, name: str) -> None:
    with Gradebook(f"sqlite:///{course.course}/gradebook.db") as gradebook:
        submission = gradebook.find_submission(NAME, name)
        expected = 6 if name == HONEST else FORGERIES[name].earns
        assert (submission.score, submission.max_score) == (expected, 6)
        assert not submission.needs_manual_grade
    verdict = read_verdict(course.course, name, NAME, course.notebook)
    assert sum(cell.score for cell in verdict.cells) == expected
    assert [cell.grade_id for cell in verdict.cells] == ["test_identity_block"]


def test_verdict_and_feedback_say_which_checks_are_hidden(course: Assignment) -> None:
    [cell] = read_verdict(course.course, HONEST, NAME, course.notebook).cells
    assert {check.name: check.hidden for check in cell.checks} == {
        "output shape": False,
        "convolutions": False,
        "layer names": True,
    }
    # In the result, and below the test cell.
    assert feedback(course, HONEST).count("(hidden check)") == 2


_SEEN = {"audio", "button", "embed", "iframe", "input", "object", "svg", "textarea", "video"}
_OURS = {"panel", "nbgrader_cell", "score", "result", "framed", "frame", "checks"}
_PARTS = _SEEN | {"base", "form", "link", "meta", "script", "style", "template", "title"}


def parts(page: str) -> Counter[tuple[str, str]]:
    """What runs on a page, is loaded by it, or makes it look as it does."""
    soup = BeautifulSoup(page, "html.parser")
    found: Counter[tuple[str, str]] = Counter()
    for tag in soup.find_all(True):
        if tag.name in _PARTS:
            found[(tag.name, tag.get_text() + str(tag.get("src", "")))] += 1
        for name, given in tag.attrs.items():
            value = given if isinstance(given, str) else " ".join(given)
            if name.startswith("on") or name in {"srcset", "srcdoc", "formaction", "background"}:
                found[(tag.name, name)] += 1
            elif (
                (name == "src" and tag.name == "img" and not value.startswith("data:image/png;"))
                or (name in {"href", "action"} and not value.startswith("#"))
                or (name == "style" and "position" in value)
                or (name == "class" and _OURS & set(value.split()))
                or (name in {"id", "name"} and "test_identity_block" in value)
            ):
                found[(tag.name, value)] += 1
    return found


@pytest.mark.parametrize("name", FORGERIES)
def test_a_page_holds_no_more_than_an_honest_one(course: Assignment, name: str) -> None:
    for shown in (feedback, formgrader):
        more = parts(shown(course, name)) - parts(shown(course, HONEST))
        # A relative name leads to nothing that a student can place there.
        assert set(more) <= {("img", "x")}, (shown, more)


def test_what_is_looked_for_on_a_page_is_found_without_the_kits_filter(course: Assignment) -> None:
    page = autograded(course, "page")
    # nbconvert stops altogether at a picture that was pasted, and nearly so at the gap.
    odd = ("attachment:", "after the gap")
    page.cells = [cell for cell in page.cells if not any(word in cell.source for word in odd)]
    more = parts(formgraders_page(course, page, filters={})) - parts(formgrader(course, HONEST))
    assert any(tag == "script" for tag, _ in more)
    assert ("iframe", "http://forged.example/6") in more
    assert ("img", "onerror") in more


def test_the_verdicts_own_words_are_no_formula(course: Assignment) -> None:
    soup = BeautifulSoup(formgrader(course, "page"), "html.parser")
    reasons = [text for text in soup.find_all(string=True) if "\\href" in text and "batch" in text]
    assert reasons
    assert all(text.find_parent(class_="tex2jax_ignore") for text in reasons)
    page: Any = BeautifulSoup(feedback(course, "page"), "html.parser")
    assert "$\\href" in page.find(class_="what").get_text() and not page.select(".result math")


def test_the_first_screen_is_the_kits_whatever_a_student_wrote(course: Assignment) -> None:
    for name, forgery in FORGERIES.items():
        page: Any = BeautifulSoup(feedback(course, name), "html.parser")
        assert page.h1.get_text() == f"{course.notebook}: {forgery.earns:g} of 6 points", name
        # Nothing stands above it, and whatever the notebook holds stands below all of it.
        assert page.body.find(True).find(True) is page.h1
        assert [each["id"] for each in page.find_all(id="top")] == ["top"]
        cells = page.find_all(class_="cell")
        assert cells and all(each.find_parent(class_="notebook") for each in cells)
        assert not page.select(".notebook .result, .notebook h1")
        framed = [each["aria-label"] for each in page.select(".framed")]
        assert len(framed) == len(set(framed)) == 2, framed


def outputs(course: Assignment, student: str, source: str) -> list[NotebookNode]:
    cells = [
        cell for cell in autograded(course, student).cells if cell.source.strip() == source.strip()
    ]
    assert len(cells) == 1
    found: list[NotebookNode] = cells[0].outputs
    return found


def test_messages_change_their_own_cell_only(course: Assignment) -> None:
    def texts(name: str) -> list[str]:
        return [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in outputs(course, "messages", MESSAGES[name])
        ]

    assert texts("an output to aim at") == ["as it was"]
    assert texts("another cell's output by its display id") == []
    assert Counter(texts("one text for sixty outputs"))["."] == 59
    assert texts("a widget that takes outputs away") == ["not taken away\n"]
    assert texts("data that is no object") == []
    assert texts("halves of letters and letters turned round") == [" 6 fo 6"]
    assert texts("the last") == ["still here\n"]
    whole = json.dumps(autograded(course, "messages"))
    assert len(whole) < 2_000_000
    notebook = autograded(course, "messages")
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert "forged-update" not in str(output) and "forged-parent" not in str(output)
            assert set(output.get("data", {})) <= {"text/plain", "image/png", "text/html"}
            assert output.get("metadata", {}) == {}
            if "text/html" in output.get("data", {}):
                assert cell.metadata.nbgrader.grade


def test_an_honest_notebook_keeps_its_outputs_and_notes(course: Assignment) -> None:
    texts = [
        output.get("text") or output.data["text/plain"]
        for output in outputs(course, HONEST, HONEST_CELL)
    ]
    assert texts[0] == "'finished'"
    assert texts[-1] == "\x1b[1mloud\x1b[0m, naïve ☃\n"
    page = feedback(course, HONEST)
    assert "<mi>a</mi><mo>&lt;</mo><mi>b</mi>" in page and ", <em>mine</em>" in page
    assert "pasted (attachment:" in page


def test_a_reply_that_cannot_be_read_is_named(course: Assignment) -> None:
    remarks = read_verdict(course.course, "memory", NAME, course.notebook).remarks
    assert any("sent messages that cannot be read (KeyError)" in remark for remark in remarks)
    assert "the second cell" in json.dumps(autograded(course, "sockets"))


def test_no_student_learns_the_salt(course: Assignment) -> None:
    for name in (*FORGERIES, HONEST):
        salt = str(read_verdict(course.course, name, NAME, course.notebook).salt)
        # The notebook of "memory" prints all that its kernel was asked.
        assert salt not in json.dumps(autograded(course, name))
        assert salt not in feedback(course, name)
    assert "ASKED" in str(outputs(course, "memory", FORGERIES["memory"].last[0]))
    # In another run, a student is asked with another.
    assert salt_of(Autograde(), "memory") != salt_of(Autograde(), "memory")


def test_the_judges_verdict_is_the_only_one(course: Assignment) -> None:
    found = {
        (folder, path.name)
        for folder in ("autograded", "feedback")
        for path in (course.course / folder / "memory" / NAME).rglob("*verdict*")
    }
    # With the salt in it, it is nothing for students.
    assert found == {("autograded", f"{course.notebook}.verdict.json")}


def test_the_forgeries_are_real_with_nbclient_alone() -> None:
    names = [
        "an output to aim at",
        "another cell's output by its display id",
        "one text for sixty outputs",
        "a widget's state for the notebook",
        "a widget that takes outputs away",
    ]
    with in_a_kernel([SENDER, *(MESSAGES[name] for name in names)]) as client:
        cells = dict(zip(names, client.nb.cells[1:], strict=True))
        assert cells["an output to aim at"].outputs[0].data["text/html"] == "<b>forged-update</b>"
        many = cells["one text for sixty outputs"].outputs
        assert sum(len(output.data["text/plain"]) for output in many) == 60_000_000
        assert cells["a widget that takes outputs away"].outputs == []
        assert "forged-widget" in str(client.nb.metadata.widgets)
