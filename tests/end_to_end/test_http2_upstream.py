"""An upstream flagged HTTP/2 is called by another transport; everything that matters holds there too.

The scripted upstream speaks HTTP/1.1, which such an upstream may do as well: the protocol is agreed on in the TLS
handshake, and without TLS there is none.
"""

import json

import pytest

from tests.end_to_end.answers import End, Gate, gzipped, hang, json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, STREAMED
from tests.end_to_end.misbehaviour import SOON_WRONG
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error


def _post(client, exchange, model="via-http2", **more):
    return client.post(exchange.client_path, json=exchange.body(model, **more), headers=exchange.headers)


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_whole_answer_arrives_as_it_was_sent(client, upstream, exchange):
    upstream.answer(json_answer(exchange.answer))
    assert _post(client, exchange).content == json_answer(exchange.answer).body()
    assert upstream.call.body == json.dumps(exchange.body("via-http2"), separators=(",", ":")).encode()


def test_a_stream_arrives_as_it_comes(client, upstream):
    rest = Gate()
    upstream.answer(stream(CHAT.events[0], rest, *CHAT.events[1:]))
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body("via-http2", stream=True)) as answer:
        chunks = answer.iter_raw()
        received = next(chunks)
        assert received == CHAT.events[0]
        rest.open()
        assert received + b"".join(chunks) == CHAT.stream


def test_an_upstream_is_left_at_once_when_the_client_leaves(client, upstream):
    upstream.answer(stream(CHAT.events[0], Gate()))
    with client.stream("POST", "/v1/chat/completions", json=CHAT.body("via-http2", stream=True)) as answer:
        assert next(answer.iter_raw()) == CHAT.events[0]
    upstream.call.wait_until_closed()


@pytest.mark.parametrize("way", SOON_WRONG, ids=str)
def test_every_misbehaviour_is_a_502_and_closes_the_connection(client, upstream, way):
    upstream.answer(way.answer(CHAT, True))
    assert "http2" in assert_is_error(_post(client, CHAT, stream=True), "chat", 502)
    upstream.call.wait_until_closed()


def test_a_refused_connection_is_a_502(client):
    assert "http2-refused" in assert_is_error(_post(client, CHAT, "via-http2-refused"), "chat", 502)


def test_silence_is_a_504(client, upstream):
    upstream.answer(hang(Gate()))
    assert "http2-impatient" in assert_is_error(_post(client, CHAT, "via-http2-impatient"), "chat", 504)
    upstream.call.wait_until_closed()


@pytest.mark.parametrize("end", [End.CUT, End.RESET, End.COMPLETE])
@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream_that_breaks_off_ends_with_an_error_event(client, upstream, exchange, end):
    arrived = Gate()
    upstream.answer(stream(exchange.events[0], arrived, end=end))
    request = exchange.body("via-http2", stream=True)
    received = b""
    with client.stream("POST", exchange.client_path, json=request, headers=exchange.headers) as answer:
        for chunk in answer.iter_raw():
            received += chunk
            arrived.open()
    assert received.startswith(exchange.events[0])
    assert_ends_with_error(received, exchange.dialect)


def test_a_compressed_answer_is_handed_on_readable(client, upstream):
    upstream.answer(gzipped(CHAT.answer))
    assert _post(client, CHAT).json() == CHAT.answer


def test_percent_signs_are_kept(client, upstream):
    upstream.answer(json_answer({}))
    client.post("/v1/files/a%2Fb?q=%2F%20", json={"model": "via-http2"})
    assert upstream.call.target == "/http2/v1/files/a%2Fb?q=%2F%20"


def test_no_header_is_added_but_ours(client, upstream):
    upstream.answer(json_answer(CHAT.answer))
    _post(client, CHAT)
    assert upstream.call.header("accept-encoding") == "identity"
    assert upstream.call.header("host") == f"127.0.0.1:{upstream.port}"
    assert upstream.call.header("content-length") == str(len(upstream.call.body))
