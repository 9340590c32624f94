from __future__ import annotations

import pytest

from coursekit.isolation.limits import Limits
from coursekit.plain_text import plain_text
from coursekit.preprocessors.output_meter import CELLS_IN_ALL, OutputMeter


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


def test_all_cells_together_put_out_no_more_than_some_of_them_may() -> None:
    limits = Limits(text_output=10)
    message = {"header": {"msg_type": "stream"}, "content": {"name": "stdout", "text": "x" * 8}}
    meter, texts = OutputMeter(limits), []
    for _ in range(20):
        meter = OutputMeter(limits, meter)
        admitted = meter.admit(message)
        texts.append(admitted["content"]["text"] if admitted else "")
    assert sum(map(len, texts)) == CELLS_IN_ALL * limits.text_output
    assert texts[0] == "x" * 8 and texts[-1] == ""
    assert meter.cut
