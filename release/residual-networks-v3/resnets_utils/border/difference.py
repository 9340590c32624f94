"""How an answer differs from what the exercise asks for: as data, and as the sentence of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

# Kinds of difference. The first ones are of how an answer is made, the others of what came of it.
SETTING, MISSING, MORE, OTHER_KIND = "setting", "missing", "more", "other kind"
WIRING, NAMES, RAISED, NOT_ATTEMPTED = "wiring", "names", "raised", "not attempted"
VALUE, SHAPE, OTHER = "value", "shape", "other"
# Settings whose values no argument gives, even if one has the same number.
_NEVER_GIVEN = frozenset({"axis", "momentum", "epsilon", "groups", "dilation", "rate"})


@dataclass(frozen=True)
class Difference:
    """What differs, without values that only one call had.

    Attributes:
        kind: one of the kinds above.
        place: the layer, in words; for an error the student's line that it came from.
        setting: what of the layer differs, such as "kernel"; for an error its class.
        got: what the answer has.
        wanted: what the exercise asks for.
        sentence: all of this for people; a number that the call gave is named by its argument.

    """

    kind: str
    place: str = ""
    setting: str = ""
    got: str = ""
    wanted: str = ""
    sentence: str = ""


class Sentence(str):
    """A sentence on a difference, which knows what it was made from.

    Args:
        say: makes the sentence of what the answer has and what the exercise asks for.
        kind: as in `Difference`.
        place: as in `Difference`.
        setting: as in `Difference`.
        got: what the answer has.
        wanted: what the exercise asks for.
        in_words: tells one of these two in a text.

    """

    def __new__(
        cls,
        say: Callable[[Any, Any], str],
        kind: str,
        place: str = "",
        setting: str = "",
        got: Any = "",
        wanted: Any = "",
        in_words: Callable[[Any], str] = str,
    ) -> Sentence:
        """Make the sentence."""
        made = super().__new__(cls, say(got, wanted))
        made._made_of = say, kind, place, setting, got, wanted, in_words
        return made

    _made_of: tuple[Any, ...]

    def difference(self, arguments: Mapping[str, Any]) -> Difference:
        """Return what it tells, with values named by the arguments of the call that gave them."""
        say, kind, place, setting, got, wanted, in_words = self._made_of
        if setting not in _NEVER_GIVEN:
            # A number of filters is more likely one of `filters` than `f`, and a stride `s`.
            order = sorted(
                arguments, key=lambda name: (name != setting, not setting.startswith(name))
            )
            arguments = {name: arguments[name] for name in order}
            got, wanted = _named(got, arguments), _named(wanted, arguments)
        return Difference(kind, place, setting, in_words(got), in_words(wanted), say(got, wanted))


def difference_in(reason: str, arguments: Mapping[str, Any]) -> Difference:
    """Return the difference that a reason tells, if it is a `Sentence`; otherwise its words."""
    if isinstance(reason, Sentence):
        return reason.difference(arguments)
    return Difference(OTHER, sentence=reason)


def _named(value: Any, arguments: Mapping[str, Any]) -> Any:
    """A value with its numbers named by the arguments that they equal; others stay as they are."""
    numbers: dict[int, str] = {}
    for name, given in arguments.items():
        items = given if isinstance(given, list | tuple) else [given]
        for place, item in enumerate(items):
            if type(item) is int and item > 1:
                numbers.setdefault(item, name if items == [given] else f"{name}[{place}]")
    if type(value) is int:
        return numbers.get(value, value)
    if isinstance(value, tuple) and value and all(type(item) is int for item in value):
        return f"({', '.join(str(numbers.get(item, item)) for item in value)})"
    if isinstance(value, str):
        # A layer's name has a stage and a block's letter in it.
        for (one, first), (other, second) in permutations(arguments.items(), 2):
            if type(first) is int and isinstance(second, str):
                value = value.replace(f"{first}{second}", f"{{{one}}}{{{other}}}")
    return value
