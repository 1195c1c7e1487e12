"""What an upstream can do wrong before its answer has begun, and who is to bear it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.end_to_end.answers import (
    Answer,
    End,
    Framing,
    Gate,
    body_answer,
    endless_headers,
    garbage,
    hang,
    hang_up,
    json_answer,
    on_the_wire,
    stream,
)
from tests.end_to_end.configuration import HASTY
from tests.end_to_end.exchanges import CHAT, MESSAGES, Exchange
from tests.end_to_end.pairs import Pair
from tests.end_to_end.shapes import events_of

# Two that pass, and both directions between them.
LANES = (Pair(CHAT, CHAT), Pair(MESSAGES, MESSAGES), Pair(MESSAGES, CHAT), Pair(CHAT, MESSAGES))


def model(pair: Pair, tried: str) -> str:
    """The model whose upstream is `tried` that often, and speaks what this pair wants it to."""
    return f"via-{tried}" if pair.client is pair.upstream else f"via-{tried}-{pair.upstream.dialect}"


@dataclass(frozen=True)
class Way:
    """`says`: a word of what the client is told.  `is_silent`: only a deadline ends it."""

    name: str
    answer: Callable[[Exchange, bool], Answer]
    says: str
    code: str = "upstream_broken"
    status: int = 502
    is_silent: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def model(self, pair: Pair, tried: str) -> str:
        return model(pair, f"hasty-{tried}" if self.is_silent else tried)


def good(exchange: Exchange, streaming: bool) -> Answer:
    return stream(*exchange.events) if streaming else json_answer(exchange.answer)


def _half(exchange: Exchange, streaming: bool) -> bytes:
    """Of the first event, or of the whole answer."""
    whole = exchange.events[0].split(b"\n\n")[0] if streaming else json_answer(exchange.answer).body()
    return whole[: len(whole) // 2]


def _begun(exchange: Exchange, streaming: bool, *then: Gate, end: End) -> Answer:
    half = _half(exchange, streaming)
    if streaming:
        return stream(half, *then, end=end)
    return body_answer(half).saying(half, *then).framed(Framing.CHUNKED).ending(end)


def _headed(*lines: str) -> Callable[[Exchange, bool], Answer]:
    """A good answer behind a head with these lines."""

    def answer(exchange: Exchange, streaming: bool) -> Answer:
        head = "\r\n".join(["HTTP/1.1 200 OK", "content-type: application/json", *lines, "", ""])
        return on_the_wire(head.encode() + json_answer(exchange.answer).body())

    return answer


def _after_headers(exchange: Exchange, streaming: bool) -> Answer:
    return _begun(exchange, streaming, end=End.RESET).saying()


def _too_long(exchange: Exchange, streaming: bool) -> Answer:
    return good(exchange, False).framed(Framing.LENGTH).ending(End.CUT)


_SILENT: dict[str, Any] = {
    "is_silent": True,
    "status": 504,
    "code": "upstream_timeout",
    "says": f"sent nothing for {HASTY} s (timeout between bytes)",
}

WAYS = (
    Way("closed without a word", lambda *_: hang_up(), "closed the connection"),
    Way("reset before headers", lambda *_: hang_up(End.RESET), "reset"),
    Way("reset after headers", _after_headers, "broke off its answer: Connection reset"),
    Way("reset in the first event", lambda *way: _begun(*way, end=End.RESET), "broke off its answer: Connection reset"),
    Way("no HTTP", lambda *_: garbage(), "nonsense"),
    Way("endless headers", lambda *_: endless_headers(), "Too many headers"),
    Way("a content-length that is no number", _headed("content-length: many"), "Content-Length"),
    Way("a negative content-length", _headed("content-length: -1"), "Content-Length"),
    Way("two content-lengths", _headed("content-length: 5", "content-length: 6"), "Content-Length"),
    Way("a content-length that is too long", _too_long, "broke off its answer: Connection closed"),
    Way("silence", lambda *_: hang(Gate()), **_SILENT),
    Way("half an event and then silence", lambda *way: _begun(*way, Gate(), end=End.CUT), **_SILENT),
)

SOON_WRONG = tuple(way for way in WAYS if not way.is_silent)
SILENCES = tuple(way for way in WAYS if way.is_silent)


def assert_is_whole(answer: httpx.Response, pair: Pair, streaming: bool) -> None:
    """The client has the good answer, in its dialect."""
    assert answer.status_code == 200, answer.text
    if pair.client is pair.upstream:
        assert answer.content == good(pair.upstream, streaming).body()
    elif not streaming:
        assert "Hi there" in answer.text
    else:
        name, last = events_of(answer.content)[-1]
        assert last == "[DONE]" or name == "message_stop"
        assert "error" not in answer.text
