"""Find a course's assignments and read their notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.errors import AuthoringError

# nbgrader's settings for the kit.
SETTINGS = ("nbgrader_config.py", "nbgrader_config.json")


@dataclass(frozen=True)
class Assignment:
    """One assignment of a course.

    Attributes:
        course: the course folder.
        name: the assignment's name, that of its folder.

    """

    course: Path
    name: str

    @property
    def source(self) -> Path:
        """The source notebook."""
        found = sorted((self.course / "source" / self.name).glob("*.ipynb"))
        if len(found) != 1:
            raise AuthoringError(
                f"{self.course / 'source' / self.name} holds {len(found)} notebooks, not one",
                "keep one notebook in an assignment's source folder",
            )
        return found[0]

    @property
    def notebook(self) -> str:
        """The notebook's name, without its ending."""
        return self.source.stem

    @property
    def release(self) -> Path:
        """The released notebook."""
        return self.course / "release" / self.name / f"{self.notebook}.ipynb"

    @property
    def tests(self) -> Path:
        """The folder of hidden tests and known answers."""
        return self.course / "grader_tests" / self.name


def assignments(course: Path) -> list[Assignment]:
    """Return the course's assignments, in the order of their names.

    Raises:
        AuthoringError: if there is no assignment.

    """
    folders = sorted(path for path in (course / "source").glob("[!.]*") if path.is_dir())
    if not folders:
        raise AuthoringError(
            f"there is no assignment in {course / 'source'}",
            "run the command in the course folder, beside source/, or begin an assignment, with: "
            "coursekit new-assignment averages-v1 running_mean",
        )
    return [Assignment(course, folder.name) for folder in folders]


def find_assignment(course: Path, name: str) -> Assignment:
    """Return the course's assignment of that name.

    Raises:
        AuthoringError: if there is no such assignment.

    """
    known = {assignment.name: assignment for assignment in assignments(course)}
    if name not in known:
        raise AuthoringError(
            f"there is no assignment {name!r} in {course / 'source'}",
            f"choose one of: {', '.join(known)}",
        )
    return known[name]


def refuse_other_folder(course: Path) -> None:
    """Raise if a folder lacks what makes it a course of the kit's.

    Raises:
        AuthoringError: naming the file.

    """
    for name in SETTINGS:
        if not (course / name).is_file():
            raise AuthoringError(
                f"{course} is not a course folder: {name} is missing",
                "run the command in the course folder, or make a course, with: "
                "coursekit init mycourse",
            )


def read_notebook(path: Path) -> NotebookNode:
    """Return a notebook.

    Raises:
        AuthoringError: if the file cannot be read as one.

    """
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        _refuse_strange_cells(notebook)
    except FileNotFoundError:
        raise AuthoringError(f"{path} is missing", "generate it: coursekit release") from None
    except Exception as error:
        raise AuthoringError(
            f"{path} cannot be read as a notebook: {str(error).partition(chr(10))[0]}",
            "open it in JupyterLab and save it, or restore it from git",
        ) from None
    return notebook


def _refuse_strange_cells(notebook: NotebookNode) -> None:
    """Raise ValueError for what nbformat reads although no program can work with it."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.get("cell_type") not in {"code", "markdown", "raw"}:
            raise ValueError(f"cell {number} is of the unknown type {cell.get('cell_type')!r}")
        if not isinstance(cell.get("source"), str):
            raise ValueError(f"cell {number} has no text")
        nbgrader = cell.metadata.get("nbgrader", {})
        if not isinstance(nbgrader, dict):
            raise ValueError(f"cell {number} has metadata of nbgrader's that are no table")
        if not isinstance(nbgrader.get("grade_id") or "", str):
            raise ValueError(f"cell {number} has an id that is no text: {nbgrader['grade_id']!r}")


def read_text(path: Path) -> str:
    """Return the text of a file that an author wrote.

    Raises:
        AuthoringError: if it is no text in UTF-8, or no file.

    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AuthoringError(
            f"{path} cannot be read: its byte {error.start + 1} is no UTF-8",
            "save it as UTF-8",
        ) from None
    except IsADirectoryError:
        raise AuthoringError(
            f"{path} cannot be read: it is a folder", "rename the folder, or remove it"
        ) from None


def cells_by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return nbgrader's cells of a notebook by their grade ids."""
    named = ((cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in notebook.cells)
    return {grade_id: cell for grade_id, cell in named if grade_id}
