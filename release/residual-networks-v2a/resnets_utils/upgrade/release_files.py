"""Find the release that answers are carried into: named, or in this folder."""

from __future__ import annotations

from pathlib import Path

import nbformat

from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.released import ReleasedNotebook


def read_release(path: Path) -> ReleasedNotebook:
    """Return the release in a notebook, or in a folder that holds one.

    Raises:
        StudentError: if there is no release, or more than one.

    """
    if path.is_dir():
        return _the_one(path, _releases_in(path))
    release = _release(path)
    if not release.solutions:
        raise StudentError(
            f"{path} is not a release: it has no cell for an answer",
            "name the folder that your instructor gave out, or the notebook in it",
        )
    return release


def release_here(old: Path) -> ReleasedNotebook:
    """Return the release in this folder, or in the folder that holds ``resnets_utils``.

    The earlier notebook is not meant, even if it lies there.

    Raises:
        StudentError: if there is no release, or more than one.

    """
    here = Path.cwd()
    found: list[ReleasedNotebook] = []
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


def _the_one(folder: Path, found: list[ReleasedNotebook]) -> ReleasedNotebook:
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


def _releases_in(folder: Path) -> list[ReleasedNotebook]:
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            found.append(_release(path))
        except StudentError:
            continue  # some other file; it matters only when it is named
    return [release for release in found if release.solutions]


def _release(path: Path) -> ReleasedNotebook:
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        return ReleasedNotebook(notebook, path.resolve())
    except FileNotFoundError:
        raise StudentError(f"{path} does not exist", "look for its name in the file list") from None
    except Exception as error:
        first_line = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise StudentError(
            f"{path} cannot be read as a release: {first_line}",
            "copy it again from what your instructor gave out",
        ) from None
