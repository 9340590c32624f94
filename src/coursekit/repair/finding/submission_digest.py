"""Tell whether a submission is the one that was graded: a digest of everything that may be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from coursekit.processes.plain_files import (
    CHECKPOINTS,
    MAX_BYTES,
    OpenFolder,
    look_into,
    open_plain,
)

_PART = 2**20


def submission_digest(folder: OpenFolder) -> str:
    """Return a digest of a submitted folder: its files' names and bytes, and what is left out.

    Any of these can decide the answer or its penalty: the notebook, another one beside it, a
    support file, the timestamp, Jupyter's own copy. Times of change do not count: every
    download has new ones.
    """
    digest = hashlib.sha256()
    for within in ("", CHECKPOINTS):
        contents = look_into(folder, within)
        for path in contents.files:
            inside = str(path).encode(errors="surrogateescape")
            digest.update(_framed(inside) + _file_digest(path, folder))
        digest.update(_framed("\n".join(contents.left_out).encode(errors="surrogateescape")))
    return f"sha256:{digest.hexdigest()}"


def _file_digest(path: Path, folder: OpenFolder) -> bytes:
    """The digest of one file's bytes; of its error if it cannot be read."""
    digest = hashlib.sha256()
    left = MAX_BYTES
    try:
        with open_plain(path, folder) as stream:
            while part := stream.read(min(_PART, left)):
                digest.update(part)
                left -= len(part)
    except OSError as error:
        digest.update(f"cannot be read: {error.errno}".encode())
    return digest.digest()


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part
