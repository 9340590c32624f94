"""Put feedback pages into nbgrader's exchange, for those who handed in through it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from nbgrader.utils import notebook_hash

from coursekit.errors import InfrastructureError
from coursekit.nbgrader_seam.course_folder import matching, open_submission
from coursekit.processes.plain_files import open_plain

_SECRET = "submission_secret.txt"
_MAX_BYTES = 1_000


def copy_feedback(exchange: Any) -> None:
    """Copy the pages of each student whom the exchange can give them to.

    A page lies there under a name made from the secret that `nbgrader submit` left in the
    submission. What came another way has none; nbgrader ends there in a traceback.

    Raises:
        ExchangeError: if there is no page, or none that the exchange can give out.

    """
    coursedir = exchange.coursedir
    name = coursedir.assignment_id
    excluded = coursedir.student_id_exclude.split(",")
    parts = coursedir.format_path(coursedir.feedback_directory, "(?P<who>.*)", name, escape=True)
    left: list[str] = []
    released = 0
    for folder in sorted(map(Path, matching(exchange.src_path))):
        found = re.fullmatch(parts, str(folder), re.DOTALL)
        who = found["who"] if found else folder.parent.name
        pages = sorted(folder.glob("*.html"))
        if not pages or who in excluded:
            continue
        secret = _secret(coursedir, folder)
        if not secret:
            left.append(who)
            continue
        for page in pages:
            key = notebook_hash(secret=secret, notebook_id=page.stem)
            # Copied beside it first: a student may be fetching the earlier page.
            draft = Path(exchange.dest_path, f"{key}.draft")
            shutil.copy(page, draft)
            draft.replace(draft.with_suffix(".html"))
            exchange.log.info("Released feedback for student '%s': %s", who, page.stem)
        released += 1
    by_hand = f"send them their pages: feedback/STUDENT/{name}"
    if not (released or left):
        exchange.fail(
            f"error: there are no feedback pages of {name}\n"
            f"hint: run: nbgrader generate_feedback {name}"
        )
    if not released:
        exchange.fail(
            f"error: no {name} was handed in through the exchange, which gives out feedback to "
            f"no other\nhint: {by_hand}"
        )
    if left:
        exchange.log.warning(
            "not released, because they handed in another way: %s; %s", ", ".join(left), by_hand
        )


def _secret(coursedir: Any, folder: Path) -> str:
    """What `nbgrader submit` wrote into the submission; "" if it came another way."""
    try:
        with (
            open_submission(coursedir, str(folder)) as opened,
            open_plain(Path(_SECRET), opened) as stream,
        ):
            return stream.read(_MAX_BYTES).decode("utf-8", "replace")
    except (OSError, InfrastructureError):
        return ""
