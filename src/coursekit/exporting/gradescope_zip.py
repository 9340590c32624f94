"""``coursekit gradescope``: an autograder for Gradescope, in a zip."""

from __future__ import annotations

from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import SETTINGS, find_assignment, refuse_other_folder
from coursekit.errors import CourseKitError
from coursekit.exporting.own_wheel import own_wheel, zipped
from coursekit.gradebook.address import GRADEBOOK, configured_url, without_password
from coursekit.gradebook.asked_cells import asked_cells
from coursekit.gradebook.blank_copy import copy_without_students
from coursekit.gradebook.database import is_missing
from coursekit.processes.temporary_files import temporary_folder
from coursekit.processes.whole_files import write_whole

_FILES = Path(__file__).parent / "autograder"
_PROGRAMS = frozenset({"setup.sh", "run_autograder"})
_PINS = "requirements.lock"
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints", "datasets"}


def make_autograder(course: Path, name: str, out: Path | None, say: Say) -> Path:
    """Write the zip; return its path.

    It has the kit, and of the course the settings, the release, the source and what the
    gradebook asks for: no student and no other assignment, but for versions that submissions
    may have been made from.

    Args:
        course: the course folder.
        name: the assignment's name.
        out: the file to write; None for one in ``build/gradescope/``.
        say: shows what was written.

    Raises:
        CourseKitError: if the assignment was not generated, or nothing can be written.

    """
    refuse_other_folder(course)
    assignment = find_assignment(course, name)
    url = configured_url(course)
    asked = {} if is_missing(url) else asked_cells(url)
    if name not in asked or not assignment.release.is_file():
        raise CourseKitError(
            f"{name} is not in {without_password(url)} and {course / 'release'}",
            f"generate it first, with: nbgrader generate_assignment {name}",
        )
    forms = [cells.asks_for for cells in asked[name].values()]
    versions = [
        other
        for other, notebooks in asked.items()
        if [cells.asks_for for cells in notebooks.values()] == forms
    ]
    files = {path.name: path.read_bytes() for path in sorted(_FILES.iterdir()) if path.is_file()}
    wheel, content = own_wheel()
    files[f"kit/{wheel}"] = content
    if (course / _PINS).is_file():
        files[_PINS] = (course / _PINS).read_bytes()
    for setting in SETTINGS:
        files[f"course/{setting}"] = (course / setting).read_bytes()
    files[f"course/source/{name}/{assignment.source.name}"] = assignment.source.read_bytes()
    for version in versions:
        files |= _files_of(course, course / "release" / version)
    with temporary_folder("coursekit-gradescope-") as folder:
        copy_without_students(url, folder / GRADEBOOK, versions)
        files[f"course/{GRADEBOOK}"] = (folder / GRADEBOOK).read_bytes()
    target = out or course / "build" / "gradescope" / name / "autograder.zip"
    try:
        if out is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, zipped(files, _PROGRAMS), 0o600)
    except OSError as error:
        raise CourseKitError(
            f"{target} cannot be written ({error.strerror})", "name another file, with --out FILE"
        ) from None
    say(f"wrote {target}; it contains hidden tests and the solution")
    say("next: upload it to Gradescope; README.md in it says which container size to choose")
    return target


def _files_of(course: Path, folder: Path) -> dict[str, bytes]:
    return {
        f"course/{path.relative_to(course).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(course).parts)
    }
