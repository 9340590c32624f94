"""No markdown of a student's puts a tag of its own, a script or a foreign picture into a page."""

from __future__ import annotations

import re

import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_markdown_cell, new_notebook

from coursekit.course.assignment import Assignment, read_notebook
from coursekit.pages.bounded import highlighted
from coursekit.pages.markdown import MAX_CHARACTERS, markdown_html

FILTERS = {"markdown2html": "coursekit.pages.markdown.cell_html"}
HOSTILE = [
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    "<div\nonclick=alert(1)>\n\n# a heading <b onmouseover=alert(1)>x</b>",
    "<!-- --!><script>alert(1)</script> -->",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](java\tscript:alert(1))",
    "[a](javascript&#58;alert(1)) [b](javascript&colon;alert(1)) [c](&#106;avascript:alert(1))",
    "[a](data:text/html,<script>alert(1)</script>) [b](vbscript:x) <javascript:alert(1)>",
    "[a][r]\n\n[r]: javascript:alert(1)",
    '![a" onerror="alert(1)](x.png) ![a](x.png\'onerror=alert(1))',
    '![a](x.png "t\\" onerror=alert(1)") [a](x.png "t\\" onclick=alert(1)")',
    "![a](https://elsewhere.example/x.png) ![b](//elsewhere.example/x) ![c](\\\\elsewhere.example)",
    "[a](/logout) [b](../../../logout) [c](\\\\elsewhere.example) [d](http:/logout)",
    "[a](HTTP:logout) [b](https:logout) [c](x:y)",
    "![a](/logout) ![b](../../../logout) ![c](x/%2e%2e/%2e%2e/logout) ![d](&#47;logout)",
    "![a](data:image/svg+xml;base64,PHN2Zy8+) ![b](data:text/html,x)",
    "$$</script><script>alert(1)</script>$$ $<img src=x onerror=alert(1)>$",
    "\\begin{a}<script>alert(1)</script>\\end{a}",
    "```<script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
    "```mermaid\ngraph TD; A[<script>alert(1)</script>]\n```",
    "|<script>alert(1)</script>|b|\n|-|-|\n|<svg onload=alert(1)>|c|",
]


def html(source: str) -> str:
    """The cell as nbconvert's page has it."""
    exporter = HTMLExporter(template_name="basic", filters=FILTERS)
    notebook = new_notebook(cells=[new_markdown_cell(source)])
    text: str = exporter.from_notebook_node(notebook)[0]
    return text


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_of_it_runs_or_asks_elsewhere(source: str) -> None:
    for tag in re.findall(r"<[^>]*>", html(source)):
        assert not re.match(r"<(script|svg|iframe|style|form|meta)", tag, re.IGNORECASE), tag
        names = re.sub(r"\"[^\"]*\"|'[^']*'", "", tag)
        assert not re.search(r"\son\w+\s*=", names), tag
        for address in re.findall(r"(?:href|src)=\"([^\"]*)\"", tag):
            assert re.match(r"#|x\.png$|https?://[a-z]|$", address), tag
            assert not (tag.startswith("<img") and ":" in address), tag


def test_links_to_other_pages_work() -> None:
    page = html("[a](https://keras.io/api?x=1) <https://keras.io> [b](#up) [c](images/x.png)")
    assert re.findall('href="([^"]*)"', page) == [
        "https://keras.io/api?x=1",
        "https://keras.io",
        "#up",
        "images/x.png",
    ]


def test_pictures_attached_to_a_cell_are_shown_and_nothing_else_is() -> None:
    pixel = "iVBORw0KGgo="
    attached = {
        "a b.png": {"image/png": pixel},
        "page": {"text/html": "PHNjcmlwdD4="},
        "drawing": {"image/svg+xml": "PHN2Zy8+"},
        "odd": {"image/png": '"><script>alert(1)</script>'},
    }
    source = " ".join(f"![x](attachment:{name.replace(' ', '%20')})" for name in attached)
    exporter = HTMLExporter(template_name="basic", filters=FILTERS)
    cell = new_markdown_cell(source, attachments=attached)
    page: str = exporter.from_notebook_node(new_notebook(cells=[cell]))[0]
    assert re.findall(r'<img[^>]* src="([^"]*)"', page) == [f"data:image/png;base64,{pixel}"]
    assert "<script" not in page
    assert "x (attachment:drawing)" in page


def test_what_the_notebooks_hold_looks_as_before(assignment: Assignment) -> None:
    cells = [cell for cell in read_notebook(assignment.source).cells if cell.cell_type != "code"]
    ours = [markdown_html(cell.source) for cell in cells]
    assert sum(text.count("<img") for text in ours) > 3
    assert sum(text.count("<h2") for text in ours) > 3
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    theirs = [MarkdownWithMath(renderer=renderer).render(cell.source) for cell in cells]
    # Formulas are translated, and tables stand in a box.
    assert [plain(text) for text in ours] == [plain(text) for text in theirs]


def plain(page: str) -> str:
    """The page without its formulas and what is around its tables."""
    page = re.sub(r"<span class=.scroll.[^>]*>(.*?)</span>", r"\1", page)
    page = re.sub(r"<math.*?</math>|\$\$.*?\$\$|\$.*?\$", "FORMULA", page)
    page = re.sub(
        r"<div class=.scroll.[^>]*>(<table>.*?</table>)</div>", r"\1", page, flags=re.DOTALL
    )
    return re.sub(r" (class|style)=.(text-align:)?(center|right|left).", "", page)


def test_a_text_that_would_hold_up_its_reader_is_shown_as_it_is() -> None:
    text = "*a <b>" * MAX_CHARACTERS
    assert markdown_html(text) == f"<pre>{text.replace('<b>', '&lt;b&gt;')}</pre>"


@pytest.mark.parametrize("text", ["```make\n" + "{" * 18_000, "# a" + " " * 19_000 + "b"])
def test_a_short_text_that_would_hold_up_its_reader_is_shown_as_it_is(text: str) -> None:
    assert markdown_html(text) == f"<pre>{text}</pre>"


@pytest.mark.parametrize("text", ["x = a" + ".a" * 9_000, "x" + "\n" * 300 + "y"])
def test_code_that_would_hold_up_its_reader_is_shown_without_colours(text: str) -> None:
    assert highlighted(text) == f'<div class="highlight hl-ipython3"><pre>{text}</pre></div>'


def test_code_is_coloured_as_nbconvert_does(assignment: Assignment) -> None:
    theirs = Highlight2HTML(pygments_lexer="ipython3")
    sources = [cell.source for cell in read_notebook(assignment.source).cells]
    assert [highlighted(text) for text in sources] == [theirs(text) for text in sources]
