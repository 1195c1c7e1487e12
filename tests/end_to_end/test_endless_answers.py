"""Upstreams that never come to an end do not fill the memory: what has to be held has a bound, what passes has none."""

from itertools import chain, repeat
from pathlib import Path

import pytest

from tests.end_to_end.answers import BOMBS, Answer, body_answer, bomb, json_answer, stream
from tests.end_to_end.conftest import client_of
from tests.end_to_end.exchanges import CHAT, chat_chunk, event
from tests.end_to_end.misbehaviour import LANES, model
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error

KIB = 1024
every_lane = pytest.mark.parametrize("pair", LANES, ids=str)


@pytest.fixture(scope="module")
def bounded(new_installation, configured):
    with new_installation(configured, MAX_ANSWER_MIB="1").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture
def client(bounded, upstream):
    with client_of(bounded) as client:
        yield client
    upstream.wait_until_idle()
    bounded.wait_until_idle()


def endless(content_type, *begin, more, status=200):
    head = f"HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n".encode()
    return Answer(raw=lambda: chain([head, *begin], repeat(more)))


def post(client, pair, **more):
    return pair.post(client, model=model(pair, "once"), **more)


@every_lane
@pytest.mark.parametrize("status", [200, 500])
def test_a_whole_answer_without_an_end_is_given_up_and_left(client, bounded, upstream, pair, status):
    upstream.answer(endless("application/json", b'{"a": "', more=b"x" * 64 * KIB, status=status))
    answer = post(client, pair)
    assert "MAX_ANSWER_MIB" in assert_is_error(answer, pair.client.dialect, 502)
    upstream.call.wait_until_closed()
    record = bounded.record(answer)
    assert (record["outcome"], record["status"]) == ("upstream_error", 502)


@every_lane
def test_an_event_without_an_end_is_given_up_and_left(client, bounded, upstream, pair):
    upstream.answer(endless("text/event-stream", *pair.upstream.events[:2], b"data: {", more=b"x" * 64 * KIB))
    answer = post(client, pair, stream=True)
    assert "MAX_ANSWER_MIB" in assert_ends_with_error(answer.content, pair.client.dialect)
    upstream.call.wait_until_closed()
    assert bounded.record(answer)["outcome"] == "cut"


@pytest.mark.parametrize("pair", [pair for pair in LANES if pair.client is not pair.upstream], ids=str)
def test_a_converted_stream_without_an_end_is_cut(client, upstream, pair):
    upstream.answer(endless("text/event-stream", *pair.upstream.events[:1], more=pair.upstream.events[1] * 500))
    answer = post(client, pair, stream=True)
    assert "MAX_ANSWER_MIB" in assert_ends_with_error(answer.content, pair.client.dialect)
    upstream.call.wait_until_closed()


def test_a_stream_that_passes_may_be_as_long_as_it_likes(client, upstream):
    first, second, *rest = CHAT.events
    events = [first, *[second, event(chat_chunk({"content": "x" * 1000}))] * 2000, *rest]
    upstream.answer(stream(*events))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert answer.content == b"".join(events)


def test_bytes_that_are_no_events_may_be_as_many_as_they_like(client, upstream):
    upstream.answer(Answer(headers=(("content-type", "audio/mpeg"),), pieces=(b"\0" * 2**21,)))
    assert client.post("/v1/audio/speech", json={"model": "plain", "input": "Hi"}).content == b"\0" * 2**21


@pytest.fixture(scope="module")
def roomy(new_installation, configured):
    """A proxy of its own, whose memory no other test fills."""
    with new_installation(configured, MAX_ANSWER_MIB="1").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


HUGE = 256  # MiB
BEGINNINGS = {False: ("application/json", b'{"a": "'), True: ("text/event-stream", CHAT.events[0] + b"data: {")}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="how much memory a process used is asked of Linux")
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["plain", "via-http2"])
@pytest.mark.parametrize("coding", BOMBS)
def test_what_an_upstream_compresses_unasked_is_measured_as_it_is_decoded(roomy, upstream, coding, name, streams):
    content_type, begin = BEGINNINGS[streams]
    upstream.answer(bomb(coding, begin, content_type, HUGE))
    with client_of(roomy) as client:
        before = roomy.peak_mib()
        answer = client.post("/v1/chat/completions", json=CHAT.body(name, stream=streams))
    assert b"MAX_ANSWER_MIB" in answer.content
    assert roomy.peak_mib() - before < HUGE / 4
    upstream.wait_until_idle()
    roomy.wait_until_idle()


@pytest.mark.parametrize("coding", BOMBS)
def test_bytes_that_are_no_events_may_be_compressed_however_much_they_become(client, upstream, coding):
    upstream.answer(bomb(coding, b"", "audio/mpeg", 8))
    assert client.post("/v1/audio/speech", json={"model": "plain", "input": "Hi"}).content == b" " * 2**23


@pytest.mark.parametrize("coding", BOMBS)
def test_what_is_not_in_the_coding_that_it_names_is_a_broken_answer(client, upstream, coding):
    upstream.answer(body_answer(b"\xff\x07 nothing of the kind").with_headers(("content-encoding", coding)))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert "broke off its answer" in assert_is_error(answer, "chat", 502)


def test_an_answer_that_is_compressed_several_times_over_is_a_broken_one(client, upstream):
    upstream.answer(bomb("gzip", b"", "application/json", 1).with_headers(("content-encoding", "gzip")))
    answer = client.post("/v1/chat/completions", json=CHAT.body())
    assert "several times over" in assert_is_error(answer, "chat", 502)


def test_what_calls_itself_compressed_by_no_coding_passes_as_it_is(client, upstream):
    upstream.answer(json_answer(CHAT.answer).with_headers(("content-encoding", "utf-8")))
    assert client.post("/v1/chat/completions", json=CHAT.body()).json() == CHAT.answer
