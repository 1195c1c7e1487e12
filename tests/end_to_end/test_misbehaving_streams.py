"""Upstreams that misbehave behind the first word of a stream: nothing is tried again, and the client is told."""

import pytest

from tests.end_to_end.answers import End, Gate, on_the_wire, stream
from tests.end_to_end.configuration import HASTY
from tests.end_to_end.exchanges import CHAT
from tests.end_to_end.misbehaviour import LANES, assert_is_whole, good, model
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error

every_lane = pytest.mark.parametrize("pair", LANES, ids=str)


def _half_a_second_event(exchange):
    first, second, *_ = exchange.events
    return first, second[: len(second) // 2]


def _in_no_chunk(exchange, arrived):
    """Chunked framing that goes wrong behind the first event."""
    first, half = _half_a_second_event(exchange)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return on_the_wire(head, b"%x\r\n%b\r\n" % (len(first), first), arrived, b"many\r\n" + half, Gate())


# Name: the rest of a stream whose first event has arrived, what the client is told, the upstream
WAYS = {
    "reset in an event": (
        lambda exchange, arrived: stream(*_half_a_second_event(exchange), arrived, end=End.RESET),
        "broke off its answer: Connection reset",
        "thrice",
    ),
    "closed in an event": (
        lambda exchange, arrived: stream(*_half_a_second_event(exchange), arrived, end=End.CUT),
        "broke off its answer",
        "thrice",
    ),
    "ended in an event": (
        lambda exchange, arrived: stream(*_half_a_second_event(exchange), arrived),
        "",
        "thrice",
    ),
    "chunks that are none": (_in_no_chunk, "broke off its answer", "thrice"),
    "half an event and then silence": (
        lambda exchange, arrived: stream(*_half_a_second_event(exchange), Gate()),
        f"sent nothing for {HASTY} s",
        "hasty-thrice",
    ),
}


def _read(client, upstream, pair, way):
    """All that the client gets; the upstream goes on when the first of it is here."""
    answer_for, _, tried = WAYS[way]
    arrived, received = Gate(), b""
    upstream.answer(answer_for(pair.upstream, arrived))
    body, headers = pair.body(model=model(pair, tried), stream=True), pair.client.headers
    with client.stream("POST", pair.client.client_path, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        for chunk in answer.iter_raw():
            received += chunk
            arrived.open()
    return answer, received


@every_lane
@pytest.mark.parametrize("way", WAYS)
def test_the_stream_ends_with_an_error_event_and_is_not_tried_again(client, proxy, upstream, way, pair):
    answer, received = _read(client, upstream, pair, way)
    assert b"Hi" in received
    assert b" there" not in received
    assert WAYS[way][1] in assert_ends_with_error(received, pair.client.dialect)
    record = proxy.record(answer)
    assert (record["status"], record["outcome"], record["attempts"]) == (200, "cut", 1)
    assert WAYS[way][1] in record["error"]
    if way != "ended in an event":
        upstream.call.wait_until_closed()


@every_lane
def test_a_target_that_breaks_off_again_and_again_is_not_well_until_it_answers(client, proxy, upstream, pair):
    name = model(pair, "once").removeprefix("via-")
    upstream.answer(good(pair.upstream, False))
    pair.post(client, model=f"via-{name}")
    for expected in ("healthy", "healthy", "cooling down"):
        upstream.reset()
        _break_off(client, upstream, pair)
        proxy.wait_until_idle()
        assert proxy.health(name) == expected
    upstream.answer(good(pair.upstream, True))
    assert_is_whole(pair.post(client, model=f"via-{name}", stream=True), pair, True)
    assert proxy.health(name) == "healthy"


def _break_off(client, upstream, pair):
    upstream.answer(stream(*_half_a_second_event(pair.upstream), end=End.CUT))
    answer = pair.post(client, model=model(pair, "once"), stream=True)
    assert_ends_with_error(answer.content, pair.client.dialect)


def test_a_break_behind_words_that_are_still_held_back_counts_too(client, proxy, upstream):
    """The policy wants the whole answer judged before any of it is released."""
    upstream.answer(good(CHAT, False))
    client.post(CHAT.client_path, json=CHAT.body("judged-buffered"))
    for _ in range(3):
        upstream.answer(stream(CHAT.events[0], end=End.CUT))
        answer = client.post(CHAT.client_path, json=CHAT.body("judged-buffered", stream=True))
        assert "broke off" in assert_is_error(answer, "chat", 502)
    assert proxy.health("only-chat") == "cooling down"
