"""What verdicts follow from on a machine: the kit, Python, and the packages that it stands on."""

from __future__ import annotations

import hashlib
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import coursekit
import resnets_utils

_NAME = "residual-networks-course-kit"
_NOT_CODE = {".pyc"}
# What courses begin with: in a checkout it is the course itself, with settings of its own.
_NOT_GRADING = "new_course"


@cache
def versions_here() -> dict[str, str]:
    """Return the version of each part, by its name."""
    found = {
        # A student's error is told in the words of this Python.
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "the course kit": _digest_of_code(),
    }
    for required in requires(_NAME) or []:
        if "extra ==" not in required:
            name = re.split(r"[^\w.-]", required, maxsplit=1)[0]
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
    return found


def different(there: dict[str, str]) -> str:
    """Return what another machine has in another version, in words; "" if there is no such."""
    here = versions_here()
    told = []
    for name in sorted(here.keys() | there.keys()):
        theirs, ours = there.get(name, "missing"), here.get(name, "missing")
        if theirs != ours:
            told.append(
                "the course kit's own code"
                if name == "the course kit"
                else f"{name} ({theirs} there, {ours} here)"
            )
    return ", ".join(told)


def _digest_of_code() -> str:
    """A digest of all files of the kit and of the student's library."""
    digest = hashlib.sha256()
    for package in (coursekit, resnets_utils):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            counts = path.suffix not in _NOT_CODE and inside.parts[0] != _NOT_GRADING
            if counts and path.is_file():
                digest.update(f"{inside}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
