"""Long arguments leave as they come; how the text was cut still makes no difference."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import FinishReason, Reasoning, Text, ToolArguments, ToolEnd, ToolStart
from tests.validation.repair.support import answer, calls_of, repair, text_of, told
from validation.repair import Note
from validation.repair.arguments import mend

LINES = "\n".join(f'line {number}: "quoted" \\ <|tool <b> {{' for number in range(40))
WRITE = {"path": "a.py", "content": LINES}
ARGUMENTS = json.dumps(WRITE)


def kimi(arguments, end="<|tool_call_end|><|tool_calls_section_end|>"):
    begin = "<|tool_calls_section_begin|><|tool_call_begin|>functions.write:0<|tool_call_argument_begin|>"
    return begin + arguments + end


FORMATS = {
    "kimi": kimi(ARGUMENTS),
    "deepseek v3": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>write\n```json\n{ARGUMENTS}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "deepseek v3.1": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>write<｜tool▁sep｜>{ARGUMENTS}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "mistral": f"[TOOL_CALLS]write[ARGS]{ARGUMENTS}",
    "harmony": f"<|channel|>commentary to=functions.write<|message|>{ARGUMENTS}<|call|>",
}
every_format = pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
both = pytest.mark.parametrize("options", [{}, {"mend_arguments": mend}], ids=["as it is", "mended"])


@every_format
@both
def test_a_long_call_is_the_call_it_was(text, options):
    events = answer([text], repair(**options))
    assert calls_of(events) == [("write", WRITE)]
    assert text_of(events) == ""
    assert told(answer(list(text), repair(**options))) == told(events)


@every_format
@both
def test_its_arguments_leave_before_it_ends(text, options):
    transform = repair(**options)
    events = [event for piece in text[: len(text) * 3 // 4] for event in transform.feed(Text(piece))]
    given = "".join(event.text for event in events if isinstance(event, ToolArguments))
    assert sum(isinstance(event, ToolStart) for event in events) == 1
    assert len(given) > len(ARGUMENTS) // 2
    assert ARGUMENTS.startswith(given)


@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 900), st.sampled_from([1, 3, 17, 300]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_wherever_it_breaks_off_it_says_the_same(name, end, size, is_cut):
    text = FORMATS[name][:end]
    finish = FinishReason.LENGTH if is_cut else FinishReason.STOP
    whole = told(answer([text], repair(mend_arguments=mend), finish))
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert told(answer(pieces, repair(mend_arguments=mend), finish)) == whole


def test_in_reasoning_nothing_of_it_leaves_before_the_end():
    transform = repair()
    assert not [event for piece in FORMATS["kimi"] for event in transform.feed(Reasoning(piece))]
    assert calls_of(answer([], transform)) == [("write", WRITE)]


def test_cut_by_a_limit_it_stays_cut():
    events = answer([kimi(ARGUMENTS[:600], "")], repair(), FinishReason.LENGTH)
    assert [event.text for event in events if isinstance(event, ToolArguments)] == [ARGUMENTS[:600]]
    assert sum(isinstance(event, ToolEnd) for event in events) == 1
    assert told(events)[-2].reason is FinishReason.LENGTH


def test_a_bracket_that_is_missing_at_the_end_is_added():
    assert calls_of(answer(list(kimi(ARGUMENTS[:-1], "")), repair())) == [("write", WRITE)]


def test_a_bracket_that_does_not_match_ends_it():
    events = answer(list(kimi(f"{ARGUMENTS[:-1]}] and on", "")), repair())
    assert told(events)[0][2] == ARGUMENTS[:-1]
    assert text_of(events) == "] and on"


def test_text_and_calls_go_on_behind_it():
    text = f"Now. {FORMATS['kimi']} So. {FORMATS['mistral'].replace('a.py', 'b.py')}"
    events = answer([text], repair())
    assert calls_of(events) == [("write", WRITE), ("write", {**WRITE, "path": "b.py"})]
    assert text_of(events) == "Now.  So. "


def test_a_copy_of_a_long_call_is_dropped():
    assert calls_of(answer([FORMATS["mistral"], FORMATS["deepseek v3.1"]], repair())) == [("write", WRITE)]
    native = [ToolStart(0, "own", "write"), ToolArguments(0, ARGUMENTS), ToolEnd(0)]
    assert calls_of(answer([*native, Text(FORMATS["mistral"])], repair())) == [("write", WRITE)]
    assert calls_of(answer([Text(FORMATS["mistral"]), *native], repair())) == [("write", WRITE)]


def test_its_arguments_are_mended_on_their_way():
    transform = repair(mend_arguments=mend)
    text = f'[TOOL_CALLS]add_note[ARGS]{{"pin": "true", "text": {json.dumps(LINES)}, "tags": "[]"}}'
    assert calls_of(answer(list(text), transform)) == [("add_note", {"pin": True, "text": LINES, "tags": []})]
    assert {note.kind for note in transform.notes} == {"call", "arguments", "finish"}
    assert isinstance(transform.notes[0], Note)
