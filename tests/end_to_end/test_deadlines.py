"""Each deadline has an error of its own that names it, before the first word and behind it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.answers import Answer, Pause, event, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, MESSAGES, chat_chunk, typed
from tests.end_to_end.misbehaviour import LANES, model
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error

BOTH_WAYS = (False, True)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
GREETING = {"chat": event(chat_chunk({"role": "assistant", "content": ""})), "messages": typed({"type": "ping"})}


def asked_by(call):
    return MESSAGES if call.path.endswith("/messages") else CHAT


def ask_all(proxy, upstream, name, ways, script):
    """The answers to all clients at once, so that a deadline is waited for only once."""

    def ask(lane):
        pair, streaming = lane
        with client_of(proxy) as client:
            return pair.post(client, model=model(pair, name), stream=streaming)

    upstream.answer(script)
    lanes = [(pair, streaming) for pair in LANES for streaming in ways]
    with ThreadPoolExecutor(len(lanes)) as clients:
        answers = list(clients.map(ask, lanes))
    for call in upstream.calls:
        call.wait_until_closed()
    return [(answer, pair) for answer, (pair, _) in zip(answers, lanes, strict=True)]


def assert_all_are_told(proxy, answers, code, says):
    for answer, pair in answers:
        message = assert_is_error(answer, pair.client.dialect, 504)
        assert says in message
        assert pair.client is MESSAGES or answer.json()["error"]["code"] == code
        record = proxy.record(answer)
        assert (record["status"], record["outcome"], record["error"]) == (504, "upstream_error", message)


def again_and_again(piece, *before):
    """Raw bytes; it is alive, and never comes to an end."""

    def pieces():
        yield from before
        while True:
            yield piece
            yield Pause(0.02)

    return Answer(raw=pieces)


def test_a_connection_that_does_not_come_about_in_time(proxy, upstream):
    """The server accepts, and never answers the TLS handshake."""
    answers = ask_all(proxy, upstream, "late-connect", BOTH_WAYS, stream())
    assert_all_are_told(proxy, answers, "connect_timeout", "connection within 0.3 s (connect timeout)")


def test_a_first_word_that_does_not_come_in_time(proxy, upstream):
    def script(call):
        return again_and_again(GREETING[asked_by(call).dialect], STREAM_HEAD)

    answers = ask_all(proxy, upstream, "late-first", [True], script)
    assert_all_are_told(
        proxy, answers, "first_token_timeout", "nothing of its answer within 0.4 s (first token timeout)"
    )


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_for_too_long(proxy, upstream, part):
    """A slow loris: no single pause is too long."""
    dripped = again_and_again(b"x", *((JSON_HEAD,) if part == "body" else (b"HTTP/1.1 200 OK\r\n",)))
    answers = ask_all(proxy, upstream, "late-total", BOTH_WAYS, dripped)
    assert_all_are_told(proxy, answers, "total_timeout", "not finish its answer within 0.6 s (total timeout)")


def test_a_stream_that_drips_for_too_long_behind_its_first_word(proxy, upstream):
    def script(call):
        exchange = asked_by(call)
        return again_and_again(b": still here\n\n", STREAM_HEAD, exchange.events[0])

    answers = ask_all(proxy, upstream, "late-total", [True], script)
    for answer, pair in answers:
        assert b"Hi" in answer.content
        message = assert_ends_with_error(answer.content, pair.client.dialect)
        assert "within 0.6 s (total timeout)" in message
        record = proxy.record(answer)
        assert (record["status"], record["outcome"], record["error"]) == (200, "cut", message)
