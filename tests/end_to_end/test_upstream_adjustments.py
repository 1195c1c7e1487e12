"""What one upstream needs whatever the rules say: its quirks, its three lists, and no billing header."""

import pytest

from tests.end_to_end.answers import json_answer
from tests.end_to_end.exchanges import CHAT, EMBEDDINGS, MESSAGES

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=0a1b2;"}
PROMPT = {"type": "text", "text": "You are helpful.", "cache_control": {"type": "ephemeral"}}


@pytest.fixture
def sent(client, upstream):
    def send(model, exchange=CHAT, **fields):
        upstream.reset()
        upstream.answer(json_answer(exchange.answer))
        answer = client.post(exchange.client_path, json=exchange.body(model, **fields), headers=exchange.headers)
        assert answer.status_code == 200, answer.text
        return upstream.call.json()

    return send


def test_drop_rename_and_set(sent):
    body = sent("via-mapped", logprobs=True, user="me", max_completion_tokens=5, n_keep=9, seed=1)
    assert body == {**CHAT.body("via-mapped"), "max_tokens": 5, "cache_prompt": True, "n_keep": 0, "seed": 1}


def test_they_hold_in_every_dialect(sent):
    body = sent("via-mapped", MESSAGES, user="me")
    assert "user" not in body
    assert body["cache_prompt"] is True


def test_they_are_recorded(client, proxy, upstream):
    upstream.answer(json_answer(CHAT.answer))
    changes = proxy.record(client.post("/v1/chat/completions", json=CHAT.body("via-mapped", logprobs=True)))["changes"]
    dropped = next(change for change in changes if change["name"] == "logprobs")
    assert dropped["from"] is True
    assert "to" not in dropped
    assert "mapped" in dropped["origin"]


def test_venice_is_not_sent_what_it_refuses(sent):
    refused = {"prompt_cache_key": "k", "logprobs": True, "top_logprobs": 3, "parallel_tool_calls": None}
    assert sent("via-venice", **refused, temperature=0.5) == CHAT.body("via-venice", temperature=0.5)


@pytest.mark.parametrize("value", [True, False])
def test_venice_may_have_parallel_tool_calls_that_are_true_or_false(sent, value):
    assert sent("via-venice", parallel_tool_calls=value)["parallel_tool_calls"] is value


@pytest.mark.parametrize("value", ["true", 1, {}, None])
def test_venice_may_not_have_parallel_tool_calls_that_are_not(sent, value):
    assert "parallel_tool_calls" not in sent("via-venice", parallel_tool_calls=value)


def test_venice_gives_embeddings_as_numbers(sent):
    assert sent("via-venice", EMBEDDINGS, encoding_format="base64")["encoding_format"] == "float"
    assert sent("plain", EMBEDDINGS, encoding_format="base64")["encoding_format"] == "base64"


@pytest.mark.parametrize("path", ["/api/v1/api/tags", "/api/tags", "/v1/api/tags"])
def test_ollamas_list_is_asked_for_by_its_own_path(client, upstream, path):
    upstream.answer(json_answer({"models": []}))
    assert client.get(path).json() == {"models": []}
    assert upstream.call.target.endswith("/api/tags")
    assert "/v1" not in upstream.call.target.replace("/main", "")


def test_the_billing_header_is_taken_out_of_the_system_prompt(sent):
    assert sent("plain", MESSAGES, system=[BILLING, PROMPT])["system"] == [PROMPT]


def test_anthropic_itself_gets_its_billing_header(sent):
    assert sent("via-anthropic", MESSAGES, system=[BILLING, PROMPT])["system"] == [BILLING, PROMPT]


@pytest.mark.parametrize("system", ["You are helpful.", [PROMPT], []])
def test_a_system_prompt_without_it_is_left_alone(client, upstream, system):
    upstream.answer(json_answer(MESSAGES.answer))
    answer = client.post("/v1/messages", json=MESSAGES.body(system=system), headers=MESSAGES.headers)
    assert upstream.call.body == answer.request.content
