"""The library that students' notebooks import: the kit's own, and the one in a release."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from coursekit.errors import InfrastructureError

STUDENT_LIBRARY = "resnets_utils"
# They answer the judge from the student's kernel, in words that both must know.
_ANSWERING = ("sampling.py", "tracing.py")
# Code, and the trained model with its record.
_VENDORED = {".py", ".xz", ".json"}


def library_files() -> dict[str, bytes]:
    """Return the student library's files by their path within a release."""
    folder = _own_library()
    return {
        f"{STUDENT_LIBRARY}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _VENDORED
    }


def _own_library() -> Path:
    # Found without being imported: that would load TensorFlow.
    spec = importlib.util.find_spec(STUDENT_LIBRARY)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def refuse_other_library(release: Path) -> None:
    """Raise if a release's library answers the judge otherwise than the kit's own.

    Raises:
        InfrastructureError: if it does; every answer would then be misjudged.

    """
    for name in _ANSWERING:
        path = release / STUDENT_LIBRARY / name
        if not path.is_file() or path.read_bytes() != (_own_library() / name).read_bytes():
            raise InfrastructureError(
                f"{path} is not this kit's: the release was made by another",
                f"make it again: coursekit release {release.name}",
            )
