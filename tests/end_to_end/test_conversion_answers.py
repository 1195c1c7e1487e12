"""An answer in the client's dialect, whatever the upstream speaks: whole, streamed, and not as it was asked for."""

import json

import pytest

from tests.end_to_end.answers import End, Gate, json_answer, stream
from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, MESSAGES
from tests.end_to_end.pairs import (
    CALLED,
    SAID,
    THOUGHT,
    TOLD,
    WHOLE,
    Pair,
    every_pair,
    every_talking_pair,
    prompt_and_output,
    read_stream,
    read_whole,
)
from tests.routing.dialects.checkers import check_chat

CHAT_TO_MESSAGES = Pair(CHAT, MESSAGES)
MESSAGES_TO_CHAT = Pair(MESSAGES, CHAT)


@every_pair
def test_a_whole_answer(client, upstream, pair):
    upstream.answer(json_answer(pair.upstream.answer))
    answer = pair.post(client)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["model"] == pair.model
    found = read_whole(pair, answer.json())
    assert found.texts("text") == "Hi there"
    assert found.finish in ("stop", "end_turn", "completed")
    assert upstream.call.path == f"/only-{pair.upstream}{pair.upstream.client_path}"


@every_pair
def test_a_streamed_answer(client, upstream, pair):
    upstream.answer(stream(*pair.upstream.events))
    answer = pair.post(client, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers
    found = read_stream(pair, answer.content)
    assert (found.texts("text"), found.error) == ("Hi there", None)
    assert pair.model in answer.text
    assert "plain" not in answer.text, "the upstream's name for the model"
    assert upstream.call.json()["stream"] is True


@every_talking_pair
@pytest.mark.parametrize("streaming", [False, True])
def test_thinking_text_and_parallel_calls(client, upstream, pair, streaming):
    upstream.answer(stream(TOLD[pair.upstream.dialect]) if streaming else json_answer(WHOLE[pair.upstream.dialect]))
    answer = pair.post(client, stream=streaming)
    found = read_stream(pair, answer.content) if streaming else read_whole(pair, answer.json())
    assert (found.texts("thinking"), found.texts("text")) == (THOUGHT, SAID)
    assert [(name, _parsed(arguments)) for _, name, arguments in found.tools()] == [
        (name, json.loads(arguments)) for name, arguments in CALLED
    ]
    assert len({id for id, _, _ in found.tools()}) == 2
    assert found.finish == {"chat": "tool_calls", "messages": "tool_use", "responses": "completed"}[pair.client.dialect]


def _parsed(arguments):
    return json.loads(arguments) if isinstance(arguments, str) else arguments


@every_talking_pair
@pytest.mark.parametrize("streaming", [False, True])
def test_tokens_are_told_in_the_clients_words(client, upstream, pair, streaming):
    upstream.answer(stream(TOLD[pair.upstream.dialect]) if streaming else json_answer(WHOLE[pair.upstream.dialect]))
    asked = {"stream_options": {"include_usage": True}} if streaming and pair.client is CHAT else {}
    answer = pair.post(client, stream=streaming, **asked)
    if not streaming:
        usage = answer.json()["usage"]
    elif pair.client is CHAT:
        usage = check_chat(answer.content, include_usage=True).usage
    else:
        usage = read_stream(pair, answer.content).usage
    assert prompt_and_output(pair.client.dialect, usage) == (100, 60, 20)


@every_talking_pair
def test_the_record_tells_dialects_tokens_and_finish(client, proxy, upstream, pair):
    upstream.answer(stream(TOLD[pair.upstream.dialect]))
    record = proxy.record(pair.post(client, stream=True))
    assert (record["client_dialect"], record["upstream_dialect"]) == (pair.client.dialect, pair.upstream.dialect)
    assert (record["status"], record["outcome"], record["streamed"]) == (200, "ok", 1)
    assert (record["completion_tokens"], record["cached_tokens"]) == (20, 60)
    beside = pair.upstream is MESSAGES  # there, cached tokens are not among the prompt's
    assert record["prompt_tokens"] == (35 if beside else 100)
    assert record["finish_reason"] in ("tool_calls", "tool_use", "completed")


def test_a_chat_client_that_did_not_ask_for_its_usage_is_not_told(client, proxy, upstream):
    upstream.answer(stream(TOLD["messages"]))
    answer = CHAT_TO_MESSAGES.post(client, stream=True)
    assert "usage" not in answer.text
    assert proxy.record(answer)["completion_tokens"] == 20


def test_a_chat_upstream_is_always_asked_for_its_usage(client, upstream):
    upstream.answer(stream(TOLD["chat"]))
    MESSAGES_TO_CHAT.post(client, stream=True)
    assert upstream.call.json()["stream_options"] == {"include_usage": True}


@every_pair
def test_the_first_bytes_flow_before_the_upstream_ends(client, upstream, pair):
    """How many events an upstream needs before there is something to say differs; the end is not among them."""
    rest = Gate()
    upstream.answer(stream(*pair.upstream.events[:-2], rest, *pair.upstream.events[-2:]))
    body, headers = pair.body(stream=True), pair.client.headers
    with client.stream("POST", pair.client.client_path, json=body, headers=headers) as answer:
        chunks = answer.iter_raw()
        received = next(chunks)
        while b"Hi" not in received:
            received += next(chunks)
        assert not upstream.call.answered
        rest.open()
        received += b"".join(chunks)
    assert read_stream(pair, received).texts("text") == "Hi there"


@every_pair
def test_json_although_a_stream_was_asked_for_becomes_a_stream(client, upstream, pair):
    upstream.answer(json_answer(pair.upstream.answer))
    answer = pair.post(client, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert read_stream(pair, answer.content).texts("text") == "Hi there"


@every_pair
def test_a_stream_although_none_was_asked_for_becomes_json(client, upstream, pair):
    upstream.answer(stream(b": starting\n\n", *pair.upstream.events))
    answer = pair.post(client)
    assert answer.headers["content-type"] == "application/json"
    assert read_whole(pair, answer.json()).texts("text") == "Hi there"


@pytest.mark.parametrize("pair", [MESSAGES_TO_CHAT, Pair(COMPLETIONS, GENERATE)], ids=str)
def test_done_may_be_missing(client, upstream, pair):
    upstream.answer(stream(*pair.upstream.events[:-1]))
    found = read_stream(pair, pair.post(client, stream=True).content)
    assert (found.texts("text"), found.error) == ("Hi there", None)


@every_pair
def test_a_break_after_the_last_word_is_none_of_the_clients_business(client, proxy, upstream, pair):
    arrived = Gate()
    upstream.answer(stream(*pair.upstream.events, arrived, end=End.RESET))
    received = b""
    body, headers = pair.body(stream=True), pair.client.headers
    last = {"messages": b"message_stop", "responses": b"response.completed"}.get(pair.client.dialect, b"[DONE]")
    with client.stream("POST", pair.client.client_path, json=body, headers=headers) as answer:
        for chunk in answer.iter_raw():
            received += chunk
            if last in received:
                arrived.open()
    assert read_stream(pair, received).error is None


def test_what_is_left_out_of_an_answer_is_in_the_record(client, proxy, upstream):
    pair = Pair(COMPLETIONS, MESSAGES)
    upstream.answer(stream(TOLD["messages"]))
    answer = pair.post(client, stream=True)
    assert read_stream(pair, answer.content).texts("text") == SAID
    warnings = " ".join(proxy.record(answer)["warnings"])
    assert "reasoning" in warnings
    assert "tool call" in warnings


@pytest.mark.parametrize("streaming", [False, True])
def test_the_clients_own_name_for_a_renamed_model(client, proxy, upstream, streaming):
    told = stream(TOLD["messages"]) if streaming else json_answer(WHOLE["messages"])
    upstream.answer(told)
    answer = CHAT_TO_MESSAGES.post(client, model="Renamed-To-Messages", stream=streaming)
    assert '"model":"Renamed-To-Messages"' in answer.text
    assert upstream.call.json()["model"] == "Their-Name"
    record = proxy.record(answer)
    assert (record["model_asked"], record["model_sent"]) == ("Renamed-To-Messages", "Their-Name")
    assert [change["name"] for change in record["changes"]] == ["model"]
