"""Tables 6.1 to 6.3 of the reference: what well-known clients send, and what they make of an answer.

Rows about endpoints, headers, keys and waiting are held by tests of the whole proxy, which name them.
"""

import orjson
import pytest

from routing.dialects.capabilities import capabilities
from routing.dialects.conversion import convert_request
from routing.kinds import Kind
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.rows.checking import ABSENT, holds
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    RESPONSES,
    SONNET_45,
    a_to_c,
    a_tool,
    c_to_a,
    call,
    delta,
    exchange,
    frames_of,
    payloads,
    r_to_c,
    streamed,
    text,
    tool_delta,
    tool_result,
    tool_use,
    user,
)

SESSION = '{"device_id":"' + "d" * 200 + '"}'
CLAUDE_CODE = {
    "max_tokens": 32000,
    "system": [
        text("x-anthropic-billing-header: cc_version=2; hash"),
        {**text("You are Claude Code. " * 100), "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        user([{**text("hi"), "cache_control": {"type": "ephemeral"}}]),
        {"role": "system", "content": "A reminder."},
    ],
    "tools": [a_tool(description="long " * 300)],
    "metadata": {"user_id": SESSION},
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "medium"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "temperature": 1,
    "stream": True,
    "x_extra": {"a": 1},
}


def test_6_1_4_the_whole_body_of_claude_code_reaches_a_local_server():
    conversion = a_to_c(Kind.SGLANG, "m", **CLAUDE_CODE)
    holds(
        conversion,
        {
            "messages.0": {"role": "system", "content": "You are Claude Code. " * 100},
            "messages.1": user("hi"),
            "messages.2": {"role": "system", "content": "A reminder."},
            "user": SESSION,
            "reasoning_effort": "medium",
            "max_tokens": 32000,
            "temperature": 1,
            "x_extra": {"a": 1},
            "context_management": ABSENT,
        },
        "clear_thinking_20251015",
    )
    assert b"cache_control" not in orjson.dumps(conversion.body)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 1},
        {"max_tokens": 512, "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    ],
)
def test_6_1_5_small_requests_in_the_background_are_ordinary_ones(fields):
    assert a_to_c(**fields).body["max_tokens"] == fields["max_tokens"]
    assert ("response_format" in a_to_c(**fields).body) == ("output_config" in fields)


def test_6_1_6_a_search_elsewhere_goes_on_without_its_tool():
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    holds(a_to_c(tools=[search]), {"tools": ABSENT, "tool_choice": ABSENT}, "web_search")


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 100, "completion_tokens": 7}])
def test_6_1_7_the_numbers_that_claude_code_reads_are_always_there(usage):
    chunks = [delta(content="a"), {**delta("stop"), "usage": usage}, "[DONE]"]
    start, *_, last, _ = payloads(streamed(frames_of(*chunks), exchange(MESSAGES, CHAT)))
    for numbers in (start["message"]["usage"], last["usage"]):
        assert all(type(number) is int for number in numbers.values())
        assert {"input_tokens", "output_tokens", "cache_read_input_tokens"} <= numbers.keys()
    assert last["usage"]["input_tokens"] == (100 if usage else 9)


def codex(**fields) -> dict:
    return {
        "model": "m",
        "instructions": "You are Codex.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "tools": [
            {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}},
            {
                "type": "custom",
                "name": "apply_patch",
                "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
            },
            {"type": "web_search", "external_web_access": False},
            {"type": "image_generation"},
            {"type": "tool_search"},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "text": {"verbosity": "low"},
        "service_tier": "auto",
        **fields,
    }


@pytest.mark.parametrize("fields", [{}, {"reasoning": None}])
def test_6_2_1_the_whole_request_of_codex_reaches_a_local_server(fields):
    holds(
        r_to_c(**codex(**fields)),
        {
            "messages": [{"role": "system", "content": "You are Codex."}, user("hi")],
            "tools.0.function.name": "shell",
            "tools.1.function.name": "apply_patch",
            "tools.2": ABSENT,
            "tool_choice": "auto",
            "stream": True,
            "store": ABSENT,
            "include": ABSENT,
        },
        "web_search",
    )


def test_6_2_2_odd_items_are_taken():
    items = [
        {"role": "user", "content": "a", "phase": "x"},
        {"type": "reasoning", "summary": [], "content": None},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}], "phase": "final"},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "late"}]},
        {"type": "tool_search_call", "execution": "server", "arguments": {}},
        {"type": "tool_search_output", "execution": "server", "tools": [{"type": "function", "name": "found"}]},
        {"role": "user", "content": "c"},
    ]
    conversion = r_to_c(input=items)
    assert conversion.body["messages"] == [user("a"), {"role": "assistant", "content": "b"}, user("c")]
    assert [tool["function"]["name"] for tool in conversion.body["tools"]] == ["late", "found"]


def test_6_2_3_a_probe_is_a_request():
    holds(r_to_c(instructions="x", input=[], max_output_tokens=1), {"max_tokens": 1})


def test_6_2_4_and_6_2_5_codex_finds_what_it_reads():
    chunks = [
        delta(content="a"),
        tool_delta(index=0, id="c1", function={"name": "shell", "arguments": "{}"}),
        delta("tool_calls"),
        "[DONE]",
    ]
    events = payloads(streamed(frames_of(*chunks), exchange(RESPONSES, CHAT)))
    kinds = [event["type"] for event in events]
    assert kinds.index("response.output_item.added") < kinds.index("response.output_text.delta")
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert (items[1]["name"], items[1]["call_id"], items[1]["arguments"]) == ("shell", "c1", "{}")
    usage = events[-1]["response"]["usage"]
    assert kinds[-1] == "response.completed"
    assert {"input_tokens", "output_tokens", "total_tokens"} <= usage.keys()
    assert "cached_tokens" in usage["input_tokens_details"]
    assert "reasoning_tokens" in usage["output_tokens_details"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "maximum context length is 10 tokens"}, "context_length_exceeded"),
        ({"message": "x", "code": "insufficient_quota"}, "insufficient_quota"),
        ({"message": "try again in 3s", "type": "rate_limit_error"}, "rate_limit_exceeded"),
        ({"message": "x", "type": "overloaded_error"}, "server_is_overloaded"),
        ({"message": "x", "code": "slow_down"}, "slow_down"),
        ({"message": "x", "type": "invalid_request_error"}, "invalid_prompt"),
    ],
)
def test_6_2_6_errors_have_codes_and_words_that_codex_acts_by(error, code):
    last = payloads(streamed(frames_of({"error": error}), exchange(RESPONSES, CHAT)))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"]["code"] == code
    assert error["message"] in last["response"]["error"]["message"]


def test_6_3_1_zed_may_mix_anthropics_blocks_in():
    turns = [
        user("q"),
        {"role": "assistant", "content": [text("a"), tool_use("t1", x=1)]},
        user([tool_result("t1", "done")]),
    ]
    holds(
        c_to_a(messages=turns),
        {
            "messages.1.content": [text("a"), tool_use("t1", x=1)],
            "messages.2.content": [tool_result("t1", "done")],
        },
    )


def test_6_3_2_cline_finds_content_beside_reasoning():
    data = frames_of(delta(reasoning="hm"), delta(content="a"), delta("stop"), "[DONE]")
    chunks = payloads(streamed(data, exchange(CHAT, CHAT)))
    assert all("content" in chunk["choices"][0]["delta"] for chunk in chunks[:-1])


def test_6_3_3_ids_are_what_they_were_and_thinking_begins_before_it_goes_on():
    data = frames_of(
        delta(reasoning="hm"),
        tool_delta(index=0, id="call_9", function={"name": "f", "arguments": "{}"}),
        delta("tool_calls"),
        "[DONE]",
    )
    assert check_messages(streamed(data, exchange(MESSAGES, CHAT))).tools() == [("call_9", "f", "{}")]
    assert check_chat(streamed(data, exchange(CHAT, CHAT))).tools() == [("call_9", "f", "{}")]


@pytest.mark.parametrize(
    "empty", [{"stop": []}, {"tools": []}, {"logit_bias": None}, {"max_tokens": -1}, {"max_tokens": None}]
)
def test_6_3_4_what_is_empty_is_absent(empty):
    assert c_to_a(**empty).body == c_to_a().body
    assert c_to_a(**empty).warnings == []


def test_6_3_5_every_chunk_has_choices():
    data = frames_of({"id": "x", "object": "odd"}, delta(content="a"), delta("stop"), "[DONE]")
    assert all("choices" in chunk for chunk in payloads(streamed(data, exchange(CHAT, CHAT, include_usage=True))))
    assert "stream" not in c_to_a(stream=False).body


def test_6_3_6_omitted_content_of_a_result_and_no_stop_sequences():
    turns = [user("q"), {"role": "assistant", "content": [tool_use("t1")]}, user([tool_result("t1")])]
    conversion = a_to_c(messages=turns, stop_sequences=[])
    holds(conversion, {"messages.2": {"role": "tool", "tool_call_id": "t1", "content": ""}, "stop": ABSENT})


def test_no_conversion_changes_the_clients_body():
    body = {"model": "m", "messages": [user("q"), {"role": "assistant", "content": None, "tool_calls": [call("c")]}]}
    before = orjson.dumps(body)
    c_to_a(**{**body, "model": SONNET_45})
    convert_request(body, CHAT, RESPONSES, capabilities(Kind.OPENAI, "gpt-5", RESPONSES))
    assert orjson.dumps(body) == before
