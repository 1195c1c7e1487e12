"""What an upstream of another dialect is sent: content, rules, headers, keys; and what is refused before it is sent."""

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.configuration import CLIENT_KEY, OWN_KEY
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, HELLO, MESSAGES, RESPONSES
from tests.end_to_end.pairs import Pair, every_pair, every_talking_pair
from tests.end_to_end.shapes import assert_is_error

PNG = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TO_MESSAGES, CHAT_TO_RESPONSES = Pair(CHAT, MESSAGES), Pair(CHAT, RESPONSES)
MESSAGES_TO_CHAT, MESSAGES_TO_RESPONSES = Pair(MESSAGES, CHAT), Pair(MESSAGES, RESPONSES)
RESPONSES_TO_CHAT, RESPONSES_TO_MESSAGES = Pair(RESPONSES, CHAT), Pair(RESPONSES, MESSAGES)

# One conversation in each client's words: an image, a call, its result, and a tool that is offered.
CONVERSATION = {
    "chat": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Where is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"city":"Bern"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "Found."},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": SCHEMA}}],
    },
    "messages": {
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Where is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "call_1", "name": "find", "input": {"city": "Bern"}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "Found."}]},
        ],
        "tools": [{"name": "find", "description": "Finds.", "input_schema": SCHEMA}],
    },
    "responses": {
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Where is this?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
                ],
            },
            {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": '{"city":"Bern"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "Found."},
        ],
        "tools": [{"type": "function", "name": "find", "description": "Finds.", "parameters": SCHEMA}],
    },
}


@pytest.fixture
def sent(client, upstream):
    """The request that the upstream gets."""

    def send(pair, headers=None, query="", **fields):
        upstream.answer(json_answer(pair.upstream.answer))
        answer = client.post(
            pair.client.client_path + query, json=pair.body(**fields), headers=headers or pair.client.headers
        )
        assert answer.status_code == 200, answer.text
        return upstream.call

    return send


@every_talking_pair
def test_images_tools_calls_and_results_reach_the_upstream_in_its_words(sent, pair):
    body = sent(pair, **CONVERSATION[pair.client.dialect]).json()
    text = str(body)
    for word in ("Be brief.", "Where is this?", PNG, "call_1", "find", "Bern", "Found.", "Finds."):
        assert word in text
    if pair.upstream is CHAT:
        assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
        assert body["messages"][2]["tool_calls"][0]["id"] == body["messages"][3]["tool_call_id"] == "call_1"
        assert body["tools"][0]["function"]["parameters"] == SCHEMA
    elif pair.upstream is MESSAGES:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
        assert body["messages"][1]["content"][0]["input"] == {"city": "Bern"}
        assert body["messages"][2]["content"][0]["tool_use_id"] == "call_1"
        assert body["tools"][0]["input_schema"] == SCHEMA
    else:
        assert [item.get("type", "message") for item in body["input"]][-2:] == ["function_call", "function_call_output"]
        assert body["tools"][0]["parameters"] == SCHEMA


# Sampling rules and the upstream's own adjustments


def test_rules_for_what_messages_have_no_word_for_reach_a_chat_upstream(sent, proxy, upstream):
    body = sent(MESSAGES_TO_CHAT, model="ruled-for-chat", temperature=0.9).json()
    assert (body["temperature"], body["top_k"], body["min_p"]) == (0.25, 5, 0.1)
    assert body["max_tokens"] == 100, "the request's own"
    record = proxy.installation.record(upstream.call.header("x-request-id"))
    assert {change["name"] for change in record["changes"]} >= {"temperature", "top_k", "min_p"}


def test_a_rule_that_the_upstream_cannot_carry_is_left_out_with_a_warning(sent, proxy, upstream):
    body = sent(CHAT_TO_MESSAGES, model="ruled-for-claude").json()
    assert not {"temperature", "top_k", "min_p"} & set(body), "the newest models of that kind take none of them"
    assert body["max_tokens"] == 77
    record = proxy.installation.record(upstream.call.header("x-request-id"))
    assert all(any(name in warning for warning in record["warnings"]) for name in ("temperature", "top_k", "min_p"))


def test_a_client_of_responses_gets_the_rules_too(sent):
    body = sent(RESPONSES_TO_CHAT, model="ruled-for-chat").json()
    assert (body["temperature"], body["max_tokens"]) == (0.25, 77)


@pytest.mark.parametrize(
    ("pair", "model", "asked", "name"),
    [
        (RESPONSES_TO_CHAT, "via-only-chat", {"max_output_tokens": 9}, "max_tokens"),
        (RESPONSES_TO_CHAT, "via-only-gpt", {"max_output_tokens": 9}, "max_completion_tokens"),
        (MESSAGES_TO_RESPONSES, "via-only-responses", {"max_tokens": 9}, "max_output_tokens"),
        (CHAT_TO_MESSAGES, "via-only-messages", {"max_completion_tokens": 9}, "max_tokens"),
    ],
)
def test_the_limit_of_tokens_has_the_upstreams_name(sent, pair, model, asked, name):
    body = sent(pair, model=model, **asked).json()
    assert body[name] == 9
    assert [key for key in body if "max_" in key] == [name]


def test_generate_takes_parameters_in_its_own_place_and_under_its_own_names(sent):
    body = sent(Pair(COMPLETIONS, GENERATE), max_tokens=9, seed=3, stop="END", top_k=0).json()
    assert body["text"] == "Hello"
    assert body["sampling_params"] == {"max_new_tokens": 9, "sampling_seed": 3, "stop": ["END"], "top_k": -1}


def test_fields_are_dropped_renamed_and_set_in_the_converted_body(sent):
    body = sent(MESSAGES_TO_CHAT, model="via-only-mapped", metadata={"user_id": "u"}).json()
    assert body == {
        "model": "via-only-mapped",
        "messages": HELLO,
        "max_completion_tokens": 100,
        "cache_prompt": True,
    }


def test_the_billing_block_never_reaches_a_chat_upstream_and_the_record_says_so(sent, proxy, upstream):
    blocks = [{"type": "text", "text": "x-anthropic-billing-header: cc=1"}, {"type": "text", "text": "Be kind."}]
    assert sent(MESSAGES_TO_CHAT, system=blocks).json()["messages"][0]["content"] == "Be kind."
    record = proxy.installation.record(upstream.call.header("x-request-id"))
    assert [change["name"] for change in record["changes"]] == ["system"]


# Address, headers and keys


@every_pair
def test_a_query_was_meant_for_the_clients_own_dialect(sent, pair):
    assert "?" not in sent(pair, query="?beta=true").target


@pytest.mark.parametrize("pair", [MESSAGES_TO_CHAT, MESSAGES_TO_RESPONSES], ids=str)
def test_headers_of_anthropic_stay_here(sent, pair):
    headers = {**MESSAGES.headers, "anthropic-beta": "x", "anthropic-dangerous-direct-browser-access": "true"}
    assert not [name for name, _ in sent(pair, headers).headers if name.lower().startswith("anthropic-")]


@pytest.mark.parametrize("pair", [CHAT_TO_MESSAGES, RESPONSES_TO_MESSAGES, Pair(COMPLETIONS, MESSAGES)], ids=str)
def test_an_upstream_of_messages_is_always_told_the_version(sent, pair):
    call = sent(pair, {"openai-organization": "org", "openai-beta": "x"})
    assert call.header("anthropic-version") == "2023-06-01"
    assert not [name for name, _ in call.headers if name.lower().startswith("openai-")]


def test_a_converted_body_says_that_it_is_json(sent):
    assert sent(MESSAGES_TO_CHAT, {"content-type": "text/plain"}).header("content-type") == "application/json"


def test_a_client_of_messages_shows_its_key_as_a_chat_upstream_reads_it(sent):
    call = sent(MESSAGES_TO_CHAT, {"x-api-key": CLIENT_KEY})
    assert {name: value for name, value in call.headers if CLIENT_KEY in value} == {
        "authorization": f"Bearer {CLIENT_KEY}"
    }


@pytest.mark.parametrize(
    ("pair", "model", "header", "value"),
    [
        (CHAT_TO_MESSAGES, "via-only-claude", "x-api-key", OWN_KEY),
        (MESSAGES_TO_CHAT, "via-only-gpt", "authorization", f"Bearer {OWN_KEY}"),
    ],
)
@pytest.mark.parametrize("key", [{"x-api-key": CLIENT_KEY}, {"authorization": f"Bearer {CLIENT_KEY}"}])
def test_an_upstreams_own_key_goes_in_its_own_header_and_the_clients_does_not(sent, pair, model, header, value, key):
    call = sent(pair, key, model=model)
    assert call.header(header) == value
    assert not [name for name, value in call.headers if CLIENT_KEY in value]


# What cannot be converted


@pytest.mark.parametrize(
    ("pair", "fields", "word"),
    [
        (CHAT_TO_MESSAGES, {"n": 2}, "n"),
        (CHAT_TO_RESPONSES, {"n": 3}, "n"),
        (CHAT_TO_MESSAGES, {"messages": "Hello"}, "messages"),
        (CHAT_TO_MESSAGES, {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio"),
        (Pair(COMPLETIONS, MESSAGES), {"prompt": [1, 2, 3]}, "prompt"),
        (Pair(COMPLETIONS, MESSAGES), {"prompt": ["a", "b"]}, "prompt"),
        (Pair(COMPLETIONS, GENERATE), {"suffix": "x"}, "suffix"),
        (Pair(COMPLETIONS, RESPONSES), {"best_of": 2}, "best_of"),
        (RESPONSES_TO_CHAT, {"previous_response_id": "resp_1"}, "previous_response_id"),
        (RESPONSES_TO_MESSAGES, {"background": True}, "background"),
        (MESSAGES_TO_CHAT, {"messages": [{"role": "user", "content": 5}]}, "content"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
def test_what_cannot_be_converted_is_refused_and_reaches_no_upstream(
    client, proxy, upstream, pair, fields, word, streaming
):
    answer = pair.post(client, **fields, stream=streaming)
    assert word in assert_is_error(answer, pair.client.dialect, 400)
    assert upstream.calls == []


@pytest.mark.parametrize("exchange", [CHAT, MESSAGES, RESPONSES], ids=str)
def test_an_upstream_that_only_continues_prompts_is_no_target_for_a_conversation(client, upstream, exchange):
    answer = client.post(exchange.client_path, json=exchange.body("via-only-generate"), headers=exchange.headers)
    assert "“only-generate” does not speak" in assert_is_error(answer, exchange.dialect, 400)
    assert upstream.calls == []


def test_embeddings_are_not_converted(client, upstream):
    answer = client.post("/v1/embeddings", json={"model": "via-only-messages", "input": "x"})
    assert "does not speak chat" in assert_is_error(answer, "chat", 400)
    assert upstream.calls == []
