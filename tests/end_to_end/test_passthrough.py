"""Same dialect on both sides and nothing to change: bytes leave as they came, in both directions."""

import gzip

import pytest

from tests.end_to_end.answers import Framing, body_answer, gzipped, json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, MESSAGES, RESPONSES, STREAMED
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.responses.checking import check as check_responses

ODDLY_WRITTEN = (
    b'{ "model":"plain" ,"messages":[ {"role":"user","content":"\\u00e4\xc3\xa4 \\/ \\ud83d\\ude00"}],'
    b'  "seed": 1e3, "x": 1.10 }\n'
)


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_whole_answer_arrives_as_it_was_sent(client, upstream, exchange):
    upstream.answer(json_answer(exchange.answer))
    answer = client.post(exchange.client_path, json=exchange.body(), headers=exchange.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == json_answer(exchange.answer).body()


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream_arrives_as_it_was_sent(client, upstream, exchange):
    """Case 94 of the wire reference: a cumulative /generate stream is among them."""
    upstream.answer(stream(*exchange.events))
    answer = client.post(exchange.client_path, json=exchange.body(stream=True), headers=exchange.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content == exchange.stream


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream_in_crumbs_is_still_the_same_stream(client, upstream, exchange, size):
    crumbs = [exchange.stream[start : start + size] for start in range(0, len(exchange.stream), size)]
    upstream.answer(stream(*crumbs))
    answer = client.post(exchange.client_path, json=exchange.body(stream=True), headers=exchange.headers)
    assert answer.content == exchange.stream


def test_comments_ids_and_carriage_returns_in_a_stream_are_kept(client, upstream):
    odd = (
        b": hello\r\n\r\nid: 7\r\nretry: 10\r\ndata:"
        + CHAT.events[-2].removeprefix(b"data: ")
        + b": bye\n\n"
        + CHAT.events[-1]
    )
    upstream.answer(stream(odd))
    assert client.post("/v1/chat/completions", json=CHAT.body(stream=True)).content == odd


def test_a_request_body_that_nothing_changes_leaves_as_it_came(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    client.post("/v1/chat/completions", content=ODDLY_WRITTEN, headers={"content-type": "application/json"})
    assert upstream.call.body == ODDLY_WRITTEN


def test_a_body_without_content_type_is_understood_too(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    assert client.post("/v1/chat/completions", content=ODDLY_WRITTEN).status_code == 200
    assert upstream.call.body == ODDLY_WRITTEN


@pytest.mark.parametrize("framing", Framing)
def test_every_framing_of_an_answer_is_understood(client, upstream, framing):
    upstream.answer(json_answer(CHAT.answer).framed(framing), stream(*CHAT.events).framed(framing))
    assert client.post("/v1/chat/completions", json=CHAT.body()).json() == CHAT.answer
    assert client.post("/v1/chat/completions", json=CHAT.body(stream=True)).content == CHAT.stream


def test_an_answer_that_comes_compressed_is_handed_on_readable(client, upstream):
    """Case 100 of the wire reference."""
    upstream.answer(gzipped(CHAT.answer))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert "content-encoding" not in answer.headers
    assert answer.json() == CHAT.answer


def test_a_stream_that_comes_compressed_is_handed_on_readable(client, upstream):
    packed = stream(gzip.compress(CHAT.stream)).with_headers(("content-encoding", "gzip"))
    upstream.answer(packed)
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert "content-encoding" not in answer.headers
    assert answer.content == CHAT.stream


@pytest.mark.parametrize("status", [400, 401, 404, 418, 422, 500, 503])
def test_an_upstreams_own_error_arrives_with_its_status_and_its_words(client, upstream, status):
    """Row 6.1.12 of the wire reference."""
    upstream.answer(json_answer({"error": {"message": "prompt is too long", "type": "x"}}, status))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert answer.status_code == status
    assert "prompt is too long" in answer.text


def test_a_redirect_is_handed_on_and_not_followed(client, upstream):
    upstream.answer(body_answer(b"", 307).with_headers(("location", "http://127.0.0.1:9/elsewhere")))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://127.0.0.1:9/elsewhere"
    assert len(upstream.calls) == 1


def test_binary_answers_pass(client, upstream):
    audio = bytes(range(256)) * 300
    upstream.answer(body_answer(audio, content_type="audio/mpeg"))
    answer = client.post("/v1/audio/speech", json={"model": "plain", "input": "Hello"})
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.content == audio


def test_a_form_with_files_passes_untouched(client, upstream):
    """Row 7.2.11 of the wire reference."""
    upstream.answer(json_answer({"text": "Hello"}))
    answer = client.post(
        "/v1/audio/transcriptions", files={"file": ("a.wav", b"\x00\xffRIFF")}, data={"model": "whisper"}
    )
    assert answer.json() == {"text": "Hello"}
    assert b"\x00\xffRIFF" in upstream.call.body
    assert upstream.call.header("content-type") == answer.request.headers["content-type"]


@pytest.mark.parametrize(
    ("exchange", "check"), [(CHAT, check_chat), (MESSAGES, check_messages), (RESPONSES, check_responses)], ids=str
)
def test_whoever_asked_for_a_stream_gets_one_from_an_upstream_that_does_not_stream(client, upstream, exchange, check):
    upstream.answer(json_answer(exchange.answer))
    body = exchange.body("renamed", stream=True)
    answer = client.post(exchange.client_path, json=body, headers=exchange.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    check(answer.content)
    assert b"Hi there" in answer.content
    assert b"renamed" in answer.content
    assert b"Their-Name" not in answer.content


def test_several_answers_at_once_cannot_be_told_as_a_stream_and_arrive_as_they_came(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    answer = client.post(CHAT.client_path, json=CHAT.body(stream=True, n=2))
    assert answer.json() == CHAT.answer
