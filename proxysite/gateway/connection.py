"""A client's connection under `manage.py serve`: uvicorn's, with the bounds that it lacks on the head of a request.

An offer to go on in HTTP/2 is declined, as a server may, by not looking at it: uvicorn's parser takes all that follows
such a head for the other protocol.  Java's HTTP client makes the offer with every first request, its body behind it.

What comes behind the head is the application's business (`proxysite.gateway.body`); it is told at once that there is
something to wait for.  daphne gives the application whole bodies, and closes connections that are silent for a minute.
"""

import asyncio
import re
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 256 * 1024  # bytes

# A client that takes nothing of its answer holds a slot and an upstream.  By then megabytes wait for it in the system.
LONGEST_STALL = 600.0  # seconds

_OFFER = re.compile(rb"\r\nupgrade:(?![ \t]*websocket)[^\r\n]*", re.IGNORECASE)


class Connection(HttpToolsProtocol):
    """Closes when a request's head does not come, or not to its end, and refuses one that has no end.  The same goes
    for what may follow a body (trailers).  Closes when an answer is not taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: float = settings.ENV["CLIENT_TIMEOUT_SECONDS"]
        self._lateness: asyncio.TimerHandle | None = None  # runs while a head is waited for
        self._stall: asyncio.TimerHandle | None = None  # runs while the client takes nothing
        self._in_head = True
        self._in_body = False
        self._unread = 0  # bytes that came since a head or a piece of a body was complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._is_taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        if b"pgrade" in data and not self._in_body:
            data = _without_offer(data)
        super().data_received(data)
        if self._unread > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head of a request must not be larger than {LARGEST_HEAD // 1024} KiB.")
        elif not self._in_head:
            self._stop_waiting()
            if self.cycle and self.cycle.more_body:
                self.cycle.message_event.set()
        elif self._lateness is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body, self._unread = False, True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._stall = self.loop.call_later(LONGEST_STALL, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._is_taken()
        super().resume_writing()

    def _is_taken(self) -> None:
        if self._stall:
            self._stall.cancel()
            self._stall = None

    def _wait_for_head(self) -> None:
        if self._patience:
            self._lateness = self.loop.call_later(self._patience, self._is_late)

    def _stop_waiting(self) -> None:
        if self._lateness:
            self._lateness.cancel()
            self._lateness = None

    def _is_late(self) -> None:
        if self.cycle and not self.cycle.response_complete:  # an answer that still goes out keeps its connection
            self._wait_for_head()
        else:
            self.transport.close()


def _without_offer(data: bytes) -> bytes:
    head, end, rest = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head) + end + rest
