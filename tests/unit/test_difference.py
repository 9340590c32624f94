"""A difference tells a mistake, not the call that it was found in."""

from __future__ import annotations

import pytest

from resnets_utils.border.difference import NAMES, SETTING, Difference, Sentence, difference_in

CALL = {"f": 5, "filters": [2, 4, 6], "stage": 3, "block": "c", "s": 1, "training": True}


def told(setting: str, got: object, wanted: object) -> Difference:
    sentence = Sentence(
        lambda got, wanted: f"it has {got}; asked for {wanted}",
        SETTING,
        "the layer",
        setting,
        got,
        wanted,
    )
    assert sentence == f"it has {got}; asked for {wanted}"
    return difference_in(sentence, CALL)


@pytest.mark.parametrize(
    ("setting", "got", "wanted", "got_named", "wanted_named"),
    [
        ("kernel", (1, 1), (5, 5), "(1, 1)", "(f, f)"),
        ("filters", 4, 6, "filters[1]", "filters[2]"),
        ("filters", 7, 6, "7", "filters[2]"),
        # One and True are too usual to have come from an argument.
        ("strides", (1, 1), (2, 2), "(1, 1)", "(filters[0], filters[0])"),
        ("training", True, False, "True", "False"),
        ("axis", 1, 3, "1", "3"),
        ("padding", "valid", "same", "valid", "same"),
    ],
)
def test_a_value_is_named_by_the_argument_that_gave_it(
    setting: str, got: object, wanted: object, got_named: str, wanted_named: str
) -> None:
    found = told(setting, got, wanted)
    assert (found.got, found.wanted) == (got_named, wanted_named)
    assert found.sentence == f"it has {got_named}; asked for {wanted_named}"


def test_a_layers_name_is_that_of_every_stage_and_block() -> None:
    sentence = Sentence(lambda got, wanted: wanted, NAMES, got="res3c_2", wanted="res3c_branch2a")
    found = difference_in(sentence, CALL)
    assert (found.got, found.wanted) == (
        "res{stage}{block}_2",
        "res{stage}{block}_branch2a",
    )


def test_other_words_are_told_as_they_are() -> None:
    assert difference_in("anything", CALL) == Difference("other", sentence="anything")
