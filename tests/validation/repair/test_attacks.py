"""Text that was made to cost much, or that loops: the work grows with its length and no faster, and nothing is lost."""

import pytest

from routing.dialects.events import Text
from tests.validation.repair.support import answer, calls_of, repair, text_of
from validation.repair import lane
from validation.repair.arguments import mend
from validation.repair.families import json_calls
from validation.repair.source import Source
from validation.repair.tools import Tools

OPENED_AGAIN_AND_AGAIN = {
    "hermes": "<tool_call>",
    "hermes, an object": "<tool_call>{",
    "kimi": "<|tool_call_begin|>functions.book_room:0<|tool_call_argument_begin|>{",
    "kimi, stripped": "functions.noop:0{",
    "qwen": "<tool_call><function=write><parameter=content>",
    "glm": "<tool_call>add_note<arg_key>text</arg_key><arg_value>",
    "glm, calls in a value": "<tool_call>add_note<arg_key>text</arg_key><arg_value>" + "<tool_call>" * 40,
    "kimi k3": '<|open|>call tool="exec"<|sep|><|open|>argument key="cmd" type="string"<|sep|>',
    "gemma, calls in a string": '<|tool_call>call:paint{wall:<|"|>' + "<|tool_call>" * 40,
    "minicpm": '<function name="exec"><param name="cmd"><![CDATA[',
    "dsml": '<｜DSML｜invoke name="noop">',
    "harmony": "<|channel|>commentary to=functions.rain<|message|>{",
    "gemma": '<|tool_call>call:paint{wall:<|"|>',
    "mistral": "[TOOL_CALLS]",
    "olmo": "<function_calls>",
    "a name without an end": "functions.",
}
NOOP = '<tool_call>{"name": "noop", "arguments": {}}</tool_call>'


@pytest.fixture
def read_for_nothing(monkeypatch):
    """How much was read of each candidate that was none."""
    sizes = []
    rewind = Source.rewind

    def counted(source):
        sizes.append(source.place())
        rewind(source)

    monkeypatch.setattr(Source, "rewind", counted)
    monkeypatch.setattr(lane, "MOST_WASTED", 20_000)
    return sizes


@pytest.mark.parametrize("unit", OPENED_AGAIN_AND_AGAIN.values(), ids=OPENED_AGAIN_AND_AGAIN)
@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_what_opens_and_never_closes_is_not_read_again_and_again(read_for_nothing, unit, size):
    text = "Look: " + unit * (8000 // len(unit))
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    answer(pieces, repair(mend_arguments=mend))
    assert sum(read_for_nothing) <= 20_000 + len(text)


@pytest.mark.parametrize(
    "unit", ["<tool_call>", "[TOOL_CALLS]", "functions.", "<", "`", "~", "<think", " ", "\n", "```\n"]
)
def test_it_comes_out_as_it_was(read_for_nothing, unit):
    text = "Look: " + unit * 600 + "."
    for pieces in [text], list(text):
        assert text_of(answer(pieces, repair())) == text


def test_text_that_was_read_for_nothing_too_often_has_no_more_calls(read_for_nothing):
    text = "Look: " + "<tool_call>" * 400
    transform = repair()
    transform.feed(Text(text))
    assert calls_of(answer([f" {NOOP}"], transform)) == []
    assert calls_of(answer([f"Look. {NOOP}"], repair())) == [("noop", {})]


def test_it_has_none_behind_its_calls_either(read_for_nothing):
    text = f"{NOOP}{'<tool_call>' * 400}"
    transform = repair()
    events = [*transform.feed(Text(text)), *answer([NOOP], transform)]
    assert calls_of(events) == [("noop", {})]


def test_a_call_that_is_nested_too_deeply_to_be_read_is_text(monkeypatch):
    def too_deep(text, tools):
        raise RecursionError

    monkeypatch.setattr(json_calls, "of_json", too_deep)
    text = "So: <tool_call>[1]"
    assert text_of(answer([text], repair())) == text


@pytest.mark.parametrize("depth", [100, 500, 990, 3000])
@pytest.mark.parametrize(
    "form",
    [
        '<tool_call>{{"name": "noop", "arguments": {{"a": {}1{}}}}}</tool_call>',
        '<tool_call>{{"arguments": {{"a": {}1{}}}, "name": "noop"}}</tool_call>',
        "<tool_call>{{'name': 'noop', 'arguments': {{'a': {}1{}}}}}</tool_call>",
        "<|tool_call>call:paint{{wall:{}1{}}}<tool_call|>",
        "<function=forecast><parameter=days>{}1{}</parameter></function>",
    ],
)
def test_whatever_is_nested_deeply_breaks_nothing(form, depth):
    answer([form.format("[" * depth, "]" * depth)], repair(mend_arguments=mend))
    answer([form.format("-" * depth, "")], repair(mend_arguments=mend))


def test_a_megabyte_of_arguments_is_a_call():
    content = "line\\n" * 170_000
    text = f'<tool_call>{{"name": "write", "arguments": {{"content": "{content}"}}}}</tool_call>'
    pieces = [text[start : start + 65_536] for start in range(0, len(text), 65_536)]
    ((name, arguments),) = calls_of(answer(pieces, repair(mend_arguments=mend)))
    assert name == "write"
    assert len(arguments["content"]) == 5 * 170_000


@pytest.mark.parametrize("unit", [":", ": ", ",a:", "a:"])
def test_a_string_of_gemmas_that_never_ends_is_looked_at_once(unit):
    """By the square of its length this took ten seconds."""
    text = '<|tool_call>call:paint{wall:<|"|>' + (unit * 40_000)[:40_000]
    assert text_of(answer([text], repair())) == text


def test_a_name_of_any_length_is_resolved_at_once():
    """By the square of its length this took seven seconds."""
    tools = Tools({"f": {}})
    assert tools.resolve("a." * 40_000 + "f") is None
    assert tools.resolve("a." * 200 + "f") == "f"
