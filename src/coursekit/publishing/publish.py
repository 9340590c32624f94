"""``coursekit publish``: releases as a folder to push, from which students open the notebooks."""

from __future__ import annotations

import io
import os
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path

from coursekit.command_runner import Say
from coursekit.course.assignment import (
    Assignment,
    assignments,
    find_assignment,
    read_notebook,
    refuse_other_folder,
)
from coursekit.course.assignment_file import version_of
from coursekit.course.library import STUDENT_LIBRARY
from coursekit.course.normal_form import notebook_text
from coursekit.course.origin_digests import source_digest
from coursekit.errors import CourseKitError
from coursekit.publishing.environment_files import environment_files
from coursekit.publishing.fetching_cell import fetching_cell
from coursekit.publishing.index_page import Published, index_html, readme
from coursekit.publishing.published_address import DOWNLOADS, PublishedAddress, published_address
from coursekit.publishing.published_folder import Changes, PublishedFolder, digest_of
from coursekit.publishing.published_notebook import published_notebook, title_of
from coursekit.release.leaks import find_leaks, secrets_in, secrets_of
from resnets_utils.checks.reference import RECORD
from resnets_utils.notebooks.stamp import digest_cells, read_stamp

# What running a released notebook leaves beside it.
_LEFT_OUT = {"__pycache__", "datasets", "model.png"}
# Git on Windows would otherwise give texts other ends of lines, and digests would differ.
_AS_IT_IS = b"* -text\n"
# GitHub would otherwise leave out what begins with an underscore.
_PAGES = {".gitattributes": _AS_IT_IS, ".nojekyll": b""}
_SUMS = f"{DOWNLOADS}/SHA256SUMS"


def publish(
    course: Path, folder: Path, names: list[str], given: Mapping[str, str], say: Say
) -> None:
    """Write what students need of releases into a folder of its own.

    Args:
        course: the course folder.
        folder: what is written; a repository may be there.
        names: the assignments; all that have a release if the list is empty. Those that were
            published there before are written again, too.
        given: the address by option (address, branch, files, hub); "" for what was given before.
        say: shows what was written.

    Raises:
        CourseKitError: if something would leak, an address is missing, or a file of somebody
            else's stands in the way. Then nothing has been written.

    """
    refuse_other_folder(course)
    target = PublishedFolder(folder, course)
    before = target.record.address
    options = {
        name: "" if value == "none" else value or before.get(name, "")
        for name, value in given.items()
    }
    address = published_address(*(options[one] for one in ("address", "branch", "files", "hub")))
    chosen = _chosen(course, names, target)
    files: dict[str, bytes] = {}
    published = [_add(assignment, address, files, say) for assignment in chosen]
    title = address.name or target.path.name
    archives = {one.archive: one.sha256 for one in published} | _earlier_downloads(target)
    files[_SUMS] = "".join(f"{archives[name]}  {name}\n" for name in sorted(archives)).encode()
    if address.repository:
        files |= environment_files(title, files)
    pages = {
        **_PAGES,
        "README.md": readme(title, published, address).encode(),
        "index.html": index_html(title, published, address).encode(),
    }
    files |= pages
    changes = target.changes(files, DOWNLOADS)
    _refuse_files_in_the_way(target, changes, chosen)
    _refuse_leaks(course, target)
    target.write(files, changes, DOWNLOADS, options, tuple(one.name for one in chosen))
    _tell(target, address, published, changes, say)


def _chosen(course: Path, names: list[str], target: PublishedFolder) -> list[Assignment]:
    """The assignments to be published, in the order of their names."""
    wanted = set(names) or {
        one.name for one in assignments(course) if (course / "release" / one.name).is_dir()
    }
    for name in target.record.assignments:
        if (target.path / name).is_dir():
            if not (course / "source" / name).is_dir():
                raise CourseKitError(
                    f"{target.path} also has {name}, which is not in this course",
                    f"remove {target.path / name}, or choose another folder, with: "
                    "coursekit publish DIR",
                )
            wanted.add(name)
    found = [find_assignment(course, name) for name in sorted(wanted)]
    if not found:
        raise CourseKitError("there is no release to publish", "make one, with: coursekit release")
    return found


def _add(
    assignment: Assignment, address: PublishedAddress, files: dict[str, bytes], say: Say
) -> Published:
    """Add a release's files as they are published; return what the pages say of it.

    Raises:
        CourseKitError: if the release is missing, was changed, or shows what students must
            not see.

    """
    name, again = assignment.name, f"make it again, with: coursekit release {assignment.name}"
    notebook = read_notebook(assignment.release)
    stamp = read_stamp(notebook.metadata)
    if not stamp or stamp.assignment != name or stamp.release != digest_cells(notebook.cells):
        raise CourseKitError(f"{assignment.release} is not as it was released", again)
    release = _released_files(assignment)
    if leaks := find_leaks(assignment, assignment.release.parent, release):
        raise CourseKitError(f"{name} is not published:\n" + "\n".join(leaks), again)
    if stamp.source != source_digest(assignment):
        say(f"{name}: source/ has changed since the release, which is published as it is")
    for needed in (f"{STUDENT_LIBRARY}/__init__.py", RECORD):
        if needed not in release:
            raise CourseKitError(f"{assignment.release.parent} has no {needed}", again)
    packed = _packed(name, release)
    sha256 = digest_of(packed)
    # Another content has another name: copies of a notebook go on fetching what they were made for.
    archive = f"{name}-{sha256[:12]}.zip"
    place = f"{name}/{assignment.release.name}"
    cell = fetching_cell(address.archive(archive), packed, sha256, digest_of(release[RECORD]))
    colab = address.colab(place) if address.repository else ""
    files |= {f"{name}/{path}": content for path, content in release.items()}
    files[place] = notebook_text(published_notebook(notebook, colab, cell)).encode()
    files[f"{DOWNLOADS}/{archive}"] = packed
    title = f"{title_of(notebook) or name} ({version_of(name)})" if version_of(name) else name
    return Published(name, title, place, archive, len(packed) / 1e6, sha256)


def _released_files(assignment: Assignment) -> dict[str, bytes]:
    """The files of a release by their paths, without what running it left there."""
    folder = assignment.release.parent
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and not _LEFT_OUT.intersection(parts):
            found["/".join(parts)] = path.read_bytes()
    return found


def _packed(name: str, files: Mapping[str, bytes]) -> bytes:
    """A zip of files in a folder: the same bytes for the same files, on every machine.

    The largest one is compressed already.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path, file in files.items():
            entry = zipfile.ZipInfo(f"{name}/{path}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, file)
    return content.getvalue()


def _earlier_downloads(target: PublishedFolder) -> dict[str, str]:
    """The digests of what was published before and copies of notebooks may still fetch."""
    prefix = f"{DOWNLOADS}/"
    return {
        path.removeprefix(prefix): digests[-1]
        for path, digests in target.record.files.items()
        if path.startswith(prefix) and path.endswith(".zip") and (target.path / path).is_file()
    }


def _refuse_files_in_the_way(
    target: PublishedFolder, changes: Changes, chosen: list[Assignment]
) -> None:
    """Raise if a file that students need cannot be written: a page of your own may stay."""
    folders = {DOWNLOADS, *(one.name for one in chosen)}
    needed = [path for path in changes.kept if path.partition("/")[0] in folders]
    if needed:
        listed = "\n".join(f"{target.path / path}" for path in needed[:20])
        raise CourseKitError(
            "these files are not ours, or were changed since they were published; nothing was "
            f"written:\n{listed}",
            "move them away, or undo the change, then run the command again",
        )


def _refuse_leaks(course: Path, target: PublishedFolder) -> None:
    """Raise if files of somebody else's in the folder show what students must not see."""
    found = []
    secrets: dict[str, str] = {}
    for assignment in assignments(course):
        secrets |= secrets_of(assignment)
    for path in sorted(target.others()):
        found += secrets_in(target.path / path, f"{target.path / path}", secrets)
    if found:
        raise CourseKitError(
            "nothing was published: " + "\n".join(found[:20]),
            "remove it from there and from the repository's history, or choose another folder, "
            "with: coursekit publish DIR",
        )


def _tell(
    target: PublishedFolder,
    address: PublishedAddress,
    published: list[Published],
    changes: Changes,
    say: Say,
) -> None:
    """Say what was written, and what to do with it."""
    names = ", ".join(one.name for one in published)
    done = f"{len(changes.written)} files written, {len(changes.removed)} removed"
    say(f"published in {target.path}: {names} ({done})")
    for path in changes.kept:
        say(f"{path} is yours and stays as it is; remove it, and the next run writes ours")
    place = shlex.quote(os.path.relpath(target.path))
    if not address.repository:
        say(f"next: put what is in {place} where {address.files} leads")
        return
    say(
        f"next: push it to the branch {address.branch} of {address.repository}, which must be "
        f"public: cd {place} && git add --all && git commit && git push"
    )
    for one in published:
        say(f"then {one.name} opens in Colab: {address.colab(one.notebook)}")
