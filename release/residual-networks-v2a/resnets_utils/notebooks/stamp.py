"""The version stamp that every released notebook carries in its metadata.

It says which assignment and version a notebook is, what its released cells were,
and what they were generated from. A submission's stamp is untrusted: a part of the
wrong type or size makes it no stamp.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "residual_networks"
# Raise it when the meaning of the stamp changes.
SCHEMA = 1

# What nbgrader goes by. Its checksum is not here: it follows from these and the text.
GRADE_KEYS = ("grade", "grade_id", "locked", "points", "solution", "task")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHORT_DIGEST = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Stamp:
    """A released notebook's stamp.

    Attributes:
        assignment: the assignment's name, such as "residual-networks-v2a".
        version: the version alone, such as "v2a".
        previous: the version before it; "" if there was none.
        release: the digest of the released cells, see `digest_cells`.
        source: the digest of the source notebook and its list of updates.
        hidden_tests: the digest of the hidden tests.
        coursekit: the version of the kit that made the release.
        cells: a short digest of each released cell's text, by its id. It tells
            which cells a student changed.

    """

    assignment: str
    version: str
    previous: str
    release: str
    source: str
    hidden_tests: str
    coursekit: str
    cells: Mapping[str, str] = field(default_factory=dict)

    def as_metadata(self) -> dict[str, Any]:
        """Return the stamp as the JSON data that stands under `KEY`."""
        return {
            "schema": SCHEMA,
            "assignment": self.assignment,
            "version": self.version,
            "previous": self.previous,
            "release": self.release,
            "generated_from": {
                "source": self.source,
                "hidden_tests": self.hidden_tests,
                "coursekit": self.coursekit,
            },
            "cells": dict(self.cells),
        }


def read_stamp(metadata: object) -> Stamp | None:
    """Return the stamp that stands in a notebook's metadata.

    Args:
        metadata: the notebook's metadata, whatever it holds. Unknown keys of the
            stamp are ignored.

    Returns:
        The stamp; None if it or a part of it is missing, if a part has the wrong
        type or is too long, or if it has another schema.

    """
    written = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    origin = written.get("generated_from") if isinstance(written, Mapping) else None
    if not isinstance(written, Mapping) or not isinstance(origin, Mapping):
        return None
    # True equals 1, and is not a schema.
    if type(written.get("schema")) is not int or written["schema"] != SCHEMA:
        return None
    names = [written.get("assignment"), written.get("version"), origin.get("coursekit")]
    previous = written.get("previous")
    digests = [written.get("release"), origin.get("source"), origin.get("hidden_tests")]
    if not all(_is(name, _NAME) for name in names) or not all(_is(one, _DIGEST) for one in digests):
        return None
    if previous != "" and not _is(previous, _NAME):
        return None
    assignment, version, coursekit = (str(name) for name in names)
    release, source, hidden_tests = (str(one) for one in digests)
    cells = written.get("cells")
    cells = {
        name: digest
        for name, digest in (cells.items() if isinstance(cells, Mapping) else ())
        if _is(name, _NAME) and _is(digest, _SHORT_DIGEST)
    }
    return Stamp(
        assignment, version, str(previous), release, source, hidden_tests, coursekit, cells
    )


def stamped_version(metadata: Mapping[str, Any], path: Path) -> str:
    """Return a notebook's version by its stamp or its file's name; "" if neither tells it."""
    stamp = metadata.get(KEY)
    if isinstance(stamp, Mapping) and isinstance(stamp.get("version"), str):
        return str(stamp["version"])[:20]
    found = re.search(r"[-_ ](v\d+[a-z]?)\b", path.stem)
    return found[1] if found else ""


def digest_cells(cells: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest of a released notebook's cells: "sha256:" and 64 digits.

    A cell counts by its type, id, text and what nbgrader goes by (`GRADE_KEYS`).
    Outputs and other metadata do not count.
    """
    return digest_texts(
        [
            json.dumps(
                [cell["cell_type"], cell.get("id", ""), _text(cell["source"]), _grading(cell)],
                sort_keys=True,
            )
            for cell in cells
        ]
    )


def digest_texts(texts: Sequence[str]) -> str:
    """Return the digest of some texts in their order: "sha256:" and 64 digits."""
    # As JSON, so that no two lists run together into the same bytes.
    return f"sha256:{hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()}"


def digest_of_text(text: str) -> str:
    """Return a short digest of one cell's text: 16 digits; spaces around it do not count."""
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _is(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _text(source: str | Sequence[str]) -> str:
    """A cell's text; notebook files may hold it as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def _grading(cell: Mapping[str, Any]) -> dict[str, Any]:
    nbgrader = cell.get("metadata", {}).get("nbgrader", {})
    return {key: nbgrader[key] for key in GRADE_KEYS if key in nbgrader}
