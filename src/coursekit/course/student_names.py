"""Which names of folders can be students' ids."""

from __future__ import annotations

import unicodedata

# A line end ends a line of the log and of an export; the others cannot be shown.
_CONTROLS = {"Cc", "Zl", "Zp"}
# With these, one name is shown as another.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_QUOTES = ("''", '""')


def why_no_student(name: str) -> str:
    """Return why a folder's name cannot be a student's id, in words; "" if it can.

    The gradebook, a page, an export and ``--student`` must all lead to this student and to
    no other.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        return "is not in UTF-8"
    if any(unicodedata.category(letter) in _CONTROLS for letter in name):
        return "contains a line end or another control character"
    if _DIRECTIONS & set(name):
        return "contains a mark that changes the direction of reading"
    if name.strip() != name:
        return "begins or ends with a space"
    if name.startswith("."):
        return "begins with a dot, like that of a hidden folder"
    if len(name) > 1 and name[0] + name[-1] in _QUOTES:
        return "stands in quotation marks, which nbgrader removes"
    return ""


def escaped(name: str) -> str:
    """Return a name with escape sequences in place of what cannot be shown."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name
    )
