import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.opening import Found, Opening

CHAT, COMPLETIONS, MESSAGES = Dialect.CHAT, Dialect.COMPLETIONS, Dialect.MESSAGES
RESPONSES, GENERATE = Dialect.RESPONSES, Dialect.GENERATE


def frame(payload):
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def delta(**fields):
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("dialect", "payload"),
    [
        (CHAT, delta(role="assistant", content="")),
        (CHAT, delta(role="assistant", content=None)),
        (CHAT, {"choices": []}),
        (COMPLETIONS, {"choices": [{"text": "", "finish_reason": None}]}),
        (MESSAGES, {"type": "message_start", "message": {"content": []}}),
        (MESSAGES, {"type": "ping"}),
        (MESSAGES, {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}),
        (MESSAGES, {"type": "content_block_start", "content_block": {"type": "thinking", "thinking": ""}}),
        (RESPONSES, {"type": "response.created", "response": {"error": None}}),
        (RESPONSES, {"type": "response.output_item.added", "item": {"type": "message", "content": []}}),
        (RESPONSES, {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}}),
        (GENERATE, {"text": "", "meta_info": {"finish_reason": None}}),
    ],
)
def test_a_greeting_is_held(dialect, payload):
    assert Opening(dialect).feed(frame(payload)) is Found.GREETING


@pytest.mark.parametrize(
    ("dialect", "payload"),
    [
        (CHAT, delta(content="Hi")),
        (CHAT, delta(reasoning_content="Hm")),
        (CHAT, delta(tool_calls=[{"index": 0}])),
        (CHAT, {"choices": [{"delta": {}, "finish_reason": "stop"}]}),
        (CHAT, {"choices": [], "usage": {"total_tokens": 3}}),
        (CHAT, {"choices": ["?"]}),
        (COMPLETIONS, {"choices": [{"text": "Hi"}]}),
        (MESSAGES, {"type": "content_block_delta", "delta": {"text": "Hi"}}),
        (MESSAGES, {"type": "content_block_start", "content_block": {"type": "tool_use"}}),
        (MESSAGES, {"type": "content_block_start"}),
        (MESSAGES, {"type": "message_delta"}),
        (RESPONSES, {"type": "response.output_text.delta", "delta": "Hi"}),
        (RESPONSES, {"type": "response.output_item.added", "item": {"type": "function_call"}}),
        (GENERATE, {"text": "Hi"}),
        (GENERATE, {"text": "", "meta_info": {"finish_reason": {"type": "stop"}}}),
        (CHAT, ["?"]),
        (CHAT, {"what": "ever"}),
    ],
)
def test_content_is_let_through(dialect, payload):
    assert Opening(dialect).feed(frame(payload)) is Found.CONTENT


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"error": {"message": "m", "type": "rate_limit_error"}}, 429),
        ({"error": {"message": "m", "code": 503, "type": "unavailable_error"}}, 503),
        ({"error": {"message": "m", "code": "1302"}}, 502),
        ({"error": "text"}, 502),
        ({"error": "text", "status_code": 500}, 500),
        ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, 400),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, 529),
        ({"type": "error", "code": "server_error", "message": "m"}, 500),
        ({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}}, 429),
        ({"type": "response.failed", "response": None}, 502),
    ],
)
def test_an_error_is_found_with_the_status_it_would_have_had(payload, status):
    opening = Opening(CHAT)
    assert opening.feed(frame(payload)) is Found.ERROR
    assert opening.error["error"]
    assert opening.error_status == status


def test_an_error_behind_a_greeting_is_found():
    opening = Opening(MESSAGES)
    start = b"event: message_start\n" + frame({"type": "message_start"})
    assert opening.feed(start + frame({"type": "error", "error": {"type": "api_error"}})) is Found.ERROR


def test_an_error_behind_content_is_not_looked_for():
    assert Opening(CHAT).feed(frame(delta(content="Hi")) + frame({"error": "late"})) is Found.CONTENT


def test_comments_are_held():
    assert Opening(CHAT).feed(b": OPENROUTER PROCESSING\n\n") is Found.GREETING


def test_the_end_of_an_empty_stream_is_content():
    assert Opening(CHAT).feed(b"data: [DONE]\n\n") is Found.CONTENT


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_it_does_not_depend_on_how_the_bytes_arrive(size):
    stream = frame(delta(role="assistant", content="")) + frame(delta(content="Hi"))
    opening, found = Opening(CHAT), Found.GREETING
    for at in range(0, len(stream), size):
        assert found is Found.GREETING
        found = opening.feed(stream[at : at + size])
    assert found is Found.CONTENT
    assert b"".join(opening.held) == stream


def test_a_last_event_may_lack_its_end():
    opening = Opening(CHAT)
    assert opening.feed(frame({"error": "boom"}).rstrip()) is Found.GREETING
    assert opening.close() is Found.ERROR


def test_a_stream_that_ends_after_its_greeting_is_still_a_greeting():
    opening = Opening(CHAT)
    opening.feed(frame(delta(role="assistant")))
    assert opening.close() is Found.GREETING


def test_what_nobody_understands_is_content():
    assert Opening(None).feed(b"x") is Found.CONTENT


def test_a_greeting_that_does_not_end_is_an_answer():
    opening = Opening(CHAT)
    assert opening.feed(b"data: " + b"x" * 65000) is Found.GREETING
    assert opening.feed(b"x" * 1000) is Found.CONTENT


def test_of_several_events_the_last_can_be_looked_at_alone():
    events = frame({"choices": [{"delta": {"content": "Hi"}}]}) + frame({"error": {"message": "no", "code": 503}})
    opening = Opening(Dialect.CHAT)
    assert opening.feed(events) is Found.CONTENT
    assert opening.of_last(events).error_status == 503
    assert opening.of_last(events + events[: events.index(b"\n\n") + 2]).error == {}
