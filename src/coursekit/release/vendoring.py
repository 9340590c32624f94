"""Give the student's folder the library that its notebook imports."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from coursekit.student_library import STUDENT_LIBRARY, library_files


def vendor_student_library(*, assignment: str, **others: Any) -> None:
    """Copy the student library into ``release/<assignment>/``.

    nbgrader calls this, in the course folder, after it has written a release.
    """
    release = Path("release") / assignment
    shutil.rmtree(release / STUDENT_LIBRARY, ignore_errors=True)
    for name, content in library_files().items():
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
