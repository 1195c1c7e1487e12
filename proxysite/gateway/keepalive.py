"""Signs of life for a streaming client that waits: in a queue, for a slow upstream, between two attempts.

Clients and the proxies between give up on a connection that stays silent.  After ten seconds the answer is begun (200,
an event stream), and from then on a comment is sent every ten seconds, which every dialect's reader skips, also before
its first event.  Once that has happened an error can no longer be a status; it becomes an event.

A timer is all it costs a request that is answered in time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from proxysite.gateway import tasks

INTERVAL = 10.0  # seconds
PING = b": keep-alive\n\n"

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Keepalive:
    """Sends pings from its first interval on until it is stopped.  `headers` are added to those of an event stream."""

    __slots__ = ("_headers", "_send", "_task", "_timer", "has_begun")

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(INTERVAL, self._begin)
        self.has_begun = False  # the head of the answer has been sent

    async def stop(self) -> bool:
        """Whether the head of the answer has been sent already.  A second call does nothing."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
        return self.has_begun

    @property
    def is_stopped(self) -> bool:
        return self._timer is None and self._task is None

    def resume(self) -> bool:
        """The client waits again, in the middle of its stream.  Whether that was news, and `stop` must follow."""
        if not self.is_stopped:
            return False
        self.has_begun = True
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._begin)
        return True

    def _begin(self) -> None:
        self._timer = None
        self._task = tasks.spawn(self._ping(), name="keepalive")

    async def _ping(self) -> None:
        try:
            if not self.has_begun:
                self.has_begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *self._headers]})
            while True:
                await self._send({"type": "http.response.body", "body": PING, "more_body": True})
                await asyncio.sleep(INTERVAL)
        except OSError:
            pass  # the client has left; the handler hears of it in its own way
