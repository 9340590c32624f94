"""Write the new notebook whole or not at all, and copy the pictures of kept notes."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from resnets_utils.hinted_errors import StudentError

MAX_PICTURE_BYTES = 20 * 2**20
_PICTURE = re.compile(
    r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\"'>\s]+)", re.IGNORECASE
)
_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".tif", ".tiff"}


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet; it appears whole or not at all.

    Raises:
        StudentError: if it exists, or cannot be written.

    """
    with _draft(path, text.encode()) as draft:
        try:
            os.link(draft, path)  # unlike a rename, this never replaces a file
        except FileExistsError:
            raise already_there(path) from None
        except OSError:
            _rename_to_new(draft, path)  # a file system without links


def _rename_to_new(draft: Path, path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        raise already_there(path) from None
    try:
        os.replace(draft, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def already_there(path: Path) -> StudentError:
    """Return the error for an output that exists."""
    return StudentError(f"{path} is already there", "give another name, or move that file away")


def write_in_place(path: Path, text: str, before: bytes) -> None:
    """Replace a file's content by a text, in one step.

    Raises:
        StudentError: if it no longer holds what it held ``before``, or cannot be written.

    """
    with _draft(path, text.encode()) as draft:
        if path.read_bytes() != before:
            raise StudentError(
                f"{path.name} was saved by another program meanwhile", "close it and try again"
            )
        shutil.copymode(path, draft)
        os.replace(draft, path)


@contextlib.contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside the wanted one with its content; it is removed afterwards."""
    draft = path.parent / f".upgrade-{secrets.token_hex(8)}.draft"
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    except OSError as error:
        why = error.strerror or str(error)
        raise StudentError(
            f"{path} cannot be written: {why}", "choose a folder of your own, with free space"
        ) from None
    finally:
        with contextlib.suppress(OSError):  # it was not made, or is in its place
            draft.unlink()


def copy_pictures(notes: Iterable[str], source: Path, target: Path) -> tuple[list[str], list[str]]:
    """Copy the pictures that notes show from the earlier notebook's folder to the new one's.

    Only files within the earlier notebook's folder are copied, and no file is overwritten.

    Args:
        notes: texts of Markdown cells.
        source: the earlier notebook's folder.
        target: the new notebook's folder.

    Returns:
        The names copied, and sentences about the pictures that were not copied.

    """
    copied, left = [], []
    for name in dict.fromkeys(found for text in notes for found in _relative_pictures(text)):
        origin, goal = source / name, target / name
        if goal.exists() or not origin.exists():
            continue
        if not _lies_within(origin, source) or not origin.is_file():
            left.append(f"{name} was not copied: it is not a plain file in the notebook's folder")
        elif origin.stat().st_size > MAX_PICTURE_BYTES:
            left.append(f"{name} was not copied: it is larger than {MAX_PICTURE_BYTES // 2**20} MB")
        elif _copied(origin, goal, target):
            copied.append(name)
        else:
            left.append(f"{name} could not be copied; copy it beside the new notebook yourself")
    return copied, left


def _relative_pictures(text: str) -> Iterator[str]:
    for match in _PICTURE.finditer(text):
        name = unquote(match[1] or match[2])
        path = PurePosixPath(name)
        plain = not any(letter in name for letter in "\\:\0")
        inside = plain and not path.is_absolute() and ".." not in path.parts
        if inside and path.suffix.lower() in _ENDINGS:
            yield str(path)


def _lies_within(path: Path, folder: Path) -> bool:
    """Whether a path leads to a file in a folder and passes no link."""
    try:
        return path.resolve(strict=True) == folder.resolve() / path.relative_to(folder)
    except (OSError, ValueError):
        return False


def _copied(origin: Path, goal: Path, folder: Path) -> bool:
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        if goal.parent.resolve() != (folder.resolve() / goal.relative_to(folder)).parent:
            return False
        with _draft(goal, origin.read_bytes()) as draft:
            os.replace(draft, goal)
    except (OSError, StudentError):
        return False
    return True
