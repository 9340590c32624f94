from __future__ import annotations

import pytest

from coursekit.plain_text import plain_text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("ValueError: naïve ☃\n\tline 2", "ValueError: naïve ☃\n\tline 2"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x00b\x07c\x9bd", "abcd"),
        ("\u202edessap \u2066x", "dessap x"),
        ("half \ud800 a letter", "half  a letter"),
        ("a\u0301\u0301\u0301\u0301", "a\u0301\u0301"),
        ("non\u00a0breaking", "non breaking"),
    ],
)
def test_what_no_reader_sees_is_left_out(given: str, shown: str) -> None:
    assert plain_text(given, 100) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain_text("z" * 5_000_000, 10) == "z" * 10 + " …"
    assert plain_text("ü" * 5_000_000, 10) == "ü" * 10 + " …"


def test_a_terminals_codes_are_kept_where_a_page_shows_them() -> None:
    assert plain_text("\x1b[31mred\x1b[0m\x07", 100, keep="\x1b") == "\x1b[31mred\x1b[0m"
