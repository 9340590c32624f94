"""An assignment's ``assignment.toml``: its version, what changed, and the library it needs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from coursekit.course.assignment import read_text
from coursekit.errors import AuthoringError

FILE = "assignment.toml"
UPDATES_CELL = "updates"
PLACEHOLDER = "{updates}"

_KEYS = dict.fromkeys(("version", "previous", "updates", "library"))
# A version ends an assignment's name: residual-networks-v2a.
_VERSION = re.compile(r"v([0-9]{1,4})([a-z]?)")


@dataclass(frozen=True)
class AssignmentFile:
    """One assignment's settings.

    Attributes:
        version: the version, such as "v2a".
        previous: the version before; "" for the first.
        updates: what changed since then, a line of Markdown each.
        library: modules of the library that students get besides those which the
            notebook uses, such as "upgrade".

    """

    version: str
    previous: str
    updates: tuple[str, ...]
    library: tuple[str, ...] = ()

    def as_markdown(self) -> str:
        """Return the list of updates as it appears in the notebook."""
        if not self.previous:
            return f"This is version {self.version}, the first."
        lines = "\n".join(f"- {update}" for update in self.updates)
        return f"This is version {self.version}. Since version {self.previous}:\n\n{lines}"


def version_of(assignment: str) -> str:
    """Return the version at the end of an assignment's name; "" without one."""
    last = assignment.rpartition("-")[2]
    return last if _VERSION.fullmatch(last) else ""


def version_order(assignment: str) -> tuple[int, str]:
    """Return what sorts assignments by their versions: v2a before v3, v9 before v10."""
    found = _VERSION.fullmatch(version_of(assignment))
    return (int(found[1]), found[2]) if found else (0, assignment)


def read_assignment_file(folder: Path) -> AssignmentFile:
    """Read the ``assignment.toml`` of an assignment's source folder.

    Raises:
        AuthoringError: if it is missing or malformed, naming the file and the key.

    """
    path = folder / FILE
    try:
        written = tomllib.loads(read_text(path))
    except FileNotFoundError:
        raise AuthoringError(
            f"{path} is missing",
            'write it with version = "v1", previous = "" and updates = []',
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise AuthoringError(f"{path} cannot be read: {error}", "correct that place") from None
    unknown = sorted(set(written) - set(_KEYS))
    if unknown:
        raise AuthoringError(
            f"{path} has unknown keys: {', '.join(unknown)}", f"use only: {', '.join(_KEYS)}"
        )
    version, previous, updates = (written.get(key) for key in ("version", "previous", "updates"))
    expected = version_of(folder.name)
    if not isinstance(version, str) or not version or version != expected:
        raise AuthoringError(
            f"{path}: version is {version!r}, but the assignment's name ends in {expected!r}",
            "change one of them: a name ends in its version, such as residual-networks-v2a",
        )
    if not isinstance(previous, str) or (previous and not _VERSION.fullmatch(previous)):
        raise AuthoringError(
            f"{path}: previous is {previous!r}",
            'name the version before, such as "v2", or write "" for the first',
        )
    if not isinstance(updates, list) or not all(_is_line(update) for update in updates):
        raise AuthoringError(
            f"{path}: updates is not a list of lines",
            "write one line for each change",
        )
    if previous and not updates:
        raise AuthoringError(
            f"{path}: updates is empty, but the version follows {previous}",
            "write one sentence for each change",
        )
    library = written.get("library", [])
    if not isinstance(library, list) or not all(_is_line(room) for room in library):
        raise AuthoringError(
            f"{path}: library is not a list of names",
            'name modules of resnets_utils, such as ["upgrade"], or leave it out',
        )
    return AssignmentFile(version, previous, tuple(updates), tuple(library))


def updates_cell(notebook: NotebookNode, settings: AssignmentFile) -> NotebookNode | None:
    """Return the cell that shows the updates; None if a first version has no such cell.

    Raises:
        AuthoringError: if it is missing, or has no place for the list.

    """
    cells: list[NotebookNode] = [cell for cell in notebook.cells if cell.get("id") == UPDATES_CELL]
    if not cells and not settings.previous:
        return None
    fits = [
        cell
        for cell in cells
        if cell.cell_type == "markdown"
        and "nbgrader" not in cell.metadata
        and cell.source.count(PLACEHOLDER) == 1
    ]
    if len(cells) != 1 or not fits:
        raise AuthoringError(
            "the list of updates has no place",
            f"give one markdown cell the id {UPDATES_CELL}, with {PLACEHOLDER} once in its text",
        )
    return fits[0]


def new_assignment_file(version: str, previous: str, library: Sequence[str] = ()) -> str:
    """Return the text of a new version's ``assignment.toml``.

    After a previous version the list of updates is empty, and must be written before a release.
    """
    updates = (
        "# One sentence for each change, in quotation marks and followed by a comma.\n"
        "updates = [\n]\n"
        if previous
        else "updates = []\n"
    )
    return (
        "# Students read the list of updates in the notebook's cell `updates`.\n"
        f'version = "{version}"\n'
        f'previous = "{previous}"\n'
        f"{updates}"
        "# Modules of resnets_utils that students get besides those which the notebook uses.\n"
        f"library = {json.dumps(list(library))}\n"
    )


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value
