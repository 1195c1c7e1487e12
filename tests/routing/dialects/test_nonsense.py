"""Whatever an upstream writes in the place of a value is read or skipped: its nonsense is no failure of ours."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.conversion import convert_response
from routing.dialects.events import count
from routing.dialects.json import loads
from routing.dialects.life import EarlyResponse
from routing.dialects.opening import Found, Opening
from routing.dialects.sse import Frame, SseParser
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    exchange,
    streamed,
    transcript,
)

NONSENSE: tuple[Any, ...] = (["?"], {"?": 0}, 7, "?", None, 10**30)

STREAMS = {
    "openrouter": CHAT,
    "llamacpp": CHAT,
    "kimi": CHAT,
    "anthropic": MESSAGES,
    "responses": RESPONSES,
    "generate": GENERATE,
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield (*place, name)
        yield from places(item, (*place, name))


def spoiled(value: Any, place: tuple[Any, ...], nonsense: Any) -> Any:
    copy = inner = deepcopy(value)
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = nonsense
    return copy


def frames_of(stream: bytes) -> list[Frame]:
    sse = SseParser()
    return sse.feed(stream) + sse.close()


def spoiled_streams(stream: bytes) -> Iterator[bytes]:
    """With each kind of nonsense in each place, once for each shape of frame."""
    frames, seen = frames_of(stream), set()
    for at, (name, data) in enumerate(frames):
        if not data.startswith(b"{"):
            continue
        payload = json.loads(data)
        for place in places(payload):
            if (name, payload.get("type"), place) not in seen:
                seen.add((name, payload.get("type"), place))
                for nonsense in NONSENSE:
                    frame = (name, json.dumps(spoiled(payload, place, nonsense)).encode())
                    yield b"".join(map(written, [*frames[:at], frame, *frames[at + 1 :]]))


def written(frame: Frame) -> bytes:
    return b"event: " + frame[0] + b"\ndata: " + frame[1] + b"\n\n"


@pytest.mark.parametrize(("name", "dialect"), STREAMS.items())
def test_in_any_place_of_a_stream(name: str, dialect: Dialect):
    client = MESSAGES if dialect is CHAT else CHAT
    for stream in spoiled_streams(transcript(name)):
        opening = Opening(dialect)
        opening.feed(stream)
        assert 400 <= opening.error_status <= 599
        assert streamed(stream, exchange(client, dialect, include_usage=True))


@pytest.mark.parametrize(("name", "dialect"), STREAMS.items())
@pytest.mark.parametrize("client", [CHAT, COMPLETIONS, MESSAGES, RESPONSES])
def test_in_any_place_of_a_whole_answer(name: str, dialect: Dialect, client: Dialect):
    body = convert_response(transcript(name), exchange(client, dialect)).body
    for place in places(body):
        for nonsense in NONSENSE:
            answer = json.dumps(spoiled(body, place, nonsense)).encode()
            assert convert_response(answer, exchange(CHAT, client)).body


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**64, 2**64 - 1, -(2**63)])
def test_a_number_that_is_too_long_beside_half_a_character_can_be_written_again(number):
    written = orjson.dumps(loads(b'["\\ud800", %d]' % number))
    assert orjson.loads(written) == ["\ufffd", orjson.loads(b"%d" % number)]


def test_the_finish_of_a_greeting_is_an_object():
    assert Opening(GENERATE).feed(b'data: {"text":"","meta_info":["?"]}\n\n') is Found.GREETING


def test_citations_are_a_list():
    body = {"content": [{"type": "text", "text": "Hi", "citations": 7}], "stop_reason": "end_turn"}
    assert convert_response(json.dumps(body).encode(), exchange(CHAT, MESSAGES)).failure is None


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 2**53, "7", True])
def test_what_cannot_be_counted_is_no_count(number):
    assert count(number) is None


def test_the_output_of_a_response_that_came_early_is_a_list():
    early = EarlyResponse(lambda: exchange(RESPONSES, RESPONSES))
    early.ping()
    assert b"response.completed" in early.whole({"output": 7})
