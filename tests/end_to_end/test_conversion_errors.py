"""What goes wrong at an upstream of another dialect: a real status before the first byte, an error event after it."""

import email.utils
import time

import pytest

from tests.end_to_end.answers import End, Framing, Gate, body_answer, event, hang, hang_up, json_answer, stream
from tests.end_to_end.configuration import OWN_KEY
from tests.end_to_end.exchanges import CHAT, GENERATE, MESSAGES, RESPONSES, chat_chunk, typed
from tests.end_to_end.pairs import Pair, every_client, every_pair, every_talking_pair
from tests.end_to_end.shapes import assert_ends_with_error, assert_is_error

CHAT_TO_MESSAGES, MESSAGES_TO_CHAT = Pair(CHAT, MESSAGES), Pair(MESSAGES, CHAT)
RESPONSES_TO_CHAT, RESPONSES_TO_MESSAGES = Pair(RESPONSES, CHAT), Pair(RESPONSES, MESSAGES)
both_ways = pytest.mark.parametrize("streaming", [False, True])


def refusal(upstream, status, message, kind="", code=None):
    """An upstream's error answer in its own shape."""
    if upstream is MESSAGES:
        return json_answer({"type": "error", "error": {"type": kind or "api_error", "message": message}}, status)
    if upstream is GENERATE:
        return json_answer({"error": {"message": message}}, status)
    return json_answer({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


# Before the first byte


@every_pair
@both_ways
def test_a_refusal_keeps_status_and_words_in_the_clients_shape(client, upstream, pair, streaming):
    upstream.answer(refusal(pair.upstream, 422, "No such colour."))
    answer = pair.post(client, stream=streaming)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "No such colour."
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert ("type" in answer.json()) == (pair.client is MESSAGES)


def test_the_record_of_a_refusal_says_what_the_upstream_answered(client, proxy, upstream):
    upstream.answer(refusal(MESSAGES, 429, "Slow down.", "rate_limit_error"))
    record = proxy.record(CHAT_TO_MESSAGES.post(client, stream=True))
    assert (record["status"], record["outcome"], record["upstream_dialect"]) == (429, "upstream_status", "messages")


@every_client
@pytest.mark.parametrize(
    ("name", "value", "passed_on"),
    [
        ("retry-after", "7", "7"),
        ("retry-after", "1.5", "2"),
        ("retry-after", "3600", "60"),
        ("retry-after-ms", "1200", "2"),
        ("x-ratelimit-reset-requests", "6m0s", "60"),
        ("x-ratelimit-reset-tokens", "12ms", "1"),
        ("anthropic-ratelimit-requests-reset", "2001-01-01T00:00:00Z", "0"),
    ],
)
def test_a_wait_in_any_form_is_passed_on_but_never_more_than_a_minute(client, upstream, pair, name, value, passed_on):
    """Case 96 of the wire reference. Rows 5.3.3 and 6.1.9 of the wire reference."""
    upstream.answer(refusal(pair.upstream, 429, "Slow down.", "rate_limit_error").with_headers((name, value)))
    answer = pair.post(client)
    assert_is_error(answer, pair.client.dialect, 429)
    assert answer.headers["retry-after"] == passed_on


def test_a_wait_until_a_date_is_passed_on_as_seconds(client, upstream):
    date = email.utils.formatdate(time.time() + 3000, usegmt=True)
    upstream.answer(refusal(CHAT, 503, "Loading.").with_headers(("Retry-After", date)))
    assert MESSAGES_TO_CHAT.post(client).headers["retry-after"] == "60"


def test_a_wait_that_only_the_message_tells_is_passed_on(client, upstream):
    upstream.answer(refusal(CHAT, 429, "Rate limit reached. Please try again in 11.054s."))
    assert MESSAGES_TO_CHAT.post(client).headers["retry-after"] == "12"


def test_limits_told_of_beside_another_failure_are_no_reason_to_wait(client, upstream):
    reset = ("anthropic-ratelimit-tokens-reset", "2099-01-01T00:00:00Z")
    upstream.answer(refusal(MESSAGES, 529, "Overloaded", "overloaded_error").with_headers(reset))
    assert "retry-after" not in CHAT_TO_MESSAGES.post(client).headers


@pytest.mark.parametrize(("pair", "status"), [(CHAT_TO_MESSAGES, 503), (RESPONSES_TO_MESSAGES, 503)], ids=str)
def test_529_is_503_for_those_who_do_not_know_it(client, upstream, pair, status):
    upstream.answer(refusal(MESSAGES, 529, "Overloaded", "overloaded_error"))
    assert_is_error(pair.post(client), pair.client.dialect, status)


def test_503_is_an_overload_for_a_client_of_messages(client, upstream):
    upstream.answer(refusal(CHAT, 503, "No capacity", "unavailable_error"))
    answer = MESSAGES_TO_CHAT.post(client)
    assert_is_error(answer, "messages", 503)
    assert answer.json()["error"]["type"] == "overloaded_error"


@both_ways
def test_a_context_that_is_too_long_is_said_in_the_words_that_claude_code_looks_for(client, upstream, streaming):
    said = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
    upstream.answer(refusal(CHAT, 400, said, "BadRequestError"))
    message = assert_is_error(MESSAGES_TO_CHAT.post(client, stream=streaming), "messages", 400)
    assert message.startswith("prompt is too long: 5000 tokens > 4096 maximum")


def test_a_context_that_is_too_long_has_the_code_that_codex_looks_for(client, upstream):
    said = "prompt is too long: 5000 tokens > 4096 maximum"
    upstream.answer(refusal(MESSAGES, 400, said, "invalid_request_error"))
    answer = RESPONSES_TO_MESSAGES.post(client)
    assert answer.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("pair", [MESSAGES_TO_CHAT, RESPONSES_TO_CHAT], ids=str)
def test_a_quota_that_is_used_up_is_not_tried_again(client, upstream, pair):
    told = refusal(CHAT, 429, "You exceeded your quota.", "insufficient_quota", "insufficient_quota")
    upstream.answer(told.with_headers(("x-ratelimit-reset-tokens", "6m0s")))
    answer = pair.post(client)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    assert "retry-after" not in answer.headers


def test_what_the_upstream_says_of_trying_again_is_passed_on(client, upstream):
    upstream.answer(refusal(MESSAGES, 500, "Broken.").with_headers(("x-should-retry", "false")))
    assert CHAT_TO_MESSAGES.post(client).headers["x-should-retry"] == "false"


@every_pair
def test_an_error_page_becomes_an_error_in_the_clients_shape(client, upstream, pair):
    upstream.answer(body_answer(b"<html><title>502 Bad Gateway</title>x</html>", 502, "text/html"))
    answer = pair.post(client)
    assert (answer.status_code, answer.json()["error"]["message"]) == (502, "502 Bad Gateway")
    assert answer.headers["content-type"] == "application/json"


@every_pair
@both_ways
def test_an_error_inside_a_200_is_a_real_status(client, proxy, upstream, pair, streaming):
    upstream.answer(refusal(pair.upstream, 200, "Too many requests.", "rate_limit_error", "rate_limit_exceeded"))
    status = 400 if pair.upstream is GENERATE else 429  # SGLang gives no word for what went wrong
    answer = pair.post(client, stream=streaming)
    assert (answer.status_code, answer.json()["error"]["message"]) == (status, "Too many requests.")


@every_pair
def test_an_error_as_the_first_event_is_a_real_status_and_closes_the_upstream(client, proxy, upstream, pair):
    said = refusal(pair.upstream, 200, "Overloaded", "overloaded_error").body()
    upstream.answer(stream(event(said.decode(), "error" if pair.upstream is MESSAGES else ""), Gate()))
    answer = pair.post(client, stream=True)
    assert answer.status_code in (502, 503, 529)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"] == "Overloaded"
    upstream.call.wait_until_closed()


def test_the_record_of_an_error_inside_a_200_says_so(client, proxy, upstream):
    upstream.answer(stream(event({"error": {"message": "CUDA out of memory", "type": "server_error"}})))
    record = proxy.record(MESSAGES_TO_CHAT.post(client, stream=True))
    assert (record["status"], record["outcome"], record["error"]) == (500, "upstream_error", "CUDA out of memory")


@every_client
def test_a_redirect_says_where_the_mistake_is(client, upstream, pair):
    upstream.answer(body_answer(b"", 307, "text/plain").with_headers(("location", "/elsewhere")))
    assert "base URL" in assert_is_error(pair.post(client), pair.client.dialect, 502)


@both_ways
def test_an_error_never_shows_the_upstreams_own_key(client, upstream, streaming):
    upstream.answer(refusal(MESSAGES, 401, f"invalid key {OWN_KEY}", "authentication_error"))
    answer = CHAT_TO_MESSAGES.post(client, model="via-only-claude", stream=streaming)
    assert "invalid key" in answer.text
    assert OWN_KEY not in answer.text


@pytest.mark.parametrize("exchange", [MESSAGES, RESPONSES], ids=str)
@both_ways
def test_an_upstream_that_is_away_is_a_502(client, exchange, streaming):
    answer = Pair(exchange, CHAT).post(client, model="via-only-refused", stream=streaming)
    assert "refused" in assert_is_error(answer, exchange.dialect, 502)


@every_pair
@pytest.mark.parametrize("end", [End.CUT, End.RESET])
def test_an_upstream_that_ends_without_a_word_is_a_502(client, upstream, pair, end):
    upstream.answer(hang_up(end))
    assert_is_error(pair.post(client, stream=True), pair.client.dialect, 502)


@every_pair
@both_ways
def test_an_answer_that_ends_before_its_first_event_is_a_502(client, upstream, pair, streaming):
    upstream.answer(stream(b": starting\n\n"))
    assert_is_error(pair.post(client, stream=streaming), pair.client.dialect, 502)


@every_pair
def test_a_whole_answer_that_breaks_off_is_a_502(client, upstream, pair):
    upstream.answer(json_answer(pair.upstream.answer).framed(Framing.CHUNKED).ending(End.CUT))
    assert_is_error(pair.post(client), pair.client.dialect, 502)


@pytest.mark.parametrize("exchange", [MESSAGES, RESPONSES], ids=str)
@both_ways
def test_an_upstream_that_says_nothing_for_too_long_is_a_504(client, upstream, exchange, streaming):
    upstream.answer(hang(Gate()))
    answer = Pair(exchange, CHAT).post(client, model="via-only-impatient", stream=streaming)
    assert "impatient" in assert_is_error(answer, exchange.dialect, 504)
    upstream.call.wait_until_closed()


# After the first byte


def begun(client, upstream, pair, *then, end=End.COMPLETE):
    """All that a client gets of half a stream; the upstream goes on, as `then` says, when the first of it is here."""
    arrived = Gate()
    half = pair.upstream.events[: len(pair.upstream.events) // 2]
    upstream.answer(stream(*half, arrived, *then, end=end))
    received = b""
    body, headers = pair.body(stream=True), pair.client.headers
    with client.stream("POST", pair.client.client_path, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        for chunk in answer.iter_raw():
            received += chunk
            arrived.open()
    return received


@every_pair
@pytest.mark.parametrize("end", [End.CUT, End.RESET, End.COMPLETE])
def test_a_stream_that_breaks_off_ends_with_the_dialects_error_event(client, upstream, pair, end):
    assert_ends_with_error(begun(client, upstream, pair, end=end), pair.client.dialect)


def test_the_record_of_a_stream_that_breaks_off_says_so(client, proxy, upstream):
    begun(client, upstream, MESSAGES_TO_CHAT)
    record = proxy.installation.record(upstream.call.header("x-request-id"))
    assert (record["status"], record["outcome"]) == (200, "cut")
    assert record["error"]


@every_talking_pair
def test_an_error_event_of_the_upstreams_becomes_the_clients_and_closes_the_upstream(client, upstream, pair):
    failed = {
        "chat": event(
            {"error": {"message": "CUDA out of memory", "type": "server_error", "param": None, "code": None}}
        ),
        "messages": typed({"type": "error", "error": {"type": "api_error", "message": "CUDA out of memory"}}),
        "responses": typed({"type": "error", "code": "server_error", "message": "CUDA out of memory", "param": None}),
    }
    received = begun(client, upstream, pair, failed[pair.upstream.dialect], Gate())
    assert assert_ends_with_error(received, pair.client.dialect) == "CUDA out of memory"
    upstream.call.wait_until_closed()


def test_a_break_of_a_responses_stream_is_numbered_on(client, upstream):
    upstream.answer(stream(*CHAT.events[:3], Gate()))
    answer = RESPONSES_TO_CHAT.post(client, model="via-only-impatient", stream=True)
    assert "impatient" in assert_ends_with_error(answer.content, "responses")
    numbers = [line for line in answer.text.splitlines() if '"sequence_number":0' in line]
    assert len(numbers) == 1


@pytest.mark.parametrize("word", ["data: [DONE]", '{"error": {"message": "x"}}'])
def test_no_word_of_an_answer_hides_that_it_was_cut(client, upstream, word):
    said = event(chat_chunk({"content": word}))
    assert_ends_with_error(begun(client, upstream, MESSAGES_TO_CHAT, said), "messages")
