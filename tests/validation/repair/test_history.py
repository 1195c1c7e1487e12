"""What a request offers, and the calls of earlier turns that it brings along."""

import copy
import json

import pytest

from routing.dialects import Dialect
from validation.repair.history import mend_history
from validation.repair.native_calls import MendedCall
from validation.repair.offered import tools_of

SCHEMA = {"type": "object", "properties": {"line": {"type": "integer"}}, "required": ["line"]}
WRONG, RIGHT = '{"line": "1"}', '{"line": 1}'
CHAT_TOOLS = [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]
MESSAGES_TOOLS = [{"name": "read", "input_schema": SCHEMA}]
RESPONSES_TOOLS = [{"type": "function", "name": "read", "parameters": SCHEMA}]


def chat(arguments, **fields):
    call = {"id": "a", "type": "function", "function": {"name": "read", "arguments": arguments}}
    turns = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "content": "Done."},
    ]
    return {"model": "m", "tools": CHAT_TOOLS, "messages": turns, **fields}


def messages(input, **fields):
    block = {"type": "tool_use", "id": "a", "name": "read", "input": input}
    content = [{"type": "text", "text": "Now."}, block]
    turns = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": content}]
    return {"tools": MESSAGES_TOOLS, "messages": turns, **fields}


def responses(arguments, **fields):
    items = [{"role": "user", "content": "Go."}, {"type": "function_call", "name": "read", "arguments": arguments}]
    return {"tools": RESPONSES_TOOLS, "input": items, **fields}


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"line": value}
    return value


NOTE = MendedCall("read", ("line: text read as integer",), WRONG, RIGHT)
CASES = [
    (Dialect.CHAT, chat(WRONG), chat(RIGHT)),
    (Dialect.MESSAGES, messages({"line": "1"}), messages({"line": 1})),
    (Dialect.RESPONSES, responses(WRONG), responses(RIGHT)),
]


@pytest.mark.parametrize(("dialect", "before", "after"), CASES, ids=[case[0] for case in CASES])
def test_calls_of_earlier_turns_are_mended(dialect, before, after):
    untouched = copy.deepcopy(before)

    mended = mend_history(before, dialect)

    assert mended.body == after
    assert mended.notes == (NOTE,)
    assert before == untouched


@pytest.mark.parametrize(("dialect", "before", "after"), CASES, ids=[case[0] for case in CASES])
def test_a_history_that_fits_stays_the_very_same(dialect, before, after):
    assert mend_history(after, dialect).body is after


def test_arguments_of_messages_that_are_a_text_become_the_object():
    assert mend_history(messages(WRONG), Dialect.MESSAGES).body == messages({"line": 1})


STAYS = [
    (Dialect.GENERATE, {"text": "x"}),
    (Dialect.CHAT, {"tools": CHAT_TOOLS, "messages": "x"}),
    (Dialect.CHAT, chat(WRONG, tools=[])),
    (Dialect.CHAT, chat({"line": "1"})),
    (Dialect.CHAT, {"tools": CHAT_TOOLS, "messages": ["x", {"role": "assistant", "tool_calls": [{"id": "a"}, 1]}]}),
    (Dialect.CHAT, {"tools": CHAT_TOOLS, "messages": [{"role": "assistant", "tool_calls": "x"}]}),
    (Dialect.CHAT, json.loads(json.dumps(chat(WRONG)).replace('"name": "read", "arg', '"name": "other", "arg'))),
    (Dialect.CHAT, json.loads(json.dumps(chat(WRONG)).replace('"name": "read", "arg', '"name": 1, "arg'))),
    (Dialect.MESSAGES, {"tools": MESSAGES_TOOLS, "messages": [{"role": "assistant", "content": "x"}]}),
    (Dialect.MESSAGES, {**messages({}), "messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]}),
    (Dialect.MESSAGES, messages(nested(2000))),
]


@pytest.mark.parametrize(("dialect", "body"), STAYS, ids=range(len(STAYS)))
def test_whatever_else_there_is_stays(dialect, body):
    assert mend_history(body, dialect).body is body


OFFERED = [
    (Dialect.CHAT, {"tools": CHAT_TOOLS}, {"read": SCHEMA}),
    (Dialect.CHAT, {"functions": [{"name": "old", "parameters": SCHEMA}]}, {"old": SCHEMA}),
    (Dialect.CHAT, {"tools": [{"type": "custom", "custom": {"name": "free"}}, 5, {"function": {"name": 5}}]}, {}),
    (Dialect.CHAT, {"tools": CHAT_TOOLS, "tool_choice": "none"}, {}),
    (Dialect.CHAT, {"tools": CHAT_TOOLS, "tool_choice": "auto"}, {"read": SCHEMA}),
    (Dialect.CHAT, {"functions": [{"name": "old"}], "function_call": "none"}, {}),
    (Dialect.CHAT, {"tools": None}, {}),
    (Dialect.MESSAGES, {"tools": MESSAGES_TOOLS}, {"read": SCHEMA}),
    (Dialect.MESSAGES, {"tools": MESSAGES_TOOLS, "tool_choice": {"type": "none"}}, {}),
    (Dialect.MESSAGES, {"tools": [{"type": "bash_20250124", "name": "bash"}, {"name": None}]}, {}),
    (Dialect.RESPONSES, {"tools": RESPONSES_TOOLS}, {"read": SCHEMA}),
    (
        Dialect.RESPONSES,
        {"tools": [{"type": "namespace", "name": "fs", "tools": RESPONSES_TOOLS}]},
        {"fs__read": SCHEMA},
    ),
    (Dialect.RESPONSES, {"tools": [{"type": "web_search"}, {"type": "function"}, {"type": "custom", "name": "f"}]}, {}),
    (Dialect.GENERATE, {}, {}),
]


@pytest.mark.parametrize(("dialect", "body", "tools"), OFFERED)
def test_the_tools_of_a_request_are_read_off_its_body(dialect, body, tools):
    assert tools_of(body, dialect) == tools
