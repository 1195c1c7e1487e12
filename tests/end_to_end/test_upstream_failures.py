"""An upstream that is away, talks nonsense, or dies in the middle: the client is always told, in its dialect."""

import json

import pytest

from tests.end_to_end.answers import End, Framing, Gate, body_answer, event, garbage, hang, hang_up, json_answer, stream
from tests.end_to_end.exchanges import ALL, CHAT, RESPONSES, STREAMED, chat_chunk, typed
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error, events_of

BROKEN = {"fin": hang_up(End.CUT), "rst": hang_up(End.RESET), "garbage": garbage()}


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_refused_connection_is_a_502(client, proxy, exchange, streaming):
    answer = client.post(
        exchange.client_path, json=exchange.body("via-refused", stream=streaming), headers=exchange.headers
    )
    assert "refused" in assert_is_error(answer, exchange.dialect, 502)
    record = proxy.record(answer)
    assert (record["status"], record["outcome"], record["upstream"]) == (502, "upstream_error", "refused")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("way", BROKEN)
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_connection_that_ends_without_an_answer_is_a_502(client, upstream, exchange, way, streaming):
    upstream.answer(BROKEN[way])
    answer = client.post(exchange.client_path, json=exchange.body(stream=streaming), headers=exchange.headers)
    assert "main" in assert_is_error(answer, exchange.dialect, 502)


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
@pytest.mark.parametrize("end", [End.CUT, End.RESET])
@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_a_whole_answer_that_breaks_off_is_never_passed_off_as_whole(client, proxy, upstream, exchange, end, framing):
    upstream.answer(json_answer(exchange.answer).framed(framing).ending(end))
    answer = client.post(exchange.client_path, json=exchange.body(), headers=exchange.headers)
    assert_is_error(answer, exchange.dialect, 502)
    assert proxy.record(answer)["outcome"] in ("upstream_error", "cut")


def _cut_stream(client, upstream, exchange, end, *pieces):
    """Everything the client gets of a stream that is cut once the pieces have arrived."""
    arrived = Gate()
    upstream.answer(stream(*pieces, arrived, end=end))
    received = b""
    request = exchange.body(stream=True)
    with client.stream("POST", exchange.client_path, json=request, headers=exchange.headers) as answer:
        for chunk in answer.iter_raw():
            received += chunk
            arrived.open()
    return answer, received


@pytest.mark.parametrize("end", [End.CUT, End.RESET, End.COMPLETE])
@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream_that_breaks_off_ends_with_an_error_event(client, proxy, upstream, exchange, end):
    answer, received = _cut_stream(client, upstream, exchange, end, exchange.events[0])
    assert received.startswith(exchange.events[0])
    assert "main" in assert_ends_with_error(received, exchange.dialect)
    record = proxy.record(answer)
    assert (record["status"], record["outcome"]) == (200, "cut")
    assert record["error"]


@pytest.mark.parametrize("end", [End.CUT, End.RESET, End.COMPLETE])
@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_half_an_event_is_never_handed_on(client, upstream, exchange, end):
    first, second, *_ = exchange.events
    _, received = _cut_stream(client, upstream, exchange, end, first + second[: len(second) // 2])
    assert received.startswith(first)
    assert second[: len(second) // 2] not in received.removeprefix(first)
    assert_ends_with_error(received, exchange.dialect)


@pytest.mark.parametrize("word", ["error", "message_stop", '{"error": {"message": "x"}}', "data: [DONE]"])
def test_no_word_of_an_answer_hides_that_it_was_cut(client, upstream, word):
    _, received = _cut_stream(client, upstream, CHAT, End.COMPLETE, event(chat_chunk({"content": word})))
    assert_ends_with_error(received, "chat")


def test_a_responses_stream_whose_last_event_is_huge_is_complete(client, upstream):
    last = json.loads(RESPONSES.events[-1].decode().split("data: ", 1)[1])
    last["response"]["output"][0]["content"][0]["text"] = "word " * 20_000
    huge = typed(last)
    upstream.answer(stream(*RESPONSES.events[:-1], huge[:30_000], huge[30_000:]))
    answer = client.post("/v1/responses", json=RESPONSES.body(stream=True))
    assert answer.content == b"".join(RESPONSES.events[:-1]) + huge


def test_a_stream_that_says_done_without_a_finish_is_complete(client, upstream):
    upstream.answer(stream(CHAT.events[0], CHAT.events[-1]))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert events_of(answer.content)[-1] == ("", "[DONE]")
    assert "error" not in answer.text


def test_a_stream_without_done_is_complete_once_it_finished(client, upstream):
    upstream.answer(stream(*CHAT.events[:-1]))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert answer.content == b"".join(CHAT.events[:-1])


def test_an_error_event_of_the_upstreams_own_is_the_only_one(client, proxy, upstream):
    failed = event({"error": {"message": "CUDA out of memory", "type": "server_error", "param": None, "code": None}})
    upstream.answer(stream(CHAT.events[0], failed))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert answer.content == CHAT.events[0] + failed


def test_a_stream_that_breaks_off_before_its_first_byte_is_a_real_error(client, upstream):
    upstream.answer(stream(end=End.CUT))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    if answer.status_code == 200:
        assert_ends_with_error(answer.content, "chat")
    else:
        assert_is_error(answer, "chat", 502)


def test_an_error_before_the_stream_keeps_its_status(client, proxy, upstream):
    upstream.answer(body_answer(b"<html>busy</html>", 503, "text/html"))
    answer = client.post("/v1/chat/completions", json=CHAT.body(stream=True))
    assert answer.status_code == 503
    assert proxy.record(answer)["outcome"] == "upstream_status"


def test_the_next_request_is_served_after_a_broken_one(client, upstream):
    upstream.answer(hang_up(End.RESET), json_answer(CHAT.answer))
    assert client.post("/v1/chat/completions", json=CHAT.body()).status_code == 502
    assert client.post("/v1/chat/completions", json=CHAT.body()).json() == CHAT.answer


def test_a_connection_that_the_upstream_closed_while_it_idled_is_not_used_again(client, upstream):
    upstream.answer(json_answer(CHAT.answer).framed(Framing.CLOSE), json_answer(CHAT.answer))
    for _ in range(2):
        assert client.post("/v1/chat/completions", json=CHAT.body()).status_code == 200


@pytest.mark.parametrize("exchange", ALL, ids=str)
def test_an_upstream_that_says_nothing_for_too_long_is_a_504(client, proxy, upstream, exchange):
    upstream.answer(hang(Gate()))
    answer = client.post(exchange.client_path, json=exchange.body("via-impatient"), headers=exchange.headers)
    assert "impatient" in assert_is_error(answer, exchange.dialect, 504)
    upstream.call.wait_until_closed()
    assert proxy.record(answer)["outcome"] == "upstream_error"


@pytest.mark.parametrize("exchange", STREAMED, ids=str)
def test_a_stream_that_falls_silent_for_too_long_ends_with_an_error_event(client, upstream, exchange):
    upstream.answer(stream(exchange.events[0], Gate()))
    request = exchange.body("via-impatient", stream=True)
    answer = client.post(exchange.client_path, json=request, headers=exchange.headers)
    assert answer.content.startswith(exchange.events[0])
    assert "impatient" in assert_ends_with_error(answer.content, exchange.dialect)
    upstream.call.wait_until_closed()
