"""Archives that may hold a notebook: zip, tar and gzip, and zip or tar inside another one.

Archives of other kinds are recognised, but not opened.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from coursekit.course.library import STUDENT_LIBRARY
from coursekit.processes.plain_files import OpenFolder, is_passed_over, open_plain, shown
from resnets_utils.notebooks.notebook_reader import MAX_FILE_BYTES

MAX_ENTRIES = 2_000
_MAX_INNER_ARCHIVES = 5
_ZIP, _GZIP, _TAR = b"PK\x03\x04", b"\x1f\x8b\x08", b"ustar"
_TAR_AT = 257
# How files of the kinds begin that are not opened, and what the kinds are called.
_OTHERS = {
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\x1f\x9d": "compress",
    b"MSCF": "cabinet",
    b"xar!": "xar",
    b"!<arch>\n": "ar",
    b"PK\x05\x06": "an empty zip",
    b"PK\x07\x08": "a part of a divided zip",
}
_BZIP2, _BZIP2_BLOCK = b"BZh", b"1AY&SY"
# What archives are called, whatever they hold.
_NAMED = re.compile(
    r"\.(7z|ace|alz|arj|cab|dmg|egg|iso|lha|lz4?|lzh|rar|sitx?|tar|zipx?|zst"
    r"|t?(bz2?|gz|lzma|xz|z|zst))$",
    re.IGNORECASE,
)
# What is said of an archive that stays closed.
PACKED = "cannot be unpacked"
# What reading an archive raises if it is damaged or was made to do harm.
ARCHIVE_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    # LZMA in a zip asks for as much memory as the file says.
    MemoryError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@dataclass(frozen=True)
class Entry:
    """A file in an archive.

    Attributes:
        inside: the names of the archives that it lies in, then its own.
        where: the same, for people.
        changed: when it was last changed, for sorting only.

    """

    inside: tuple[str, ...]
    where: str
    changed: float

    @property
    def name(self) -> str:
        """Its file name, without folders."""
        return PurePosixPath(self.inside[-1].replace("\\", "/")).name


def is_archive(path: Path, folder: OpenFolder) -> bool:
    """Return whether a file in a submitted folder is an archive, whatever its name."""
    try:
        with open_plain(path, folder) as stream:
            return bool(_kind(stream))
    except OSError:
        return False


def other_kind(path: Path, folder: OpenFolder) -> str:
    """Return the kind of an archive in a submitted folder that is not opened, or ""."""
    try:
        with open_plain(path, folder) as stream:
            start = stream.read(_TAR_AT)
    except OSError:
        return ""
    if STUDENT_LIBRARY in path.parts:
        return ""
    if start.startswith(_BZIP2) and start[4:].startswith(_BZIP2_BLOCK):
        return "bzip2"
    return next((name for magic, name in _OTHERS.items() if start.startswith(magic)), "")


def is_named_archive(path: Path) -> bool:
    """Return whether a file is called like an archive; the library's own do not count."""
    return bool(_NAMED.search(path.name)) and STUDENT_LIBRARY not in path.parts


def entries(path: Path, folder: OpenFolder) -> list[Entry]:
    """Return the files in an archive in a submitted folder, and those in archives inside it.

    Raises:
        ARCHIVE_ERRORS: if it cannot be read.

    """
    with open_plain(path, folder) as stream:
        return list(_entries(stream, (), path.name))


def unpack(path: Path, folder: OpenFolder, inside: tuple[str, ...]) -> bytes:
    """Return the bytes of a file in an archive, at most one more than ``MAX_FILE_BYTES``.

    Whatever length an archive claims, no more than that is ever unpacked.

    Raises:
        ARCHIVE_ERRORS: if it cannot be read.
        RuntimeError: if it is encrypted.

    """
    with open_plain(path, folder) as stream:
        found: IO[bytes] = stream
        for name in inside:
            found = io.BytesIO(_unpacked(found, name))
        return found.read()


def _entries(stream: IO[bytes], outer: tuple[str, ...], name: str) -> Iterator[Entry]:
    stream, kind = _without_gzip(stream)
    if kind == "file":
        plain = name[: -len(".gz")] if name.lower().endswith(".gz") else name
        yield Entry((*outer, plain), shown(plain), 0.0)
        return
    archives = 0
    for inside, changed in _names_in_zip(stream) if kind == "zip" else _names_in_tar(stream):
        if any(part.strip(".") and is_passed_over(part) for part in PurePosixPath(inside).parts):
            continue
        ending = PurePosixPath(inside).suffix.lower()
        if not outer and ending in {".zip", ".tar", ".gz", ".tgz"}:
            archives += 1
            if archives > _MAX_INNER_ARCHIVES:
                raise ValueError(f"it holds more than {_MAX_INNER_ARCHIVES} archives")
            inner = io.BytesIO(_unpacked(stream, inside))
            if _kind(inner):
                for entry in _entries(inner, (inside,), PurePosixPath(inside).name):
                    where = f"{entry.where} in {shown(inside)}"
                    yield Entry(entry.inside, where, entry.changed)
                continue
        yield Entry((*outer, inside), shown(inside), changed)


def _names_in_zip(stream: IO[bytes]) -> Iterator[tuple[str, float]]:
    with zipfile.ZipFile(stream) as archive:
        found = archive.infolist()
    if len(found) > MAX_ENTRIES:
        raise ValueError(f"it holds {len(found):,} files")
    for entry in found:
        if not entry.is_dir():
            yield entry.filename, _seconds(entry.date_time)


def _names_in_tar(stream: IO[bytes]) -> Iterator[tuple[str, float]]:
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_ENTRIES:
                raise ValueError(f"it holds more than {MAX_ENTRIES:,} files")
            # A link or a device could stand for another file.
            if member.isreg():
                yield member.name, float(member.mtime)


def _unpacked(stream: IO[bytes], name: str) -> bytes:
    stream, kind = _without_gzip(stream)
    if kind == "file":
        return stream.read(MAX_FILE_BYTES + 1)
    if kind == "zip":
        with zipfile.ZipFile(stream) as archive, archive.open(name) as packed:
            return packed.read(MAX_FILE_BYTES + 1)
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        file = tar.extractfile(name)
        return file.read(MAX_FILE_BYTES + 1) if file else b""


def _without_gzip(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """An archive's bytes, unpacked if gzip packed them, and what it is."""
    kind = _kind(stream)
    if kind != "gzip":
        return stream, kind
    with gzip.GzipFile(fileobj=stream) as packed:
        content = packed.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_FILE_BYTES // 2**20} MB")
    plain = io.BytesIO(content)
    return plain, "tar" if _kind(plain) == "tar" else "file"


def _kind(stream: IO[bytes]) -> str:
    """What some bytes are: "zip", "tar" or "gzip"; "" if they are not an archive."""
    stream.seek(0)
    start = stream.read(_TAR_AT + len(_TAR))
    stream.seek(0)
    if start.startswith(_ZIP):
        return "zip"
    if start.startswith(_GZIP):
        return "gzip"
    return "tar" if start[_TAR_AT:] == _TAR else ""


def _seconds(date: tuple[int, int, int, int, int, int]) -> float:
    try:
        return time.mktime((*date, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0
