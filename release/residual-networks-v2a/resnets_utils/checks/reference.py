"""What the exercise asks for: what the solution's functions draw, or return, for the same call.

The judge has the solution itself. A student's folder has a record of the solution's
answers to the calls of the visible checks, and to no others.
"""

from __future__ import annotations

import ast
import contextlib
import json
import linecache
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from resnets_utils.answering import answer
from resnets_utils.border.call import Call
from resnets_utils.border.reply import Reply
from resnets_utils.hinted_errors import StudentError

RECORD = "expected.json"
SCHEMA = 1
# So many are kept, with all that was computed of them, for the next test cell.
MAX_REFERENCES = 8


def damaged_record(call: Call, error: Exception) -> StudentError:
    """Return the error for a record whose reply to a call cannot be read."""
    return StudentError(
        f"{RECORD} cannot be read: its reply to {call} is damaged ({error})",
        f"copy {RECORD} again from the folder that you were given",
    )


class Reference(Protocol):
    """Answers calls as the exercise asks for."""

    def __hash__(self) -> int:
        """Tell one reference from another: what was read from it is cached."""

    @property
    def blocks(self) -> str:
        """The text of the assignment's ``blocks.py``; "" if it has none."""

    def reply(self, call: Call) -> Reply:
        """Return the right reply to a call, as `answer` gives it or as `Record` kept it.

        Raises:
            StudentError: if a record does not contain the call.

        """

    def arguments(self, call: Call) -> dict[str, Any]:
        """Return the arguments of a call with those that it leaves at the solution's defaults.

        A record knows no defaults.
        """


class Solution:
    """The solution's own cells.

    Args:
        cells: their names and texts, in order; they run here when the first call is made.
        blocks: the text of the assignment's ``blocks.py``; "" if it has none.

    Attributes:
        replies: what they answered, by the calls' keys.

    """

    def __init__(self, cells: Sequence[tuple[str, str]], blocks: str = "") -> None:
        self.blocks = blocks
        self._cells = cells
        self.replies: dict[str, Reply] = {}

    @cached_property
    def namespace(self) -> dict[str, Any]:
        """The names that the cells define."""
        names: dict[str, Any] = {"__name__": "__solution__"}
        for name, text in self._cells:
            place = f"<solution: {name}>"
            linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
            exec(compile(text, place, "exec"), names)
        return names

    def reply(self, call: Call) -> Reply:
        if call.key not in self.replies:
            self.replies[call.key] = answer(call, self.namespace)
        return self.replies[call.key]

    def arguments(self, call: Call) -> dict[str, Any]:
        return self._defaults.get(call.function, {}) | call.python_arguments

    @cached_property
    def _defaults(self) -> dict[str, dict[str, Any]]:
        """The defaults that are written as plain values, by function; no cell has to run."""
        found: dict[str, dict[str, Any]] = {}
        for _, text in self._cells:
            for step in ast.walk(ast.parse(text)):
                if isinstance(step, ast.FunctionDef):
                    defaults = found[step.name] = {}
                    names = step.args.args[-len(step.args.defaults) :] if step.args.defaults else []
                    for name, value in zip(names, step.args.defaults, strict=True):
                        with contextlib.suppress(ValueError):
                            defaults[name.arg] = ast.literal_eval(value)
        return found


class Record:
    """The solution's answers to some calls, as a student's folder has them.

    Args:
        data: what `record` returned.

    Attributes:
        blocks: the text of the assignment's ``blocks.py``.
        hidden_points: what the hidden checks of each test cell are worth together, by the
            function that it checks.

    Raises:
        ValueError: if the data has another form.

    """

    def __init__(self, data: Any) -> None:
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            raise ValueError("it is not a record of this version")
        blocks, replies = data.get("blocks"), data.get("replies")
        points = data.get("hidden_points")
        if not (
            isinstance(blocks, str)
            and isinstance(replies, Mapping)
            and isinstance(points, Mapping)
            and all(isinstance(number, int | float) for number in points.values())
        ):
            raise ValueError("it is not a record")
        for reply in replies.values():
            if not isinstance(reply, Mapping) or not isinstance(reply.get("status"), str):
                raise ValueError("it holds something that is not a reply")
        self.blocks, self._replies, self.hidden_points = blocks, replies, points

    def reply(self, call: Call) -> Reply:
        if call.key not in self._replies:
            raise StudentError(
                f"{RECORD} does not say what {call} should give: it holds only the calls of the "
                "checks that you were given",
                "restore the check's arguments, or compare with figures of your own",
            )
        return dict(self._replies[call.key])

    def arguments(self, call: Call) -> dict[str, Any]:
        return call.python_arguments


def record(
    blocks: str, replies: Mapping[str, Reply], hidden_points: Mapping[str, float]
) -> dict[str, Any]:
    """Return replies by their calls' keys, and points by function, as the data of a `Record`."""
    return {
        "schema": SCHEMA,
        "blocks": blocks,
        "hidden_points": dict(hidden_points),
        "replies": dict(sorted(replies.items())),
    }


def record_text(data: Mapping[str, Any]) -> str:
    """Return a record as JSON text, one line a call."""
    head = {key: value for key, value in data.items() if key != "replies"}
    lines = ",\n  ".join(
        f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(reply, ensure_ascii=False)}"
        for key, reply in data["replies"].items()
    )
    start = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    return f'{start},\n "replies": {{\n  {lines}\n }}\n}}\n'


def record_of_this_folder() -> Record:
    """Return the record next to the running notebook, or next to this library.

    Raises:
        StudentError: if there is no record, or it cannot be read.

    """
    # A source notebook uses that of its release.
    here = Path.cwd()
    places = (here, Path(__file__).parents[2], here.parent.parent / "release" / here.name)
    found = next((place / RECORD for place in places if (place / RECORD).is_file()), None)
    if found is None:
        raise StudentError(
            f"{RECORD} is missing next to this notebook; the checks need it to compare",
            f"copy {RECORD} from the folder that you were given",
        )
    try:
        return Record(json.loads(found.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise StudentError(
            f"{found.name} cannot be read ({error})",
            f"copy {RECORD} again from the folder that you were given",
        ) from None
