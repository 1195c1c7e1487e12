"""Signs of life for a streaming client that waits: in a queue, for a slow upstream, between two attempts, and later in
every long silence of its answer.

Clients and the proxies between give up on a connection that stays silent.  After ten seconds the answer is begun (200,
an event stream), and from then on there is something every ten seconds, in the form that the client's dialect counts as
life (`routing.dialects.life`).  Once that has happened an error can no longer be a status; it becomes an event.

A timer is all it costs a request that is answered in time, and two additions each piece of its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from proxysite.gateway import tasks
from routing.dialects.life import Life

INTERVAL = 10.0  # seconds; the setting KEEPALIVE_SECONDS

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Keepalive:
    """Sends what `life` gives from its first interval on until it is stopped.  `headers` are added to those of an event
    stream.

    Whoever sends the answer stops it first, lets it `go_on` with the life of the answer, and adds one to `beats` before
    each piece and one behind it: nothing comes in between, and whatever is sent puts the next sign of life off.
    """

    __slots__ = ("_headers", "_interval", "_life", "_quiet", "_seen", "_send", "_task", "_timer", "beats", "has_begun")

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], life: Life, interval: float = INTERVAL) -> None:
        self._send = send
        self._headers = headers
        self._life = life
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._quiet = self._seen = 0
        self.beats = 0
        self.has_begun = False  # the head of the answer has been sent
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def go_on(self, life: Life) -> None:
        """The answer itself has begun."""
        self._life, self.has_begun = life, True
        self._quiet, self._seen = 0, self.beats
        self._wait()

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

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval / 2, self._look)

    def _look(self) -> None:
        """Twice in an interval: whether anything was sent since the last look."""
        self._wait()
        self._quiet = self._quiet + 1 if self.beats == self._seen and not self._is_sending else 0
        self._seen = self.beats
        if self._quiet and self._quiet % 2 == 0 and (self._task is None or self._task.done()):
            self._task = tasks.spawn(self._ping(), name="keepalive")

    @property
    def _is_sending(self) -> bool:
        return self.beats % 2 == 1

    async def _ping(self) -> None:
        try:
            if not self.has_begun:
                await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *self._headers]})
                self.has_begun = True
            if not self._is_sending:
                await self._send({"type": "http.response.body", "body": self._life.ping(), "more_body": True})
        except OSError:
            pass  # the client has left; the handler hears of it in its own way
