"""Answers that somebody looks into although both sides speak the same dialect: what goes through comes out again."""

import pytest

from routing.dialects.conversion import read_along
from routing.dialects.exchange import Exchange
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    a_tool,
    named,
    payloads,
    streamed,
    user,
    whole,
)

SEARCHING = {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}}
GROUP = {"type": "namespace", "name": "mail", "tools": [{"type": "function", "name": "send", "parameters": {}}]}
PLACE = {"id": "x_1", "status": "completed"}
SEARCH = {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "q"}, **PLACE}
CALL = {"type": "function_call", "call_id": "c", "name": "send", "namespace": "mail", "arguments": "{}", **PLACE}


def along(**fields) -> Exchange:
    found = read_along({"model": "m", "input": "hi", **fields}, RESPONSES, request_id="r1")
    assert found is not None
    return found


@pytest.mark.parametrize("item", [SEARCH, CALL])
def test_calls_of_responses_come_out_as_they_went_in(item):
    of = along(tools=[SEARCHING, GROUP])
    answer = {"id": "resp_1", "status": "completed", "output": [item]}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": answer},
    ]
    more = {"search": of.search, "namespaces": of.namespaces}
    last = payloads(streamed(named(*events), of))[-1]["response"]["output"]
    for found in (last, whole(answer, RESPONSES, RESPONSES, **more)["output"]):
        assert [{name: value for name, value in given.items() if name != "id"} for given in found] == [
            {name: value for name, value in item.items() if name != "id"}
        ]


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"prompt": "hi"}, GENERATE),
        ({"prompt": "hi"}, COMPLETIONS),
        ({"messages": [user("hi")], "n": 2}, CHAT),
        ({"messages": [user("hi")], "logprobs": True}, CHAT),
        ({"messages": [user("hi")], "tools": 3}, CHAT),
        ({"input": "hi", "previous_response_id": "resp_1"}, RESPONSES),
        ({"messages": [user("hi")], "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, MESSAGES),
    ],
)
def test_what_would_lose_something_is_not_read(body, dialect):
    assert read_along({"model": "m", **body}, dialect) is None


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_what_was_said_before_tells_nothing_of_the_answer_and_is_left_unread(dialect):
    assert read_along({"model": "m", "messages": 3, "system": 4}, dialect) is not None


def test_what_loses_nothing_is_read():
    found = read_along({"model": "m", "messages": [user("hi")], "tools": [a_tool()], "stop_sequences": ["x"]}, MESSAGES)
    assert found is not None
    assert (found.known_tools, found.stops, found.client) == ({"f"}, {"x"}, MESSAGES)
