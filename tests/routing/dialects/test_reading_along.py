"""Answers that somebody looks into although both sides speak the same dialect: what goes through comes out again."""

import pytest

from routing.dialects.along import Unreadable, prompt_of, read_along
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
    return read_along({"model": "m", "input": "hi", **fields}, RESPONSES, request_id="r1")


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
    ("body", "dialect", "why"),
    [
        ({"messages": [user("hi")], "n": 2}, CHAT, "several answers (n is 2)"),
        ({"input": "hi", "conversation": "conv_1"}, RESPONSES, "conversation is kept by the upstream"),
        ({"messages": [user("hi")], "tools": 3}, CHAT, "cannot be read"),
        ({"messages": [user("hi")], "modalities": ["text", "audio"]}, CHAT, "more than text (modalities)"),
        ({"input": "hi", "background": True}, RESPONSES, "cannot be read"),
        ({"input": "hi", "tools": [{"type": "local_shell"}]}, RESPONSES, "no functions' (local_shell)"),
        ({"messages": [user("hi")], "mcp_servers": [{"name": "m"}]}, MESSAGES, "tools that the upstream runs"),
        (
            {"messages": [user("hi")], "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            MESSAGES,
            "tools that the upstream runs",
        ),
        ({"prompt": "hi", "n": 3}, COMPLETIONS, "several answers (n is 3)"),
        ({"prompt": ["hi", "you"]}, COMPLETIONS, "several prompts"),
        ({"prompt": [[1, 2], [3]]}, COMPLETIONS, "several prompts"),
        ({"prompt": [1, 2], "echo": True}, COMPLETIONS, "(echo)"),
        ({"text": ["hi"]}, GENERATE, "several prompts"),
        ({"input_ids": [[1]]}, GENERATE, "several prompts"),
        ({"text": "hi", "sampling_params": [{}]}, GENERATE, "several prompts"),
        ({"text": "hi", "sampling_params": {"n": 2}}, GENERATE, "several answers (n is 2)"),
    ],
)
def test_what_would_lose_something_is_not_read(body, dialect, why):
    with pytest.raises(Unreadable) as found:
        read_along({"model": "m", **body}, dialect)
    assert why in str(found.value)


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"messages": [user("hi")], "n": 1}, CHAT),
        ({"messages": [user("hi")], "modalities": ["text"], "logprobs": True, "top_logprobs": 3}, CHAT),
        ({"input": "hi", "previous_response_id": "resp_1"}, RESPONSES),
        ({"input": "hi", "tools": [{"type": "web_search_preview"}]}, RESPONSES),
        ({"prompt": "hi", "n": 1, "best_of": 4, "logprobs": 3, "suffix": "!"}, COMPLETIONS),
        ({"prompt": ["hi"], "echo": True}, COMPLETIONS),
        ({"prompt": [[1, 2]]}, COMPLETIONS),
        ({"prompt": [1, 2]}, COMPLETIONS),
        ({"prompt": []}, COMPLETIONS),
        ({"text": "hi"}, GENERATE),
        ({"input_ids": [1, 2], "sampling_params": None, "return_logprob": True}, GENERATE),
    ],
)
def test_what_it_keeps_beside_its_words_is_no_hindrance(body, dialect):
    found = read_along({"model": "m", **body}, dialect, renamed=True)
    assert (found.client, found.upstream, found.model, found.renamed) == (dialect, dialect, "m", True)
    assert found.is_bare is (dialect in (COMPLETIONS, GENERATE))


def test_what_leaves_as_it_came_loses_nothing():
    body = {"messages": [user("hi")], "tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    with pytest.raises(Unreadable):
        read_along(body, MESSAGES)
    assert read_along(body, MESSAGES, passes=True)


def test_a_response_says_what_its_upstream_keeps_of_it():
    kept = {"previous_response_id": "resp_0", "store": True, "instructions": "Be brief."}
    assert along(**kept).echo == kept
    assert along(store=False).echo == {"previous_response_id": None, "store": False}


def test_what_a_bare_prompt_asks_for_is_known():
    body = {"prompt": "hi", "echo": True, "stop": "END", "stream_options": {"include_usage": True}}
    found = read_along(body, COMPLETIONS)
    assert (found.echo, found.stops, found.include_usage) == ({"prompt": "hi"}, {"END"}, True)
    found = read_along({"text": "hi", "echo": True, "sampling_params": {"stop": ["a", "b"]}}, GENERATE)
    assert (found.echo, found.stops, found.include_usage) == ({}, {"a", "b"}, False)


@pytest.mark.parametrize(
    ("body", "dialect", "text"),
    [
        ({"prompt": "hi"}, COMPLETIONS, "hi"),
        ({"prompt": ["hi"]}, COMPLETIONS, "hi"),
        ({"prompt": ["hi", "you"]}, COMPLETIONS, None),
        ({"prompt": [1]}, COMPLETIONS, None),
        ({"text": "hi"}, GENERATE, "hi"),
        ({"text": ["hi"]}, GENERATE, None),
        ({"input_ids": [1]}, GENERATE, None),
    ],
)
def test_the_text_of_a_bare_prompt_is_found_where_it_is_one(body, dialect, text):
    assert prompt_of(body, dialect) == text


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_what_was_said_before_tells_nothing_of_the_answer_and_is_left_unread(dialect):
    assert read_along({"model": "m", "messages": 3, "system": 4}, dialect)


def test_what_loses_nothing_is_read():
    found = read_along({"model": "m", "messages": [user("hi")], "tools": [a_tool()], "stop_sequences": ["x"]}, MESSAGES)
    assert (found.known_tools, found.stops, found.client) == ({"f"}, {"x"}, MESSAGES)
