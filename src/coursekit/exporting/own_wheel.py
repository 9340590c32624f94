"""The kit that runs, as a wheel: from a checkout and from an installed kit alike."""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import coursekit
import resnets_utils

_NAME = "residual-networks-course-kit"
_PURE = "Wheel-Version: 1.0\nGenerator: coursekit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# What only `coursekit init` needs: a course, with its solutions.
_LEFT_OUT = ("coursekit/new_course/template/", "__pycache__/")


def own_wheel() -> tuple[str, bytes]:
    """Return the wheel's name and content, without the course that `coursekit init` makes."""
    version, metadata = _metadata(Path(coursekit.__file__).parents[2] / "pyproject.toml")
    stem = f"{_NAME.replace('-', '_')}-{version}"
    files: dict[str, bytes] = {}
    for package in (coursekit, resnets_utils):
        folder = Path(package.__file__ or "").parent
        for path in sorted(folder.rglob("*")):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            if path.is_file() and not any(part in name for part in _LEFT_OUT):
                files[name] = path.read_bytes()
    files |= {f"{stem}.dist-info/{name}": text.encode() for name, text in metadata.items()}
    record = [f"{name},{_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{stem}.dist-info/RECORD"] = "\n".join(
        [*record, f"{stem}.dist-info/RECORD,,", ""]
    ).encode()
    return f"{stem}-py3-none-any.whl", zipped(files)


def _metadata(checkout: Path) -> tuple[str, dict[str, str]]:
    """The version and the metadata; those of a checkout, for what is installed may be older."""
    if not checkout.is_file():
        found = distribution(_NAME)
        texts = {name: found.read_text(name) for name in ("METADATA", "WHEEL", "entry_points.txt")}
        return found.version, {name: text for name, text in texts.items() if text}
    project = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]
    head = ["Metadata-Version: 2.1", f"Name: {_NAME}", f"Version: {project['version']}"]
    needs = [f"Requires-Python: {project['requires-python']}"]
    needs += [f"Requires-Dist: {each}" for each in project["dependencies"]]
    points = {"console_scripts": project["scripts"], **project["entry-points"]}
    lines = [
        line
        for group, entries in points.items()
        for line in (f"[{group}]", *(f"{name} = {where}" for name, where in entries.items()), "")
    ]
    return project["version"], {
        "METADATA": "\n".join([*head, *needs, ""]),
        "WHEEL": _PURE,
        "entry_points.txt": "\n".join(lines),
    }


def zipped(files: dict[str, bytes], programs: frozenset[str] = frozenset()) -> bytes:
    """Return a zip of files, the same bytes for the same files.

    Args:
        files: their content by name.
        programs: the names of those that can be run.

    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
