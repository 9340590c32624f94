"""Keep only those parts of a student's messages that a page can show without running them.

The student's process can send anything: what enters the notebook is newly made,
and each part has the type that it must have.
"""

from __future__ import annotations

import re
from typing import Any

from coursekit.plain_text import plain_text

# HTML, SVG, LaTeX and JavaScript from a student would run in a grader's browser.
_PICTURES = ("image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_STREAMS = ("stdout", "stderr")
_DISPLAYS = frozenset({"display_data", "execute_result", "update_display_data"})
# With these a terminal changes colours, or writes a line again.
_TERMINAL = "\x1b\r\b"
_MAX_NAME = 200
_MAX_TEXT = 100_000
_MAX_LINES = 200
_MAX_RUNS = 10**9
# nbconvert splits a text again at each colour, and stops at codes that it does not know.
MAX_COLOURS = 2_000
_CODE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]?)?")
_PART = "(?:[34]8;(?:5;[0-9]{1,3}|2(?:;[0-9]{1,3}){3})|(?!0*[34]8[;m])[0-9]{1,3})"
_COLOUR = re.compile(f"\x1b\\[(?:{_PART}(?:;{_PART}){{0,7}})?m")


def formed_message(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the parts of a message that a page can show, each of its type.

    None for a message that leaves nothing on a page, for example one of a widget,
    or one of another form than a kernel's. Texts are not plain yet: that takes long,
    so that their length is bounded first.
    """
    kind = message["msg_type"]
    try:
        content = _formed_content(kind, message["content"])
    except (AttributeError, KeyError, TypeError):
        return None
    return None if content is None else {"msg_type": kind, "content": content}


def plain_message(formed: dict[str, Any]) -> dict[str, Any]:
    """Return a message of `formed_message` with nothing in it but plain text and bitmaps."""
    kind, content = formed["msg_type"], formed["content"]
    if kind == "error":
        content = _plain_error(content)
    elif kind == "stream":
        content = content | {"text": _whole_text(content["text"])}
    elif kind in _DISPLAYS:
        content = content | {"data": _plain_data(content["data"])}
    return {"msg_type": kind, "content": content}


def plain_error(content: dict[str, Any]) -> dict[str, Any]:
    """Return the error in a message or a reply, as texts of bounded length.

    Raises:
        KeyError: if it has no error.

    """
    return _plain_error(_formed_error(content))


def _formed_content(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "status":
        return {"execution_state": str(content["execution_state"])}
    if kind == "clear_output":
        return {"wait": content.get("wait") is True}
    if kind == "stream":
        name = content["name"]
        return {"name": name if name in _STREAMS else _STREAMS[0], "text": str(content["text"])}
    if kind == "error":
        return _formed_error(content)
    if kind not in _DISPLAYS:
        return None
    given = content["data"]
    formed: dict[str, Any] = {
        "data": {
            name: given[name]
            for name in ("text/plain", *_PICTURES)
            if isinstance(given.get(name), str)
        }
    }
    if kind == "execute_result":
        count = content.get("execution_count")
        known = type(count) is int and 0 <= count < _MAX_RUNS
        formed["execution_count"] = count if known else None
    displayed = (content.get("transient") or {}).get("display_id")
    return formed | {"display_id": displayed if isinstance(displayed, str) else ""}


def _formed_error(content: dict[str, Any]) -> dict[str, Any]:
    lines = content["traceback"]
    lines = lines[-_MAX_LINES:] if isinstance(lines, list) else []
    # Twice as long as what is kept: a part may be invisible.
    each = 2 * _MAX_TEXT // max(len(lines), 1)
    return {
        "ename": str(content["ename"])[: 2 * _MAX_NAME],
        "evalue": str(content["evalue"])[: 2 * _MAX_TEXT],
        "traceback": [str(line)[:each] for line in lines],
    }


def _plain_error(formed: dict[str, Any]) -> dict[str, Any]:
    lines = formed["traceback"]
    each = _MAX_TEXT // max(len(lines), 1)
    return {
        "ename": plain_text(formed["ename"], _MAX_NAME),
        "evalue": plain_text(formed["evalue"], _MAX_TEXT),
        "traceback": [_known_colours(plain_text(line, each, keep=_TERMINAL)) for line in lines],
    }


def _plain_data(data: dict[str, str]) -> dict[str, str]:
    return {
        name: _whole_text(part) if name == "text/plain" else part
        for name, part in data.items()
        if name == "text/plain" or _BASE64.fullmatch(part)
    }


def _whole_text(text: str) -> str:
    """The text made plain, in any length: the meter has bounded it."""
    return _known_colours(plain_text(text, max(len(text), 1), keep=_TERMINAL))


def without_colours(text: str) -> str:
    """Return a text without terminal codes."""
    return _CODE.sub("", text)


def _known_colours(text: str) -> str:
    """The text with only those terminal codes that set a colour, and not too many of them."""
    count = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return found[0] if count <= MAX_COLOURS and _COLOUR.fullmatch(found[0]) else ""

    return _CODE.sub(keep, text) if "\x1b" in text else text
