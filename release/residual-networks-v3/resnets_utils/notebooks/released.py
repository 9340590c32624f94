"""Read the release that answers are carried into: its graded cells, and the names it gives."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from resnets_utils.errors import StudentError
from resnets_utils.notebooks.python_text import PythonText, signature_place
from resnets_utils.notebooks.stamp import KEY


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        path: its notebook.
        notebook: what the notebook holds.

    """

    path: Path
    notebook: NotebookNode

    @cached_property
    def solutions(self) -> dict[str, NotebookNode]:
        """The cells for answers, by the function that each defines."""
        found = {}
        for cell in self.notebook.cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            if nbgrader.get("solution") and str(nbgrader.get("grade_id", "")).isidentifier():
                found[nbgrader.grade_id] = cell
        return found

    @cached_property
    def blank_functions(self) -> dict[str, ast.FunctionDef]:
        """The graded functions as the release's notebook now has them."""
        found = {}
        for name, cell in self.solutions.items():
            tree = PythonText(cell.source).tree
            for node in tree.body if tree else ():
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    found[name] = node
        return found

    def signature(self, function: str) -> str:
        """Return the text between the parentheses of a graded function's first line."""
        python = PythonText(self.solutions[function].source)
        start, end = signature_place(python, self.blank_functions[function])
        return python.text[start:end]

    @cached_property
    def words(self) -> str:
        """The text of the cells that are no code."""
        return "\n".join(c.source for c in self.notebook.cells if c.cell_type == "markdown")

    @cached_property
    def given(self) -> dict[str, str]:
        """The names that the locked imports cells give, with their full names."""
        found: dict[str, str] = {}
        for cell in self.notebook.cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and nbgrader.get("locked") and not nbgrader.get("grade"):
                tree = PythonText(cell.source).tree
                for node in tree.body if tree else ():
                    found |= imported_names(node)
        return found

    @property
    def version(self) -> str:
        """The release's version, such as v3; "" if it does not say."""
        return version_of(dict(self.notebook.metadata), self.path)

    def is_untouched(self) -> bool:
        """Return whether every cell for answers is still as released."""
        return all(_as_released(cell) for cell in self.solutions.values())


def imported_names(statement: ast.stmt) -> dict[str, str]:
    """Return the names that an import statement binds, with their full names."""
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        return {
            alias.asname or alias.name: f"{statement.module}.{alias.name}"
            for alias in statement.names
            if alias.name != "*"
        }
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: (
                alias.name if alias.asname else alias.name.split(".")[0]
            )
            for alias in statement.names
        }
    return {}


def version_of(metadata: dict[str, Any], path: Path) -> str:
    """Return a notebook's version by its stamp, or by its file's name; "" if neither tells it."""
    stamp = metadata.get(KEY)
    if isinstance(stamp, dict) and isinstance(stamp.get("version"), str):
        return str(stamp["version"])[:20]
    found = re.search(r"[-_ ](v\d+[a-z]?)\b", path.stem)
    return found[1] if found else ""


def _as_released(cell: NotebookNode) -> bool:
    """Whether a cell's text is the one that nbgrader's checksum was taken of."""
    return str(cell.metadata.nbgrader.get("checksum")) == checksum(
        cell.cell_type, cell.source, dict(cell.metadata.nbgrader)
    )


def checksum(kind: str, source: str, nbgrader: dict[str, Any]) -> str:
    """Return what nbgrader's ``compute_checksum`` gives for a cell."""
    grade = bool(nbgrader.get("grade"))
    solution = bool(nbgrader.get("solution"))
    locked = not solution and (grade or bool(nbgrader.get("locked")))
    parts = [source, kind, str(grade), str(solution), str(locked), str(nbgrader.get("grade_id"))]
    if grade:
        parts.append(str(float(nbgrader.get("points") or 0)))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def read_release(path: Path) -> Release:
    """Return the release in a notebook or in a folder that holds one.

    Raises:
        StudentError: if there is none, or more than one.

    """
    if not path.is_dir():
        release = _release(path)
        if release is None:
            raise StudentError(
                f"{path} is no release: no cell of it is kept for an answer",
                "name the folder that your instructor gave out, or the notebook in it",
            )
        return release
    return _the_one(path, _releases_in(path))


def release_here(old: Path) -> Release:
    """Return the release in this folder, or in the folder that holds ``resnets_utils``.

    Args:
        old: the earlier notebook, which is not meant even if it lies there.

    Raises:
        StudentError: if there is none, or more than one.

    """
    here = Path.cwd()
    found: list[Release] = []
    for folder in dict.fromkeys((here, Path(__file__).resolve().parents[2])):
        found = [
            release
            for release in _releases_in(folder)
            if not (old.exists() and release.path.samefile(old))
        ]
        if found:
            break
    blank = [release for release in found if release.is_untouched()]
    return _the_one(here, blank if len(blank) == 1 else found)


def _the_one(folder: Path, found: list[Release]) -> Release:
    if len(found) == 1:
        return found[0]
    if not found:
        raise StudentError(
            f"there is no notebook with cells for answers in {folder}",
            "name the release with --release, or release= in a notebook",
        )
    names = ", ".join(release.path.name for release in found)
    raise StudentError(
        f"several notebooks here have cells for answers: {names}",
        "name the one to fill with --release, or release= in a notebook",
    )


def _releases_in(folder: Path) -> list[Release]:
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            release = _release(path)
        except StudentError:
            continue  # some other file; it matters only when it is named
        if release is not None:
            found.append(release)
    return found


def _release(path: Path) -> Release | None:
    try:
        notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        release = Release(path.resolve(), notebook)
        return release if release.solutions else None
    except FileNotFoundError:
        raise StudentError(f"{path} is not there", "look for its name in the file list") from None
    except Exception as error:
        first_line = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise StudentError(
            f"{path} cannot be read as a release: {first_line}",
            "take it from what your instructor gave out again",
        ) from None
