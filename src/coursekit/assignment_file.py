"""What an assignment's ``version.toml`` says: its version, the one before, and what changed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from coursekit.errors import AuthoringError

FILE = "version.toml"
UPDATES_CELL = "updates"
PLACEHOLDER = "{updates}"

# A version ends an assignment's name: residual-networks-v2a.
_VERSION = re.compile(r"v([0-9]{1,4})([a-z]?)")


@dataclass(frozen=True)
class VersionFile:
    """One assignment's version.

    Attributes:
        version: the version, as "v2a".
        previous: the version before; "" for the first.
        updates: what changed since then, a line of Markdown each.

    """

    version: str
    previous: str
    updates: tuple[str, ...]

    def as_markdown(self) -> str:
        """Return what takes the placeholder's place in the notebook."""
        if not self.previous:
            return f"This is version {self.version}, the first."
        lines = "\n".join(f"- {update}" for update in self.updates)
        return f"This is version {self.version}. Since version {self.previous}:\n\n{lines}"


def version_of(assignment: str) -> str:
    """Return the version that ends an assignment's name; "" if none does."""
    last = assignment.rpartition("-")[2]
    return last if _VERSION.fullmatch(last) else ""


def version_order(assignment: str) -> tuple[int, str]:
    """Return what sorts assignments by their versions: v2a before v3, v9 before v10."""
    found = _VERSION.fullmatch(version_of(assignment))
    return (int(found[1]), found[2]) if found else (0, assignment)


def read_version_file(folder: Path) -> VersionFile:
    """Read the ``version.toml`` of an assignment's source folder.

    Raises:
        AuthoringError: if it is missing or malformed, naming the file and the key.

    """
    path = folder / FILE
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AuthoringError(
            f"{path} is not there",
            'write it with version = "...", previous = "..." and updates = ["..."]',
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(f"{path} cannot be read: {error}", "mend that place") from None
    unknown = sorted(set(written) - {"version", "previous", "updates"})
    if unknown:
        raise AuthoringError(
            f"{path} says {', '.join(unknown)}, which means nothing here",
            "its keys are version, previous and updates",
        )
    version, previous, updates = (written.get(key) for key in ("version", "previous", "updates"))
    expected = version_of(folder.name)
    if not isinstance(version, str) or not version or version != expected:
        raise AuthoringError(
            f"{path}: version is {version!r}, but the assignment's name ends in {expected!r}",
            "let the two agree; a name ends in its version, as residual-networks-v2a does",
        )
    if not isinstance(previous, str) or (previous and not _VERSION.fullmatch(previous)):
        raise AuthoringError(
            f"{path}: previous is {previous!r}",
            'name the version before, as "v2", or "" if there was none',
        )
    if not isinstance(updates, list) or not all(_is_line(update) for update in updates):
        raise AuthoringError(
            f"{path}: updates is no list of lines",
            "write one sentence for each change, on one line",
        )
    if previous and not updates:
        raise AuthoringError(
            f"{path}: updates is empty, yet the version follows {previous}",
            "say what changed, one sentence for each change",
        )
    return VersionFile(version, previous, tuple(updates))


def fill_in_updates(text: str, updates: VersionFile, notebook: str) -> str:
    """Return the text of the cell `UPDATES_CELL` with the list in the placeholder's place.

    Raises:
        AuthoringError: if the placeholder does not stand in it exactly once.

    """
    if text.count(PLACEHOLDER) != 1:
        raise AuthoringError(
            f"{notebook}, cell {UPDATES_CELL}: {PLACEHOLDER} must stand in it once",
            "put it where the list of updates shall appear",
        )
    return text.replace(PLACEHOLDER, updates.as_markdown())


def new_version_file(version: str, previous: str) -> str:
    """Return the text of a new version's ``version.toml``, its list of updates still to be written.

    No release comes of it before the list is: the empty list stops generation.
    """
    return (
        "# Students read this list in the notebook's cell `updates`; "
        "the notebook's stamp takes the rest.\n"
        f'version = "{version}"\n'
        f'previous = "{previous}"\n'
        "# One sentence for each change, in quotation marks and followed by a comma.\n"
        "updates = [\n]\n"
    )


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value
