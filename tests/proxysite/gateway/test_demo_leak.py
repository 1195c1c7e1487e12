"""What `demo-leaky` says: a call of the first tool there is, as a model writes it, in any dialect's request."""

import json

import pytest

from proxysite.gateway import demo_leak

SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "line": {"type": "integer"}, "note": {"type": "string"}, "any": {}},
    "required": ["path", "line", "any", 5],
}


def called(body):
    text = demo_leak.thought(body)
    name = text.partition("functions.")[2].partition(":0")[0]
    arguments = text.partition("argument_begin|>")[2].partition("<|tool_call_end|>")[0]
    return name, json.loads(arguments)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "read", "parameters": SCHEMA}},
        {"type": "function", "name": "read", "parameters": SCHEMA},
        {"name": "read", "input_schema": SCHEMA},
    ],
)
def test_it_calls_the_first_tool_with_what_that_requires(tool):
    assert called({"tools": ["odd", tool, {"name": "other"}]}) == ("read", {"path": "demo", "line": 1, "any": "demo"})


def test_without_tools_it_calls_one_of_its_own():
    assert called({}) == ("get_weather", {"city": "demo"})


@pytest.mark.parametrize("schema", [None, [], {"required": ["a"]}, {"properties": {"a": {}}}])
def test_a_tool_that_requires_nothing_is_called_with_nothing(schema):
    assert called({"tools": [{"name": "read", "input_schema": schema}]}) == ("read", {})


def test_its_markers_come_in_pieces():
    text = demo_leak.thought({})
    pieces = demo_leak.pieces(text)
    assert "".join(pieces) == text
    assert all("<|tool_call_begin|>" not in piece for piece in pieces)


@pytest.mark.parametrize(
    ("messages", "is_answered"),
    [
        ([{"role": "user", "content": "Hi"}], False),
        ([{"role": "tool", "content": "sunny"}], True),
        ([{"role": "user", "content": [{"type": "tool_result", "content": "sunny"}]}], True),
        ([{"role": "user", "content": [{"type": "text", "text": "Hi"}, "odd"]}], False),
        ([], False),
        ("odd", False),
        (["odd"], False),
    ],
)
def test_it_calls_until_a_result_comes(messages, is_answered):
    assert demo_leak.is_answered({"messages": messages}) is is_answered
