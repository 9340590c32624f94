"""``coursekit init``: make a course folder, or bring what one lacks."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import SETTINGS, Assignment, assignments
from coursekit.errors import CourseKitError
from coursekit.processes.whole_files import write_whole
from coursekit.release.drafts import new_folders
from coursekit.sandbox.view import shown_course

TEMPLATE = Path(__file__).parent / "template"
# What a course is known by comes first: an interrupted command can then be run again.
_FILES = (*SETTINGS, "README.md", "gitignore", "docs/*.md", "docs/*.json")
_OF_THE_ASSIGNMENTS = "examples/*"
# A file of this name would have an effect on the kit's own repository.
_NAMES = {"gitignore": ".gitignore"}
_COURSE_ID = re.compile(r'(?<=^c\.CourseDirectory\.course_id = )"[^"\n]*"', re.MULTILINE)
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "datasets", "*_signs.h5", "model.png")


def make_course(folder: Path, say: Say, *, empty: bool) -> None:
    """Make a course in a folder, with the bundled assignments or without.

    In a course that is there already, only what is missing is written.

    Args:
        folder: the course folder, which need not exist.
        say: shows a line of progress.
        empty: whether to leave the bundled assignments out.

    Raises:
        CourseKitError: if the folder has other files than a course's. Then nothing has been
            written.

    """
    is_course = all((folder / name).is_file() for name in SETTINGS)
    if not is_course:
        _refuse_taken_place(folder)
    # Others of this machine could read, or ask for by name, what students must not see.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = _FILES if empty else (*_FILES, _OF_THE_ASSIGNMENTS)
    made = [
        name
        for pattern in wanted
        for path in sorted(TEMPLATE.glob(pattern))
        if (name := _write(path, folder))
    ]
    if not empty:
        made += [name for bundled in assignments(TEMPLATE) for name in _copy(bundled, folder)]
    if not made:
        say(f"{folder} is a course and lacks nothing; nothing was changed")
        return
    say(f"made in {folder}: {', '.join(dict.fromkeys(made))}")
    first = "new-assignment averages-v1 running_mean" if empty else "demo"
    there = "" if folder.samefile(".") else f"cd {shlex.quote(str(folder))} && "
    say(f"next: {there}coursekit {first}")
    say("read README.md and docs/authoring.md there")


def _refuse_taken_place(folder: Path) -> None:
    """Raise if a new course cannot be in this place."""
    for place in (folder, *folder.parents):
        if place.is_symlink() or place.exists():
            if not place.is_dir():
                raise CourseKitError(
                    f"{place} is no folder", "choose another place, with: coursekit init DIR"
                )
            break
    if shown := shown_course(folder):
        raise CourseKitError(
            f"{folder} is in {shown}, which Python needs, so that students' code could read a "
            "course there",
            "choose a folder elsewhere, such as: coursekit init ~/mycourse",
        )
    # An environment or a repository may be there already.
    if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise CourseKitError(
            f"{folder} is neither empty nor a course, and nothing was written",
            "choose a new folder, such as: coursekit init mycourse",
        )


def _write(path: Path, folder: Path) -> str:
    """Write a file of the template into a course; return what to call it, "" if it is there."""
    name = path.relative_to(TEMPLATE)
    target = folder / name.with_name(_NAMES.get(name.name, name.name))
    if target.exists() or target.is_symlink():
        return ""
    target.parent.mkdir(exist_ok=True)
    content = path.read_bytes()
    if path.name == SETTINGS[0]:
        content = settings_of(folder.resolve().name, content.decode()).encode()
    write_whole(target, content)
    return target.name if len(name.parts) == 1 else f"{name.parts[0]}/"


def settings_of(name: str, text: str) -> str:
    """Return the text of ``nbgrader_config.py`` for a course in a folder of that name."""
    # nbgrader's exchange has a folder of that name.
    course_id = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "course"
    changed, count = _COURSE_ID.subn(f'"{course_id}"', text)
    assert count == 1
    return changed


def _copy(bundled: Assignment, folder: Path) -> list[str]:
    """Copy an assignment into a course; return what to call it, nothing if it is there."""
    places = (f"source/{bundled.name}/", f"grader_tests/{bundled.name}/")
    if (folder / places[0]).exists():
        return []
    with new_folders(Assignment(folder, bundled.name)) as (source, tests):
        for origin, draft in ((bundled.source.parent, source), (bundled.tests, tests)):
            shutil.copytree(origin, draft, ignore=_LEFT_OUT)
    return list(places)
