"""What makes two differences the same mistake, in whichever grading they were found."""

from __future__ import annotations

import re
from dataclasses import replace

from coursekit.reporting.class_answers import Answer
from resnets_utils.border.difference import (
    MISSING,
    MORE,
    NAMES,
    NOT_ATTEMPTED,
    OTHER,
    OTHER_KIND,
    RAISED,
    SETTING,
    WIRING,
    Difference,
)
from resnets_utils.checks.check_result import CheckResult

Key = tuple[str, ...]

# What tells how an answer is made; the sooner, the likelier it is that the others follow from it.
_STRUCTURE = (NOT_ATTEMPTED, RAISED, MISSING, MORE, OTHER_KIND, SETTING, WIRING, NAMES, OTHER)
_VALUES, _HIDDEN = "values", "hidden"
# A missing layer's place begins so, unless only the number of layers is wrong.
_DEFINITE = ("the ", "in ")
# Keras counts layers and tensors as long as a process lasts.
_COUNTED = re.compile(r"_\d+\b")
_LAYER_NAME = re.compile(r" \('[^']*'\)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_DIGITS = 4
_LETTER = re.compile(r"[a-z]")


def is_of_structure(difference: Difference) -> bool:
    """Return whether it may tell how an answer is made, and not only what came of it."""
    return difference.kind in _STRUCTURE


def rank(key: Key) -> int:
    """Return how likely a difference is to be the cause of others, the likeliest first."""
    if is_vague(key):
        return len(_STRUCTURE)
    return _STRUCTURE.index(key[0])


def is_vague(key: Key) -> bool:
    """Return whether it follows from another difference wherever there is one."""
    kind, place = key[0], key[1]
    uncounted = kind == MISSING and not place.startswith(_DEFINITE)
    # Many mistakes end in an error at the same line for some argument.
    return kind not in _STRUCTURE or uncounted or (kind == RAISED and key[-1] == _HIDDEN)


def differences_by_key(answer: Answer) -> dict[Key, Difference]:
    """Return what differs in an answer: in how it is made, or else in what came of it."""
    keys = keys_of_checks(answer)
    found: dict[Key, Difference] = {}
    for check, key in zip(answer.lost, keys, strict=True):
        one = difference_of(check)
        # The words of others may be about arguments that vary.
        if is_of_structure(one) and not (one.kind == OTHER and check.hidden):
            found.setdefault(key, one)
    if not found and answer.lost:
        # The check whose arguments students know says it best.
        shown = min(answer.lost, key=lambda check: check.hidden)
        found = {_values_key(answer): difference_of(shown)}
    return dict(sorted(found.items(), key=lambda pair: rank(pair[0])))


def keys_of_checks(answer: Answer) -> list[Key]:
    """Return the key of each check that an answer lost.

    What no visible check shows is a mistake of its own: it holds for some arguments only.
    """
    keys = [_key(check) for check in answer.lost]
    shown = {key for key, check in zip(keys, answer.lost, strict=True) if not check.hidden}
    return [key if key in shown else (*key, _HIDDEN) for key in keys]


def difference_of(check: CheckResult) -> Difference:
    """Return how an answer differs that did not pass a check."""
    return check.difference or Difference(OTHER, sentence=check.reason.partition("\n")[0])


def _key(check: CheckResult) -> Key:
    """What equal mistakes have in common."""
    one = difference_of(check)
    if one.kind == RAISED:
        # The message tells more than the line, but a hidden check's arguments may be in it.
        reason = _COUNTED.sub("", check.reason.partition("\n")[0])
        words = one.place if check.hidden else reason
        return one.kind, one.setting, words
    if one.kind == OTHER:
        return one.kind, _COUNTED.sub("", one.sentence)
    place = _LAYER_NAME.sub("", one.place)
    return one.kind, place, one.setting, _COUNTED.sub("", one.got), one.wanted


def _values_key(answer: Answer) -> Key:
    """What came of an answer: of hidden checks, whose arguments vary, only which were lost."""
    said = [
        text
        for check in answer.lost
        for text in (check.name, difference_of(check).kind, "" if check.hidden else _rounded(check))
    ]
    return _VALUES, "", *said


def _rounded(check: CheckResult) -> str:
    """A reason without what differs between machines and processes."""
    reason = _COUNTED.sub("", check.reason)
    return _NUMBER.sub(lambda found: f"{float(found[0]):.{_DIGITS}g}", reason)


def plainest(answer: Answer, key: Key, difference: Difference) -> Difference:
    """Return a difference in the words of the call whose arguments explain least of it.

    A window that is always (2, 2) equals some argument in one call, and would be named by it.

    Args:
        answer: the answer that has it.
        key: its key.
        difference: the difference, in the words of any call.

    """
    pairs = zip(answer.lost, keys_of_checks(answer), strict=True)
    alike = [difference_of(check) for check, other in pairs if other[:3] == key[:3]]
    told = [difference, *alike]
    best = min(told, key=lambda one: len(_LETTER.findall(one.got + one.wanted)))
    return replace(best, sentence=_LAYER_NAME.sub("", best.sentence))
