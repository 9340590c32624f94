"""Carry a student's answers from an older notebook into a newer release.

In a notebook: ``from resnets_utils.upgrade import upgrade``, then
``upgrade("my old notebook.ipynb")``. In a terminal, in the release's folder:
``python -m resnets_utils.upgrade "my old notebook.ipynb"``.

`carrier` carries one function after another: with what it needs of its notebook
(`needed_names`), with what newer libraries broke fixed (`keras_rewrites`, `imports`,
`todays_names`), and from one family of the exercise to another (`family_rewrites`).
`new_notebook` assembles the result, and `upgrade_report` says what was done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from resnets_utils.hinted_errors import StudentError
from resnets_utils.notebooks.notebook_reader import read_file, without_lone_surrogates
from resnets_utils.notebooks.plain_notebook import cells_in_words
from resnets_utils.notebooks.released import ReleasedNotebook
from resnets_utils.notebooks.stamp import stamped_version
from resnets_utils.upgrade.carrier import Carrier, is_ours
from resnets_utils.upgrade.new_notebook import Extras, Kept, assemble, with_report
from resnets_utils.upgrade.notebook_files import (
    already_there,
    copy_pictures,
    write_in_place,
    write_new,
)
from resnets_utils.upgrade.release_files import read_release, release_here
from resnets_utils.upgrade.upgrade_report import Report, show

__all__ = ["upgrade", "upgrade_file"]


def upgrade(
    old: str | os.PathLike[str],
    release: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
) -> Report:
    """Carry the answers of an older notebook into a release, and print what was done.

    The older notebook is only read.

    Args:
        old: the older notebook.
        release: the release's folder or notebook; if left out, the one in this folder.
        output: the new notebook; if left out, the release's own, which must still be blank.

    Returns:
        What happened to each graded function.

    Raises:
        StudentError: if a file cannot be read or written; then nothing was written.

    """
    path = Path(old).expanduser()
    found = read_release(Path(release).expanduser()) if release else release_here(path)
    report = upgrade_file(path, found, Path(output).expanduser() if output else None)
    show(report.as_text())
    if output is None:
        show("Now choose File > Reload Notebook from Disk in the notebook that was filled.")
    return report


def upgrade_file(old: Path, release: ReleasedNotebook, output: Path | None) -> Report:
    """Do what `upgrade` does, without printing.

    Raises:
        StudentError: if a file cannot be read or written; then nothing was written.

    """
    in_place = output is None or _same_file(output, release.path)
    target = release.path if output is None or in_place else output
    earlier = read_file(old)
    _refuse(old, release, target, in_place=in_place)
    before = release.path.read_bytes()
    ours = is_ours(earlier, release)
    extras = Extras(earlier, release, ours=ours)
    carrier = Carrier(earlier, release, extras.running)
    if not carrier.defined:
        raise StudentError(
            f"{old.name} defines no graded function ({', '.join(release.solutions)})",
            "check whether it is the right notebook",
        )
    carried = carrier.carry_all()
    version = stamped_version(earlier.metadata, old) if ours else ""
    version = version or _taking(carrier.gone)
    came_from = {"file": old.name, "version": version}
    notebook, kept = assemble(earlier, release, extras, carried, came_from)
    notes = [*earlier.notes, *carrier.notes]
    notes += _words_about_kept(kept, ours=ours)
    texts = [cell.source for cell in (*kept.in_place, *kept.at_end) if cell.kind == "markdown"]
    copied, left = copy_pictures(texts, old.resolve().parent, target.resolve().parent)
    notes += [f"picture copied: {name}" for name in copied] + left
    functions = tuple(entry.report for entry in carried.values())
    report = Report(old, version, release.version, target, functions, tuple(notes))
    notebook = with_report(notebook, report.as_markdown())
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    text = without_lone_surrogates(text)
    if in_place:
        write_in_place(target, text, before)
    else:
        write_new(target, text)
    return report


def _words_about_kept(kept: Kept, *, ours: bool) -> list[str]:
    said = []
    if kept.in_place:
        said.append(f"{cells_in_words(len(kept.in_place))} of yours kept in place")
    if kept.at_end:
        # Without a stamp nobody knows who changed a cell.
        why = ", changed by you or by an older version" if ours else ""
        said.append(f"{cells_in_words(len(kept.at_end))} kept at the end of the notebook{why}")
    return said


def _taking(gone: Sequence[str]) -> str:
    return f"its functions take {' and '.join(gone)}" if gone else ""


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:
        return False


def _refuse(old: Path, release: ReleasedNotebook, target: Path, *, in_place: bool) -> None:
    """Make sure that nothing is overwritten.

    Raises:
        StudentError: if something would be.

    """
    if _same_file(old, target):
        raise StudentError(
            f"{old.name} is both the old notebook and the new one", "give the new one another name"
        )
    if in_place and not release.is_untouched():
        raise StudentError(
            f"{target.name} already holds answers, which are not overwritten",
            "name another file for the new notebook with --output, or output= in a notebook",
        )
    if not in_place and (target.exists() or target.is_symlink()):
        raise already_there(target)
    if not target.parent.is_dir():
        raise StudentError(f"there is no folder {target.parent}", "make it, or choose another")
