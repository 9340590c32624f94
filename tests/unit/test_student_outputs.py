"""What a student's process sends is taken into the notebook plain, and no more than fits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from jupyter_client.session import Session
from nbconvert.filters.ansi import ansi2html
from nbformat.v4 import new_code_cell

from coursekit.grading import judge_answers
from coursekit.kernels.manager import MAX_HEADER_BYTES, MAX_PARTS, BoundedSession
from coursekit.kernels.outputs.cell_outputs import CellOutputs
from coursekit.kernels.outputs.output_meter import MAX_FULL_CELLS, OutputMeter
from coursekit.kernels.outputs.plain_outputs import MAX_COLOURS, formed_message, plain_message
from coursekit.sandbox.limits import Limits


def message(kind: str, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "content": content, "buffers": [b"x"]}


def plain(kind: str, **content: Any) -> dict[str, Any] | None:
    formed = formed_message(message(kind, **content))
    return formed and plain_message(formed)["content"]


@pytest.mark.parametrize("kind", ["display_data", "update_display_data", "execute_result"])
def test_only_what_runs_nowhere_is_taken_over(kind: str) -> None:
    data = {"text/html": "<b>", "text/plain": "<b>", "image/png": '"><b>', "image/jpeg": ["a"]}
    found = plain(kind, data=data, metadata={"a": "<b>"}, execution_count="<b>")
    assert found is not None
    assert found["data"] == {"text/plain": "<b>"}
    assert "metadata" not in found
    assert found.get("execution_count") is None


@pytest.mark.parametrize("count", ["<b>", True, -1, 10**4000, 1.5, None, 3])
def test_a_result_has_no_number_but_a_number(count: Any) -> None:
    found = plain("execute_result", data={}, execution_count=count)
    assert found is not None
    assert found["execution_count"] == (3 if count == 3 else None)


def test_parts_have_their_types() -> None:
    assert plain("stream", name="<b>", text=["a"]) == {"name": "stdout", "text": "['a']"}
    error = plain("error", ename=5, evalue={}, traceback=[{}, "x" * 10**7] * 1000)
    assert error is not None
    assert (error["ename"], error["evalue"]) == ("5", "{}")
    assert len(error["traceback"]) == 200
    assert sum(map(len, error["traceback"])) < 10**6
    found = plain("display_data", data={}, transient={"display_id": ["a"]})
    assert found == {"data": {}, "display_id": ""}


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "execute_input", "made_up"])
def test_what_leaves_nothing_on_a_page_is_dropped(kind: str) -> None:
    assert plain(kind, comm_id="a", data={"state": {"value": "<b>"}}) is None


def test_a_message_changes_no_cell_but_its_own() -> None:
    first, second = new_code_cell(), new_code_cell()
    shown = message("display_data", data={"text/plain": "1"}, transient={"display_id": "a"})
    changed = {**shown, "msg_type": "update_display_data"}
    changed["content"] = {**shown["content"], "data": {"text/plain": "2"}}
    for cell, messages in ((first, [shown]), (second, [changed])):
        outputs = CellOutputs(cell)
        for each in messages:
            formed = formed_message(each)
            assert formed is not None
            outputs.take(plain_message(formed))
    assert [output.data for output in first.outputs] == [{"text/plain": "1"}]
    assert second.outputs == []
    again = CellOutputs(third := new_code_cell())
    for each in (shown, changed):
        formed = formed_message(each)
        assert formed is not None
        again.take(plain_message(formed))
    assert [output.data for output in third.outputs] == [{"text/plain": "2"}]


@pytest.mark.parametrize("kind", ["stream", "error", "display_data", "execute_result", "status"])
@pytest.mark.parametrize("content", [{}, [], "text", None, {"data": 7, "text": "", "ename": ""}])
def test_what_has_not_the_form_of_a_kernels_message_is_dropped(kind: str, content: Any) -> None:
    assert formed_message({"msg_type": kind, "content": content}) is None


def test_all_cells_together_have_a_bound() -> None:
    limits, by_all = Limits(text_kilobytes=1), Counter[str]()
    kept = ""
    for _ in range(3 * MAX_FULL_CELLS):
        meter = OutputMeter(limits, by_all)
        admitted = meter.admit(message("stream", text="1234567" * 100))
        kept += admitted["content"]["text"] if admitted else ""
    assert len(kept) == MAX_FULL_CELLS * 1024
    assert meter.cut == "10 KB of all"
    alone = OutputMeter(limits, Counter())
    alone.admit(message("stream", text="x" * 1025))
    assert alone.cut == "1 KB"


@pytest.mark.parametrize(
    ("place", "part"),
    [(3, b"[" + b"1," * MAX_HEADER_BYTES + b"1]"), (5, b"")],
)
def test_a_message_that_takes_much_to_read_is_not_read(place: int, part: bytes) -> None:
    session = Session(key=b"a")
    sent = session.serialize(session.msg("stream", {}))[1:]  # without the mark before it
    assert BoundedSession(key=b"a").deserialize(sent)["msg_type"] == "stream"
    sent = session.serialize(session.msg("stream", {}))[1:]
    sent[place : place + 1] = [part] * (MAX_PARTS if place == 5 else 1)
    sent[0] = session.sign(sent[1:5])
    with pytest.raises(ValueError, match="too"):
        BoundedSession(key=b"a").deserialize(sent)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b[38;5;28;01mif\x1b[39;00m \x1b[m\x1b[48;2;1;2;3mx", None),
        ("\x1b[38mx", "x"),
        ("\x1b[1;048mx", "x"),
        ("\x1b[38;5mx\x1b[2Jy\x1b", "xy"),
        ("\x1b[" + "1;" * 5_000 + "mx", "x"),
    ],
)
def test_only_colours_that_pages_know_are_kept(text: str, kept: str | None) -> None:
    found = plain("stream", name="stdout", text=text)
    assert found is not None
    assert found["text"] == (text if kept is None else kept)
    ansi2html(found["text"])  # it stops at others


def test_text_is_metered_before_it_is_made_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    # To make one letter plain takes as long as to send thousands.
    lengths: list[int] = []

    def noted(formed: dict[str, Any]) -> dict[str, Any]:
        content = formed["content"]
        lengths.append(
            len(content.get("text", "") or content.get("data", {}).get("text/plain", ""))
        )
        return plain_message(formed)

    monkeypatch.setattr(judge_answers, "plain_message", noted)
    judge = judge_answers.JudgeAnswers()
    judge._meter = OutputMeter(Limits(text_kilobytes=1), Counter())
    judge._outputs = CellOutputs(cell := new_code_cell())
    letters = "é\u202e" * 200
    formed = formed_message(message("stream", name="stdout", text=letters))
    assert formed is not None
    assert formed["content"]["text"] == letters  # nothing was looked at letter by letter
    for _ in range(10):
        judge.process_message(message("stream", name="stdout", text=letters), cell, 0)
        judge.process_message(message("display_data", data={"text/plain": letters}), cell, 0)
    assert 0 < sum(lengths) <= 1024


def test_what_takes_room_on_a_page_is_counted() -> None:
    found = plain("stream", name="stdout", text="\x1b[1mx" * 3 * MAX_COLOURS)
    assert found is not None
    assert found["text"].count("\x1b") == MAX_COLOURS
    coloured = {"msg_type": "stream", "content": {"name": "stdout", "text": "\x1b[1mx" * 30}}
    admitted = OutputMeter(Limits(text_kilobytes=1), Counter()).admit(coloured)
    assert admitted is not None
    assert admitted["content"]["text"] == "x" * 30
    meter = OutputMeter(Limits(picture_kilobytes=98), Counter())
    shown = {"msg_type": "display_data", "content": {"data": {"text/plain": "x"}}}
    assert sum(meter.admit(shown) is not None for _ in range(100)) == 20
    update = {"msg_type": "update_display_data", "content": {"data": {"text/plain": "x"}}}
    meter = OutputMeter(Limits(picture_kilobytes=98), Counter())
    assert all(meter.admit(update) for _ in range(100))
