"""Long arguments leave as they come; how the text was cut still makes no difference."""

import json

import pytest
from hypothesis import example, given, settings
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
    "hermes": f'<tool_call>\n{{"name": "write", "arguments": {ARGUMENTS}}}\n</tool_call>',
    "qwen": f"<tool_call>\n<function=write>\n<parameter=path>\na.py\n</parameter>\n<parameter=content>\n{LINES}\n</parameter>\n</function>\n</tool_call>",
    "qwen, JSON": f"<function=write>{ARGUMENTS}</function>",
    "glm": f"<tool_call>write\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n<arg_key>content</arg_key>\n<arg_value>{LINES}</arg_value>\n</tool_call>",
    "dsml": f'<｜DSML｜tool_calls><｜DSML｜invoke name="write"><｜DSML｜parameter name="path" string="true">a.py</｜DSML｜parameter><｜DSML｜parameter name="content" string="true">{LINES}</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>',
    "minimax": f'<minimax:tool_call><invoke name="write"><parameter name="path">a.py</parameter><parameter name="content">{LINES}</parameter></invoke></minimax:tool_call>',
    "kimi k3": f'<|open|>call tool="write" index="1"<|sep|><|open|>argument key="path" type="string"<|sep|>a.py<|close|>argument<|sep|><|open|>argument key="content" type="string"<|sep|>{LINES}<|close|>argument<|sep|><|close|>call<|sep|>',
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


@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 1800), st.sampled_from([1, 3, 17, 300]), st.booleans())
@settings(max_examples=120, deadline=None)
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
    for pieces in [FORMATS["mistral"], FORMATS["deepseek v3.1"]], [FORMATS["mistral"] + FORMATS["deepseek v3.1"]]:
        assert calls_of(answer(pieces, repair())) == [("write", WRITE)]
    native = [ToolStart(0, "own", "write"), ToolArguments(0, ARGUMENTS), ToolEnd(0)]
    assert calls_of(answer([*native, Text(FORMATS["mistral"])], repair())) == [("write", WRITE)]
    assert calls_of(answer([Text(FORMATS["mistral"]), *native], repair())) == [("write", WRITE)]


def test_its_arguments_are_mended_on_their_way():
    transform = repair(mend_arguments=mend)
    text = f'[TOOL_CALLS]add_note[ARGS]{{"pin": "true", "text": {json.dumps(LINES)}, "tags": "[]"}}'
    assert calls_of(answer(list(text), transform)) == [("add_note", {"pin": True, "text": LINES, "tags": []})]
    assert {note.kind for note in transform.notes} == {"call", "arguments", "finish"}
    assert isinstance(transform.notes[0], Note)


def qwen(content, path="a.py", **more):
    parameters = {"content": content, "path": path, **more}
    body = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in parameters.items())
    return f"<tool_call>\n<function=write>\n{body}</function>\n</tool_call>"


QUOTED = qwen("x", "y")
CONTENTS = {
    "a call that is quoted": LINES + QUOTED + LINES,
    "tags that do not nest": f"{LINES}<tool_call><function=x>{LINES}",
    "a parameter that is quoted": f"{LINES}<parameter=z>{LINES}</parameter>.",
    "a closing tag": f"{LINES}</parameter>{LINES}",
    "line breaks at its ends": f"\n\n{LINES}\n\n",
    "white space first": f"{' ' * 100}{LINES}",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_long_text_between_tags_may_hold_tags(content):
    for pieces in [qwen(content)], list(qwen(content)):
        assert calls_of(answer(pieces, repair(mend_arguments=mend))) == [
            ("write", {"content": content, "path": "a.py"})
        ]


def test_what_tags_in_a_long_text_mean_is_not_guessed_while_it_leaves():
    transform = repair()
    head, content = "<tool_call>\n<function=write>\n<parameter=content>\n", f"{LINES}<function=x>{LINES}"
    given = transform.feed(Text(head + content))
    arguments = "".join(event.text for event in given if isinstance(event, ToolArguments))
    assert arguments == json.dumps({"content": LINES})[:-2]
    rest = "\n</parameter>\n</function>\n</tool_call>"
    assert calls_of([*given, *answer([rest], transform)]) == [("write", {"content": content})]


def test_a_frame_around_a_text_is_not_given():
    text = f'<function name="write"><param name="content"><![CDATA[{LINES}]]></param></function>'
    assert calls_of(answer(list(text), repair())) == [("write", {"content": LINES})]


def test_markup_in_a_long_value_breaks_the_call_off():
    text = f"<tool_call>write<arg_key>content</arg_key><arg_value>{LINES}<arg_key>path</arg_key></tool_call>"
    events = answer(list(text), repair(mend_arguments=mend))
    assert told(events)[0][2] == json.dumps({"content": LINES})[:-2]
    assert told(answer([text], repair(mend_arguments=mend))) == told(events)


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call><function=shell><parameter=cwd>{LINES}</parameter></tool_call>",
        f"<tool_call>shell<arg_key>cwd</arg_key><arg_value>{LINES}</arg_value>",
        f'<|open|>call tool="shell" index="1"<|sep|><|open|>argument key="cwd" type="string"<|sep|>{LINES}<|close|>argument<|sep|>',
    ],
)
def test_a_long_call_without_its_end_stays_open_while_something_is_missing(text):
    events = answer(list(text), repair(mend_arguments=mend))
    assert told(events)[0][2] == json.dumps({"cwd": LINES})[:-1]
    assert told(answer([text], repair(mend_arguments=mend))) == told(events)


def test_a_long_json_call_may_say_more_behind_its_arguments():
    text = f'<tool_call>{{"name": "write", "arguments": {ARGUMENTS}, "id": 1}}</tool_call>'
    events = answer(list(text), repair())
    assert calls_of(events) == [("write", WRITE)]
    assert told(answer([text], repair())) == told(events)


TAGS = ["<parameter=path>", "<parameter=x>", "</parameter>", "</function>", "<function=write>", "<tool_call>", "</tool_call>",
        "<arg_key>path</arg_key>", "<arg_value>", "</arg_value>", "\n", " ", "<![CDATA[", "]]>", '"', "\\", "word", "x" * 250]  # fmt: skip


@given(st.lists(st.sampled_from(TAGS), max_size=14), st.sampled_from(["qwen", "glm"]), st.booleans())
@example(["x" * 250, "<arg_key>path</arg_key>", "<function=write>", "<parameter=path>", "x" * 250], "glm", False)
@settings(max_examples=150, deadline=None)
def test_whatever_a_value_holds_the_cuts_make_no_difference(words, family, is_cut):
    text = (
        qwen("".join(words))
        if family == "qwen"
        else f"<tool_call>write<arg_key>content</arg_key><arg_value>{''.join(words)}</arg_value></tool_call>"
    )
    finish = FinishReason.LENGTH if is_cut else FinishReason.STOP
    whole = told(answer([text], repair(mend_arguments=mend), finish))
    assert told(answer(list(text), repair(mend_arguments=mend), finish)) == whole
