"""A feedback page: the result first, then the notebook, in one file that loads nothing.

Our own template with automatic escaping takes the place of nbgrader's and nbconvert's, which
load scripts from another machine, and which no setting brings to show a result first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import chain
from pathlib import Path
from textwrap import dedent
from typing import Any

from markupsafe import Markup
from nbconvert.filters import ansi2html
from nbformat import NotebookNode

from coursekit.pages.bounded import numbered
from coursekit.pages.found_mistakes import CodeLine, Mistake
from coursekit.pages.lines_to_change import lines_to_change
from coursekit.pages.markdown import attached_pictures, markdown_html
from coursekit.pages.page_template import PageTemplate, page_template
from coursekit.pages.result import Part, Result, points

_FOLDER = Path(__file__).resolve().parent / "feedback"
_PICTURES = ("image/png", "image/jpeg")
_CELL = re.compile(r"\bcell (\d+)\b")
_HEADING = re.compile(r"<(/?)h([1-6])>")
# The page's own headings above those of the notebook.
_ABOVE, _LOWEST = 2, 6


@dataclass(frozen=True)
class PageCell:
    """A cell of the notebook as it stands on the page.

    Attributes:
        number: its place, from 1, as remarks and messages count.
        grade_id: its name; "" if it has none.
        kind: "text", "answer", "test" or "code".
        text: what it holds, as HTML.
        outputs: what it put out, as HTML.
        part: what it got, if it gives points.
        comment: what a person wrote about it, as HTML.

    """

    number: int
    grade_id: str
    kind: str
    text: Markup
    outputs: tuple[Markup, ...]
    part: Part | None
    comment: Markup | None


@dataclass(frozen=True)
class NamedLines:
    """Lines of the student's that a mistake's reason speaks of.

    Attributes:
        label: what they are named for.
        cell: the number of their cell; 0 if it is not known.
        first: the first line's number in its cell.
        last: the last one's.
        text: what stands there.

    """

    label: str
    cell: int
    first: int
    last: int
    text: str


@dataclass
class Outline:
    """The levels of the notebook's headings, below the page's own and without a gap."""

    open: list[int] = field(default_factory=list)

    def fitted(self, html: str) -> str:
        """Return HTML with its headings at their level; it has no other elements h1 to h6."""
        return _HEADING.sub(self._fit, html)

    def _fit(self, found: re.Match[str]) -> str:
        level = int(found[2])
        if not found[1]:
            self.open = [each for each in self.open if each < level] + [level]
        return f"<{found[1]}h{min(_ABOVE + len(self.open), _LOWEST)}>"


def feedback_page(notebook: NotebookNode, result: Result, language: str = "en") -> str:
    """Return the page of a graded notebook.

    Args:
        notebook: the notebook, as grading left it.
        result: what it got.
        language: the language of the notebook.

    """
    places = _places(notebook)
    template, style, digest = _template()
    outline = Outline()
    sources = {number: cell.source.split("\n") for number, cell in enumerate(notebook.cells, 1)}
    functions = [part.name for part in result.parts if part.checks]
    lines = [_lines_of(mistake, places, sources, functions) for mistake in result.mistakes]
    comments = {name: _text(words, outline) for name, words in result.comments.items() if words}
    cells = [
        _page_cell(number, cell, result, comments, outline, chain.from_iterable(lines))
        for number, cell in enumerate(notebook.cells, 1)
        if cell.source.strip() or cell.get("outputs")
    ]
    return template.render(
        result=result,
        cells=cells,
        comments=comments,
        places=places,
        style=style,
        style_digest=digest,
        language=language,
        points=points,
        linked=lambda words: _linked(words, {cell.number for cell in cells}),
        lines=lines,
    )


@lru_cache(maxsize=1)
def _template() -> PageTemplate:
    return page_template(_FOLDER / "page.html.j2", _FOLDER / "page.css")


def _name(cell: NotebookNode) -> str:
    about = cell.metadata.get("nbgrader", {})
    return str(about.get("grade_id", "")) if isinstance(about, dict) else ""


def _places(notebook: NotebookNode) -> dict[str, int]:
    """The number of each cell that has a name, by its name."""
    return {_name(cell): at for at, cell in enumerate(notebook.cells, 1) if _name(cell)}


def _page_cell(
    number: int,
    cell: NotebookNode,
    result: Result,
    comments: Mapping[str, Markup],
    outline: Outline,
    named: Iterable[NamedLines],
) -> PageCell:
    name = _name(cell)
    part = next((each for each in result.parts if each.grade_id == name), None)
    about = cell.metadata.nbgrader if name else {}
    asked = bool(about.get("solution") or about.get("task"))
    kind = "text" if cell.cell_type == "markdown" else "code"
    if part or asked:
        kind = "answer" if asked else "test"
    outputs: tuple[Markup, ...] = ()
    if cell.cell_type == "markdown":
        text = _text(cell.source, outline, attached_pictures(cell.get("attachments")))
    elif cell.cell_type == "code":
        marked = {
            line
            for each in named
            if each.cell == number
            for line in range(each.first, each.last + 1)
        }
        text = Markup(numbered(cell.source, f"cell-{number}-line", marked))
        # What the judge put below a test cell stands there anyway.
        if not (part and part.checks):
            outputs = tuple(_output(output, number) for output in cell.outputs)
    else:
        text = Markup(f"<pre>{escape(cell.source)}</pre>")
    return PageCell(
        number, name, kind, text, tuple(filter(None, outputs)), part, comments.get(name)
    )


def _text(source: str, outline: Outline, pictures: Mapping[str, str] | None = None) -> Markup:
    return Markup(outline.fitted(markdown_html(source, pictures)))


def _output(output: NotebookNode, number: int) -> Markup:
    """An output as HTML: pictures and text, as grading left them."""
    if output.output_type == "stream":
        return _plain(output.text)
    if output.output_type == "error":
        return _plain("\n".join(output.traceback))
    data: dict[str, Any] = output.get("data", {})
    for kind in _PICTURES:
        if kind in data:
            address = escape(f"data:{kind};base64,{''.join(data[kind]).strip()}")
            return Markup(f'<img src="{address}" alt="Picture that cell {number} drew">')
    return _plain(data.get("text/plain", ""))


def _plain(text: str) -> Markup:
    return Markup(f"<pre>{ansi2html(text)}</pre>") if text.strip() else Markup()


def _linked(words: str, numbers: set[int]) -> Markup:
    """Words with their cells' numbers as links."""

    def link(found: re.Match[str]) -> str:
        number = int(found[1])
        return f'<a href="#cell-{number}">{found[0]}</a>' if number in numbers else found[0]

    return Markup(_CELL.sub(link, escape(words)))


def _lines_of(
    mistake: Mistake,
    places: Mapping[str, int],
    sources: Mapping[int, list[str]],
    functions: list[str],
) -> list[NamedLines]:
    """The lines that a mistake's reason speaks of, those that are to be changed first."""
    reason, own = mistake.reason, mistake.functions[0]
    found = []
    number = places.get(own, 0)
    for sentence in (*reason.more, reason.what) if number else ():
        source = "\n".join(sources[number])
        if lines := lines_to_change(sentence, source, own, functions):
            text = dedent("\n".join(sources[number][lines[0] - 1 : lines[1]]))
            found.append(NamedLines("To change", number, *lines, text))
            break
    label = "Raised in" if found or len(reason.lines) > 1 else "To change"
    found += [
        NamedLines(
            label,
            _cell_of(line, mistake.functions, places, sources),
            line.number,
            line.number,
            line.text,
        )
        for line in reversed(reason.lines)
    ]
    return found


def _cell_of(
    line: CodeLine,
    functions: list[str],
    places: Mapping[str, int],
    sources: Mapping[int, list[str]],
) -> int:
    """The number of the cell in which a line stands; 0 if it is not known."""
    first = [places[name] for name in functions if name in places]
    for number in (*first, *sources):
        lines = sources[number]
        if line.number <= len(lines) and lines[line.number - 1].strip() == line.text.strip():
            return number
    return 0
