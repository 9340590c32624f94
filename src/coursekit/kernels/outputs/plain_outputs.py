"""Keep of a student's messages only what a page can show without running it.

They come from the student's process, which can send anything: what enters the
notebook is made anew, each part with the type that it must have.
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
# How a terminal is told to colour, or to write a line anew.
_TERMINAL = "\x1b\r\b"
_MOST_NAME = 200
_MOST_TEXT = 100_000
_MOST_LINES = 200
_MOST_RUNS = 10**9
# nbconvert takes a text apart anew at each colour, and stops at codes that it does not know.
MOST_COLOURS = 2_000
_CODE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]?)?")
_PART = "(?:[34]8;(?:5;[0-9]{1,3}|2(?:;[0-9]{1,3}){3})|(?!0*[34]8[;m])[0-9]{1,3})"
_COLOUR = re.compile(f"\x1b\\[(?:{_PART}(?:;{_PART}){{0,7}})?m")


def plain_message(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return a message with nothing in it but plain text and bitmaps.

    None for one that leaves nothing on a page, as those of widgets and those
    that have not the form of a kernel's.
    """
    kind = message["msg_type"]
    try:
        content = _plain_content(kind, message["content"])
    except (AttributeError, KeyError, TypeError):
        return None
    return None if content is None else {"msg_type": kind, "content": content}


def plain_error(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a message or a reply tells of an error, in texts of bounded length.

    Raises:
        KeyError: if it tells of none.

    """
    lines = content["traceback"]
    lines = lines[-_MOST_LINES:] if isinstance(lines, list) else []
    each = _MOST_TEXT // max(len(lines), 1)
    return {
        "ename": plain_text(str(content["ename"]), _MOST_NAME),
        "evalue": plain_text(str(content["evalue"]), _MOST_TEXT),
        "traceback": [
            _known_colours(plain_text(str(line), each, keep=_TERMINAL)) for line in lines
        ],
    }


def _plain_content(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "status":
        return {"execution_state": str(content["execution_state"])}
    if kind == "clear_output":
        return {"wait": content.get("wait") is True}
    if kind == "stream":
        name = content["name"]
        text = _whole_text(str(content["text"]))
        return {"name": name if name in _STREAMS else _STREAMS[0], "text": text}
    if kind == "error":
        return plain_error(content)
    if kind not in _DISPLAYS:
        return None
    plain: dict[str, Any] = {"data": _plain_data(content["data"])}
    if kind == "execute_result":
        count = content.get("execution_count")
        known = type(count) is int and 0 <= count < _MOST_RUNS
        plain["execution_count"] = count if known else None
    displayed = (content.get("transient") or {}).get("display_id")
    return plain | {"display_id": displayed if isinstance(displayed, str) else ""}


def _plain_data(data: dict[str, Any]) -> dict[str, str]:
    plain = {}
    if isinstance(data.get("text/plain"), str):
        plain["text/plain"] = _whole_text(data["text/plain"])
    for kind in _PICTURES:
        picture = data.get(kind)
        if isinstance(picture, str) and _BASE64.fullmatch(picture):
            plain[kind] = picture
    return plain


def _whole_text(text: str) -> str:
    """The text made plain; its length is the meter's business."""
    return _known_colours(plain_text(text, max(len(text), 1), keep=_TERMINAL))


def without_colours(text: str) -> str:
    """Return a text without terminal codes."""
    return _CODE.sub("", text)


def _known_colours(text: str) -> str:
    """The text with such terminal codes only as set a colour, and not too many of them."""
    count = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return found[0] if count <= MOST_COLOURS and _COLOUR.fullmatch(found[0]) else ""

    return _CODE.sub(keep, text) if "\x1b" in text else text
