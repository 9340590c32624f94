"""Whether a release has the files that its notebook loads, in its code and in its text."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from coursekit.grading.undefined_names import error_in_words

_SOURCE = re.compile(r"""<(?:img|source|video|audio)\b[^>]*?\bsrc\s*=\s*["']?([^"'\s>]+)""", re.I)


def cell_errors(run: NotebookNode, released: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield each cell that ended in an error in a run with the solution, and the error.

    Such a cell may load what is not in the release.

    Args:
        run: the notebook after the run.
        released: the notebook as it was released, which knows the cells' ids.

    """
    ids = {cell.source: cell.id for cell in released.cells}
    for cell in run.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                error = error_in_words(output.ename, output.evalue)
                yield ids.get(cell.source, cell.id), error


def lacking_files(released: NotebookNode, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each text cell that shows or links a file which is not in the release, and the file.

    Args:
        released: the released notebook.
        folder: the folder that students get.

    """
    for cell in released.cells:
        if cell.cell_type == "markdown":
            for address in dict.fromkeys(_addresses(cell.source)):
                if not _is_elsewhere(address) and not _is_in(folder, address):
                    yield cell.id, address


def _addresses(text: str) -> list[str]:
    """What a Markdown text shows and links."""
    reader = _AddressReader(escape=False)
    MarkdownWithMath(renderer=reader).render(text)
    return reader.found


class _AddressReader(IPythonRenderer):
    """Takes down the addresses of pictures and links."""

    def __init__(self, escape: bool) -> None:
        super().__init__(escape=escape)
        self.found: list[str] = []

    def link(self, text: str, url: str, title: str | None = None) -> str:
        self.found.append(url)
        return text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        self.found.append(url)
        return text

    def inline_html(self, html: str) -> str:
        self.found += _SOURCE.findall(html)
        return html

    def block_html(self, html: str) -> str:
        self.found += _SOURCE.findall(html)
        return html


def _is_elsewhere(address: str) -> bool:
    """Whether an address leads to the internet, or to a place in this page."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        # A release keeps no attachment: see `normal_form`.
        return bool(parts.netloc or not parts.path) or parts.scheme not in ("", "attachment")
    return False


def _is_in(folder: Path, address: str) -> bool:
    with contextlib.suppress(ValueError):
        place = os.path.realpath(folder / unquote(urlsplit(address).path))
        inside = Path(place).is_relative_to(os.path.realpath(folder))
        return inside and os.path.exists(place) and not address.startswith("attachment:")
    return False
