"""Blocks are called by stage and letter, counted from the places where the shape changes."""

from __future__ import annotations

import pytest

from resnets_utils.graphs.stages import stage_names


def names_of(changes: str) -> str:
    found = stage_names([sign == "+" for sign in changes])
    return " ".join(f"{stage}{letter}" for stage, letter in found)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ("", ""),
        ("+--+---+-----+--", "2a 2b 2c 3a 3b 3c 3d 4a 4b 4c 4d 4e 4f 5a 5b 5c"),
        ("--+-", "2a 2b 3a 3b"),
        ("+++", ""),
        ("+-+", "2a 2b 3a"),
    ],
)
def test_a_change_of_shape_begins_a_stage(changes: str, names: str) -> None:
    assert names_of(changes) == names


def test_after_z_two_letters_go_on() -> None:
    letters = [letter for _, letter in stage_names([False] * 730)]
    assert letters[25:28] == ["z", "aa", "ab"]
    assert letters[26 + 25 : 26 + 27] == ["az", "ba"]
    assert letters[26 + 26 * 26 - 1 : 26 + 26 * 26 + 1] == ["zz", "aaa"]
    assert len(set(letters)) == len(letters)
