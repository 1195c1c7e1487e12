"""Answers that are unusual but whole, and those that lead elsewhere."""

import json

import pytest

from tests.end_to_end.answers import Framing, Gate, body_answer, dripping, event, json_answer, on_the_wire, stream
from tests.end_to_end.exchanges import CHAT, MESSAGES, chat_chunk, typed
from tests.end_to_end.misbehaviour import LANES, assert_is_whole, good, model
from tests.end_to_end.pairs import Pair
from tests.end_to_end.shapes import assert_is_error, events_of

every_lane = pytest.mark.parametrize("pair", LANES, ids=str)
both_ways = pytest.mark.parametrize("streaming", [False, True])

HUGE = 10 * 2**20


def _post(client, pair, tried="once", **more):
    return pair.post(client, model=model(pair, tried), **more)


def _delta(exchange, text):
    if exchange is CHAT:
        return event(chat_chunk({"content": text}))
    return typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def _text_of(content):
    """All text deltas of a stream in either dialect."""
    payloads = [payload for _, payload in events_of(content) if isinstance(payload, dict)]
    texts = [choice["delta"].get("content") or "" for one in payloads for choice in one.get("choices", ())]
    return "".join(texts + [one["delta"].get("text", "") for one in payloads if one.get("delta")])


@every_lane
def test_a_single_event_of_ten_megabytes_arrives(client, proxy, upstream, pair):
    first, _, *rest = pair.upstream.events
    huge = _delta(pair.upstream, "word " * (HUGE // 5))
    upstream.answer(stream(first, huge, *rest))
    answer = _post(client, pair, stream=True)
    if pair.client is pair.upstream:
        assert answer.content == first + huge + b"".join(rest)
    assert _text_of(answer.content) == "Hi" + "word " * (HUGE // 5)
    assert proxy.record(answer)["outcome"] == "ok"


def test_a_first_event_of_ten_megabytes_arrives(client, upstream):
    first, *rest = CHAT.events
    upstream.answer(stream(first.replace(b"Hi", b"H" + b"i" * HUGE), *rest))
    assert _text_of(_post(client, Pair(MESSAGES, CHAT), stream=True).content) == "H" + "i" * HUGE + " there"


@every_lane
def test_a_whole_answer_of_ten_megabytes_arrives(client, upstream, pair):
    body = json.dumps(pair.upstream.answer).replace("Hi there", "word " * (HUGE // 5)).encode()
    upstream.answer(body_answer(body))
    answer = _post(client, pair)
    assert answer.status_code == 200
    assert "word " * (HUGE // 5) in answer.text


@every_lane
def test_text_that_is_no_utf8_does_not_break_a_stream(client, proxy, upstream, pair):
    first, _, *rest = pair.upstream.events
    wrong = _delta(pair.upstream, "a?b").replace(b"a?b", b"a\xff\xc3b")
    upstream.answer(stream(first, wrong, *rest))
    answer = _post(client, pair, stream=True)
    if pair.client is pair.upstream:
        assert answer.content == first + wrong + b"".join(rest)
    else:
        assert _text_of(answer.content) == "Hia\ufffd\ufffdb"
    assert proxy.record(answer)["outcome"] == "ok"


@every_lane
def test_text_that_is_no_utf8_does_not_break_a_whole_answer(client, proxy, upstream, pair):
    body = json.dumps(pair.upstream.answer).encode().replace(b"Hi there", b"a\xff\xc3b")
    upstream.answer(body_answer(body))
    answer = _post(client, pair)
    assert answer.status_code == 200
    if pair.client is pair.upstream:
        assert answer.content == body
    else:
        assert "a\ufffd\ufffdb" in answer.text
    assert proxy.record(answer)["outcome"] == "ok"


@every_lane
@both_ways
def test_an_error_that_is_no_utf8_keeps_its_status(client, upstream, pair, streaming):
    upstream.answer(body_answer(b'{"error": {"message": "no \xff such model", "type": "x"}}', 404))
    answer = _post(client, pair, stream=streaming)
    assert answer.status_code == 404
    assert "such model" in answer.text


@every_lane
@both_ways
def test_an_answer_that_comes_byte_by_byte_arrives_whole(client, upstream, pair, streaming):
    upstream.answer(dripping(good(pair.upstream, streaming), 0))
    assert_is_whole(_post(client, pair, stream=streaming), pair, streaming)


@every_lane
@both_ways
def test_a_redirect_to_itself_is_not_followed_and_not_tried_again(client, proxy, upstream, pair, streaming):
    upstream.answer(lambda call: body_answer(b"", 307).with_headers(("location", f"{upstream.url}{call.target}")))
    answer = _post(client, pair, "thrice", stream=streaming)
    if pair.client is pair.upstream:
        assert answer.status_code == 307
        assert answer.headers["location"] == f"{upstream.url}{upstream.call.target}"
    else:
        assert "base URL" in assert_is_error(answer, pair.client.dialect, 502)
    assert proxy.record(answer)["attempts"] == len(upstream.calls) == 1
    assert proxy.health(model(pair, "thrice").removeprefix("via-")) == "healthy"


@every_lane
def test_what_comes_behind_a_content_length_is_no_answer_to_the_next_request(client, upstream, pair):
    body = json_answer(pair.upstream.answer).body()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    left = b'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n"wrong"'
    upstream.answer(on_the_wire(head + body + left, Gate()), good(pair.upstream, False))
    for _ in range(2):
        assert_is_whole(_post(client, pair), pair, False)
    upstream.calls[0].wait_until_closed()


@pytest.mark.parametrize("pair", [pair for pair in LANES if pair.client is not pair.upstream], ids=str)
def test_an_answer_that_its_content_length_cuts_short_is_a_502(client, upstream, pair):
    body = json_answer(pair.upstream.answer).body()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (len(body) // 2)
    upstream.answer(on_the_wire(head + body, Gate()))
    assert_is_error(_post(client, pair), pair.client.dialect, 502)


def test_framing_by_the_end_of_the_connection_is_whole_framing(client, upstream):
    upstream.answer(good(MESSAGES, True).framed(Framing.CLOSE))
    pair = LANES[1]
    assert_is_whole(_post(client, pair, stream=True), pair, True)
