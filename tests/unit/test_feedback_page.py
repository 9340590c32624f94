"""The feedback page from stored verdicts: its first screen, its lines, its formulas."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from bs4 import BeautifulSoup
from feedback_pages import (
    BLOCK,
    CALL,
    OUTCOMES,
    RAISED,
    STRIDE,
    check,
    given,
    judged,
    notebook,
    page,
    result,
    words,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from coursekit.gradebook.student_grades import CellGrade
from coursekit.pages.feedback_page import feedback_page
from coursekit.pages.formulas import MAX_CHARACTERS, formula_html
from coursekit.pages.found_mistakes import CodeLine, mistakes_in, reason_in_parts
from resnets_utils.checks.check_result import Outcome

NETWORK = """def network(shape):
    X_input = Input(shape)
    X = ZeroPadding2D((3, 3))(X_input)
    X = block(X, 3)
    X = same(X, 3)
    X = block(X, 3)
    X = same(X, 3)
    return Model(inputs=X_input, outputs=X)"""


def test_every_outcome_is_told_by_sign_and_word_with_its_mistake_once() -> None:
    told = words(result([given(2)], [OUTCOMES]))
    assert "A_v1: 2 of 6 points ada, a-v1. The checks took 6 points for 3 mistakes." in told
    assert "✓ passed 2/2 one note: a note" in told
    assert "✗ failed 0/2 two (hidden check) mistake 1" in told
    assert "! error 0/2 three mistake 2" in told
    assert "– not attempted 0/2 four mistake 3" in told
    assert told.count("asks for (1, 1)") == told.count("Inputs of (2, 2)") == 1
    assert f"Found with {CALL}" in told
    # What grading put below the test cell is not told again.
    assert not page(result([given(2)], [OUTCOMES])).select(".test .outputs")
    assert page(result([given(2)], None)).select(".test .outputs")


def test_one_mistake_is_one_however_many_checks_and_functions_it_fails() -> None:
    other = f"network(shape=8): ValueError: Inputs of (4, 4)\n    line 4: X = block(X, 3)\n{RAISED}"
    lines = other.split("\n")
    other = "\n".join([lines[0], lines[1], lines[3]])
    cells = [
        judged(check("one", Outcome.ERROR, RAISED), check("two", Outcome.ERROR, RAISED)),
        judged(check("all", Outcome.ERROR, other), function="network"),
    ]
    [mistake] = mistakes_in(cells)
    assert (mistake.lost, mistake.functions) == (6, ["block", "network"])
    assert mistake.reason.lines == (CodeLine(9, "X = Add()([X, shortcut])"),)


def test_figures_come_last_and_name_the_mistake_to_correct_first() -> None:
    figures = f"{CALL}: output[0] came back as [1]; expected [2]"
    cell = judged(
        check("one", Outcome.FAILED, figures),
        check("two", Outcome.FAILED, figures.replace("[1]", "[3]")),
        check("three", Outcome.FAILED, f"{CALL}: {STRIDE}"),
        check("four", Outcome.FAILED, f"{CALL}: {STRIDE.replace('(1, 1)', '(3, 3)')}"),
    )
    assert [each.lost for each in mistakes_in([cell])] == [4, 4]
    told = words(result([given(0)], [cell]))
    assert "Figures change with every other mistake: correct mistake 1 first." in told


@pytest.mark.parametrize(
    ("reason", "call", "what"),
    [
        (f"{CALL}: too small", CALL, "too small"),
        ("block(x='a): \\\\'') : no", "", "block(x='a): \\\\'') : no"),
        ("block(x='):', y=[1]): no: never", "block(x='):', y=[1])", "no: never"),
        ("block(x=1) returned 2; the exercise asks for 3", "", None),
        ("block(x=(1: ", "", None),
        ("block is not defined", "", None),
    ],
)
def test_a_reason_is_taken_apart(reason: str, call: str, what: str | None) -> None:
    found = reason_in_parts(reason, "block")
    assert (found.call, found.what) == (call, reason if what is None else what)


STATES = [
    ([given(3, by_hand=5)], "5 of 6 points changed by hand to 5: the checks gave 3"),
    ([given(2, extra_credit=2)], "4 of 6 points +2 extra credit"),
    ([given(None, waits=True)], "no score yet, of 6 points not graded: grading did not come"),
    ([given(6)], "the checks shown here gave 2; the score is of another grading"),
    ([given(None, "essay", judged=False, waits=True)], "waits to be graded by hand"),
    ([given(None, "essay", judged=False, by_hand=4)], "4 of 6 points graded by hand"),
    ([given(0, "essay", judged=False)], "0 of 6 points left as it was released"),
    ([given(2, by_hand=1, waits=True)], "the checks gave 2; to be looked at again"),
]


@pytest.mark.parametrize(("scores", "said"), STATES)
def test_the_origin_of_a_score_is_told(scores: list[CellGrade], said: str) -> None:
    assert said in words(result(scores, [OUTCOMES]))


def test_without_a_score_the_points_are_so_far() -> None:
    found = result([given(None, waits=True), given(4, "essay", judged=False)], None)
    assert "A_v1: 4 of 12 points so far" in words(found)
    assert "Not everything has a score yet" in words(found)


def test_what_else_a_student_is_to_know_is_told() -> None:
    found = result(
        [given(2)],
        [OUTCOMES],
        remarks=("stopped in cell 2: <b>all</b> cells together took 450 s", "cell 99 was cut"),
        comments={"block": "See *me*. <script>no</script>"},
        late=1.5,
        changed=True,
    )
    told = words(found)
    assert "A_v1: 0.5 of 6 points" in told and "Handed in late: −1.5 points" in told
    assert "Another version was handed in after this one was graded." in told
    assert "On block: See me. <script>no</script>" in told
    soup = page(found)
    assert soup.select('.remarks a[href="#cell-2"]') and not soup.select('[href="#cell-99"]')
    assert "<b>all</b>" in soup.select(".remarks")[0].get_text()
    # The comment stands by its cell as well.
    assert soup.select("#cell-2 .comment em")


def test_lines_to_change_are_shown_linked_and_marked() -> None:
    soup = page(result([given(2)], [OUTCOMES]))
    first, second = (soup.find(id=f"mistake-{number}") for number in (1, 2))
    assert "To change: lines 3 to 4 of cell 2" in " ".join(first.get_text().split())
    assert "strides=(2, 2))" in first.code.find_next("code").get_text()
    assert "To change: line 9 of cell 2" in " ".join(second.get_text().split())
    marked = [each["id"] for each in soup.select(".marked")]
    assert marked == ["cell-2-line-3", "cell-2-line-4", "cell-2-line-9"]
    links = {each["href"] for each in soup.select('a[href^="#"]')}
    assert {"#cell-2-line-3", "#cell-2-line-9", "#mistake-3", "#cell-2"} <= links
    assert [link for link in links if not soup.find(id=link[1:])] == []


@pytest.mark.parametrize(
    ("what", "answer", "lines"),
    [
        ("the second convolution has 3 filters; x", BLOCK, "line 7"),
        ("the shortcut's convolution starts from zeros; x", BLOCK, "line 8"),
        ("the batch normalisation has epsilon 1; x", BLOCK, "line 5"),
        ("before that, the second ReLU reads x", BLOCK, "line 10"),
        ("there is no convolution named 'a'; yours has one named 'res2b'", BLOCK, "line 7"),
        ("the first convolution is missing", BLOCK, ""),
        ("the third convolution has 3 filters", BLOCK, ""),
        ("the convolution has 3 filters", BLOCK, ""),
        ("the first convolution has 3 filters", BLOCK.replace("= X\n", "= mine(X)\n", 1), ""),
        (
            "the first convolution has 3 filters",
            "def block(X):\n    for n in range(2):\n        X = Conv2D(1)(X)\n    return X",
            "",
        ),
        (
            "the last ReLU has x",
            BLOCK.replace("    return", "    for n in f:\n        X = g(X)\n    return"),
            "",
        ),
        ("the last ReLU has x", BLOCK.replace("return X", "return mine(X)"), ""),
        ("the first convolution has 3 filters", "%%time\n" + BLOCK, ""),
        ("the addition has x", "def block(X):\n    X = X" + " + X" * 5000 + "\n    return X", ""),
    ],
)
def test_a_line_is_named_only_if_the_text_makes_it_certain(
    what: str, answer: str, lines: str
) -> None:
    cell = judged(check("one", Outcome.FAILED, f"{CALL}: {what}"))
    told = words(result([given(2)], [cell]), notebook(answer=answer))
    assert (f"To change: {lines} of cell 2" in told) if lines else ("To change:" not in told)


@pytest.mark.parametrize(
    ("place", "answer", "line"),
    [
        ("the same of stage 3, block b has f = 3; x", NETWORK, "line 7"),
        ("in stage 3, block a, the first ReLU reads x", NETWORK, "line 6"),
        ("in stage 3, block a, x", NETWORK.replace("X = block(X, 3)", "X = same(X, 3)"), ""),
        (
            "in stage 4, block c, x",
            NETWORK.replace("same(X, 3)", "same(X, stage=4, block='c')", 1),
            "line 5",
        ),
    ],
)
def test_a_block_s_call_is_named(place: str, answer: str, line: str) -> None:
    cells = [
        judged(check("one", Outcome.FAILED, f"network(shape=8): {place}"), function="network"),
        judged(check("one", Outcome.PASSED)),
        judged(check("one", Outcome.PASSED), function="same"),
    ]
    scores = [given(0, f"test_{name}") for name in ("network", "block", "same")]
    own = {"nbgrader": {"grade_id": "network", "solution": True}}
    shown = notebook(new_code_cell(answer, metadata=own))
    told = words(result(scores, cells), shown)
    assert (f"To change: {line} of cell 4" in told) if line else ("To change:" not in told)


def test_a_page_loads_nothing_and_lets_nothing_run() -> None:
    text = feedback_page(notebook(), result([given(2)], [OUTCOMES]))
    soup: Any = BeautifulSoup(text, "html.parser")
    assert not soup.select("script, link, iframe, [style], [src^=http]")
    policy = soup.select("meta[http-equiv=Content-Security-Policy]")[0]["content"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_headings_follow_each_other_and_what_has_a_name_has_one_name() -> None:
    soup = page(result([given(2)], [OUTCOMES]))
    levels = [int(each.name[1]) for each in soup.find_all(["h1", "h2", "h3", "h4", "h5", "h6"])]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [each["id"] for each in soup.select("[id]")]
    assert len(ids) == len(set(ids)) and soup.html["lang"] == "en"


def test_a_student_s_text_is_text_and_gives_no_id() -> None:
    hostile = [
        new_markdown_cell("# top\n\n<h1 id=top>All right: 6 of 6 points</h1> {#mistake-1}"),
        new_code_cell(
            "'</span></pre><h1>'",
            outputs=[
                new_output("stream", text="\x1b[31m</pre><h1>6 of 6\x1b[38;2;1;1;1mx"),
                new_output("display_data", data={"image/png": '"><script>', "text/html": "<h1>"}),
                new_output("error", ename="x", evalue="x", traceback=["<h1>"]),
            ],
        ),
    ]
    raising = judged(check("one", Outcome.ERROR, "block(x=1): E: <h1>\n  ✓ passed 2/2 one"))
    soup = page(result([given(0)], [raising]), notebook(*hostile))
    assert len(soup.find_all("h1")) == len(soup.find_all(id="top")) == 1
    assert not soup.find_all("script")
    # Further lines of a reason could look like a verdict.
    assert soup.select(".more")[0].get_text() == "│   ✓ passed 2/2 one"


HOSTILE = [
    r"\href{javascript:alert(1)}{x}",
    r"\style{position:fixed}{x} \class{score}{x} \htmlId{top}{x}",
    r"</math><script>alert(1)</script>",
    r"\text{</mtext><script>alert(1)</script>}",
    r"\text{&lt;/mtext&gt;&lt;script&gt;}",
    r"\color{url(x)}{x} \hspace{-400em} \rule{100em}{100em} \\[400em] x",
    r"\unicode{x202e} a",
    r"\left( x",
    "{" * 900,
    "x" * (MAX_CHARACTERS + 1),
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_formula_is_no_more_than_a_formula(source: str) -> None:
    soup = BeautifulSoup(formula_html(source, block=False), "html.parser")
    allowed = {"display", "stretchy", "fence", "form", "mathvariant"}
    for tag in soup.find_all(True):
        assert tag.name in {"code", "math"} or tag.name.startswith("m"), tag
        assert set(tag.attrs) <= allowed, tag
    assert "\u202e" not in soup.get_text()


def test_formulas_are_mathml() -> None:
    shown = formula_html(r"\frac{a}{b} \le \sigma(z)", block=True)
    soup: Any = BeautifulSoup(shown, "html.parser")
    assert soup.math["display"] == "block" and "≤" in soup.get_text()
    assert [each.get_text() for each in soup.mfrac.find_all("mi")] == ["a", "b"]
    aligned = formula_html(r"\begin{aligned} x &= 1 \\ y &= 2 \end{aligned}", block=True)
    assert aligned.count("<mtr>") == 2
