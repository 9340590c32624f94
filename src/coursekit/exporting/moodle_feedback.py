"""A zip of feedback pages for Moodle, with the folders of the zip of submissions."""

from __future__ import annotations

import io
import re
import zipfile

from coursekit.class_scores import GRADED
from coursekit.errors import CourseKitError
from coursekit.exporting.lms_table import LmsPerson, matched
from coursekit.exporting.output import Exported, Request, waiting_notes

_HINT = (
    "download it in Moodle (the assignment, Download all submissions), and name it with --into FILE"
)
# Before Moodle 4.1 with a line at the end.
_FOLDER = re.compile(r"(?P<name>[^/_]*)_(?P<id>\d+)_assignsubmission_[a-z]+_?")
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def moodle_feedback(request: Request) -> Exported:
    """Return the zip, with the pages of everybody who has a score and a page.

    Raises:
        CourseKitError: if there is no zip of submissions from Moodle.

    """
    try:
        with zipfile.ZipFile(io.BytesIO(request.into)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise CourseKitError(
            f"{request.into_name or 'the zip of submissions'} is no zip file", _HINT
        ) from None
    folders: dict[str, re.Match[str]] = {}
    for name in names:
        if parts := _FOLDER.fullmatch(name.partition("/")[0]):
            folders.setdefault(parts["id"], parts)
    if not folders:
        raise CourseKitError(f"{request.into_name} has no folders of Moodle's", _HINT)
    places = list(folders.values())
    people = [
        LmsPerson(row, parts[0], frozenset([parts["id"]]), frozenset([parts["name"]]))
        for row, parts in enumerate(places)
    ]
    found, notes = matched(request.scores.students, people, request.into_name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for row, one in sorted(found.items()):
            for name, page in request.pages.get(one.student.id, {}).items():
                archive.writestr(zipfile.ZipInfo(f"{places[row][0]}/{name}", _NO_TIME), page)
    without = [
        one.student.id
        for one in request.scores.students
        if one.status == GRADED and not request.pages.get(one.student.id)
    ]
    if without:
        notes += (f"no feedback page: {', '.join(without)}",)
    return Exported({"": packed.getvalue()}, (*waiting_notes(request.scores), *notes))
