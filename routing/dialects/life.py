"""What a client that waits for a stream is sent before its answer begins, in its dialect.

Most clients count bytes, so a comment keeps them, and `messages` allows nothing else before its `message_start`.  Codex
counts the events of `responses`: it is told early that there is a response, and then again and again that it is in
progress.  What follows must go on from there: under the same id, its events numbered on, the beginning not said again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from routing.dialects.events import Event, Failed, Start, UsageSeen, members
from routing.dialects.exchange import Exchange
from routing.dialects.json import object_of
from routing.dialects.responses import items
from routing.dialects.sse import DONE, DONE_FRAME, KEEP_ALIVE, SseParser, named_frame
from routing.errors import ProxyError


class Life(Protocol):
    """`ping` gives the next sign of life."""

    def ping(self) -> bytes: ...


class Comments:
    def ping(self) -> bytes:
        return KEEP_ALIVE


class EarlyResponse:
    """Events of a response that has not begun.  `count`: those that the client has been sent, by whomever.

    The exchange is asked for with the first of them: most answers are there before that.
    """

    def __init__(self, exchange: Callable[[], Exchange]) -> None:
        self._exchange = exchange
        self._response: dict[str, Any] = {}
        self._is_over = False
        self.count = 0

    @property
    def id(self) -> str:
        return str(self._response["id"])

    def is_followed(self) -> bool:
        """The answer begins, and numbers its events itself from here on.  Whether there were any before."""
        self._is_over = True
        return self.count > 0

    def ping(self) -> bytes:
        if self._is_over:
            return KEEP_ALIVE  # what has been written may still wait to be sent
        if not self.count:
            exchange = self._exchange()
            self._response = items.response(exchange, items.response_id(exchange, ""), items.IN_PROGRESS, [])
        kind = "response.in_progress" if self.count else "response.created"
        return self.event({"type": kind, "response": self._response})

    def event(self, payload: dict[str, Any]) -> bytes:
        """An event of anybody's, as the next of this response."""
        payload["sequence_number"] = self.count
        self.count += 1
        if isinstance(response := payload.get("response"), dict):
            payload["response"] = {**response, "id": self.id}
        return named_frame(payload)

    def failed(self, error: ProxyError) -> bytes:
        """Its end, where it cannot go on."""
        said = {"code": error.code, "message": error.message}
        return self.event(
            {"type": "response.failed", "response": {**self._response, "status": items.FAILED, "error": said}}
        )

    def whole(self, response: dict[str, Any]) -> bytes:
        """An answer that was not streamed after all."""
        out = b""
        for index, item in enumerate(members(response, "output")):
            for kind in ("response.output_item.added", "response.output_item.done"):
                out += self.event({"type": kind, "output_index": index, "item": item})
        return out + self.event({"type": "response.completed", "response": response})


class LateStart:
    """A `Transform`: an answer begins with what it says first.  Until then its client is sent signs of life, and
    another attempt may take its place."""

    def __init__(self) -> None:
        self._held: list[Event] | None = []

    def feed(self, event: Event) -> list[Event]:
        if self._held is None:
            return [event]
        if isinstance(event, Start | UsageSeen):
            self._held.append(event)
            return []
        held, self._held = self._held, None
        return [event] if isinstance(event, Failed) else [*held, event]

    def close(self) -> list[Event]:
        return []


def may_begin_early(body: Mapping[str, Any]) -> bool:
    """Whether the client of a `responses` request can do without the id that the upstream gives its response."""
    return body.get("store") is False and not body.get("background")


class Continued:
    """Whole events of an upstream's own responses stream in, the same behind an early response's events out."""

    def __init__(self, early: EarlyResponse) -> None:
        self._early = early
        self._sse = SseParser()

    def feed(self, events: bytes) -> bytes:
        return b"".join(self._event(name, data) for name, data in self._sse.feed(events))

    def close(self, left: bytes) -> bytes:
        """A last event may lack its blank line."""
        return self.feed(left) + b"".join(self._event(name, data) for name, data in self._sse.close())

    def _event(self, name: bytes, data: bytes) -> bytes:
        if data == DONE:
            return DONE_FRAME
        payload = object_of(data)
        if payload is None:
            return b""
        payload.setdefault("type", name.decode(errors="replace"))
        return b"" if payload["type"] == "response.created" else self._early.event(payload)
