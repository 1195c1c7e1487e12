"""A target may know a model by another name; the client only ever sees its own."""

import json

import pytest

from tests.end_to_end.answers import body_answer, json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, STREAMED
from tests.end_to_end.shapes import events_of


def _theirs(value):
    """The same with the model called as the upstream calls it."""
    return json.loads(json.dumps(value).replace('"plain"', '"Their-Name"'))


def _ours(value, name="renamed"):
    return json.loads(json.dumps(value).replace('"plain"', json.dumps(name)))


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_whole_answer_has_the_clients_name(client, upstream, exchange):
    upstream.answer(json_answer(_theirs(exchange.answer)))
    answer = client.post(exchange.client_path, json=exchange.body("renamed"), headers=exchange.headers)
    assert upstream.call.json()["model"] == "Their-Name"
    assert answer.json() == _ours(exchange.answer)


@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_every_event_of_a_stream_has_the_clients_name(client, upstream, exchange, size):
    sent = exchange.stream.replace(b'"plain"', b'"Their-Name"')
    crumbs = [sent[start : start + size] for start in range(0, len(sent), size)] if size else [sent]
    upstream.answer(stream(*crumbs))
    answer = client.post(exchange.client_path, json=exchange.body("renamed", stream=True), headers=exchange.headers)
    assert b"Their-Name" not in answer.content
    assert events_of(answer.content) == [(name, _ours(payload)) for name, payload in events_of(exchange.stream)]


def test_the_clients_spelling_is_echoed(client, upstream):
    upstream.answer(json_answer(_theirs(CHAT.answer)))
    assert client.post("/v1/chat/completions", json=CHAT.body("ReNamed")).json()["model"] == "ReNamed"


def test_a_glob_may_rename_too(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    answer = client.post("/v1/chat/completions", json=CHAT.body("UPPER-seven"))
    assert upstream.call.json()["model"] == "Picked"
    assert answer.json()["model"] == "UPPER-seven"


def test_an_upstreams_own_error_is_not_rewritten(client, upstream):
    refusal = b'{"error": {"message": "Their-Name is loading"},  "model": 1}'
    upstream.answer(body_answer(refusal, 503))
    assert client.post("/v1/chat/completions", json=CHAT.body("renamed")).content == refusal


def test_the_name_in_the_words_of_an_answer_is_left_alone(client, upstream):
    said = {
        **CHAT.answer,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": '"model": "Their-Name"'}}],
    }
    upstream.answer(json_answer(_theirs(said)))
    answer = client.post("/v1/chat/completions", json=CHAT.body("renamed")).json()
    assert answer["choices"][0]["message"]["content"] == '"model": "Their-Name"'
