"""Both ends of the proxy inside one event loop: a client that speaks ASGI, an upstream that answers by script.

Nothing here waits for a clock: a `Gate` in an upstream's answer stays shut until a test opens it, and `Stepped` stops a
coroutine at any of its suspensions.
"""

import asyncio
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import orjson

SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}

Gate = asyncio.Event


class Client:
    """One request, as a server hands it to the application, and what the application sent back."""

    def __init__(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "",
        headers: dict[str, str] | None = None,
        more: bool = False,
    ) -> None:
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        raw_path, _, query = path.partition("?")
        self.scope = {
            "type": "http",
            "method": method or ("GET" if body is None else "POST"),
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        self.sent: list[dict[str, Any]] = []
        self._body = [{"type": "http.request", "body": content, "more_body": more}]
        self._gone = asyncio.Event()
        self.leaves_at = -1  # number of the message during which the client leaves

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self._body:
            return self._body.pop()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if len(self.sent) - 1 == self.leaves_at:
            self.leave()
            await settled()
        await asyncio.sleep(0)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._gone.set()  # servers say so after the last byte, too

    def leave(self) -> None:
        self._gone.set()

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def is_complete(self) -> bool:
        return len(self.sent) > 1 and not self.sent[-1].get("more_body")


class Script(httpx.AsyncByteStream):
    """The body of an upstream's answer; an exception in it is raised, a gate is waited for."""

    def __init__(self, pieces: tuple[Any, ...]) -> None:
        self._pieces = pieces
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(0)
            if isinstance(piece, Gate):
                await piece.wait()
            elif isinstance(piece, Exception):
                raise piece
            else:
                yield piece

    async def aclose(self) -> None:
        self.is_closed = True


@dataclass
class Upstream:
    """Answers every request alike, or those after the first by `then`; `before` is waited for first."""

    pieces: tuple[Any, ...] = ()
    headers: dict[str, str] = field(default_factory=lambda: SSE)
    status: int = 200
    before: Gate | None = None
    then: tuple[Any, ...] = ()  # pieces of each further answer, or its status
    requests: list[httpx.Request] = field(default_factory=list)
    bodies: list[Script] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        if self.before:
            await self.before.wait()
        pieces, status = self.pieces, self.status
        if self.then and len(self.requests) > 1:
            pieces = self.then[min(len(self.requests) - 2, len(self.then) - 1)]
            pieces, status = (pieces, status) if isinstance(pieces, tuple) else ((b"{}",), pieces)
        self.bodies.append(Script(pieces))
        return httpx.Response(status, headers=self.headers, stream=self.bodies[-1])

    @property
    def is_closed(self) -> bool:
        return all(body.is_closed for body in self.bodies)


class Stepped:
    """Awaits a coroutine, counts its suspensions, and does something at one of them."""

    def __init__(self, coroutine: Any, number: int, action: Any) -> None:
        self._coroutine = coroutine
        self._number = number
        self._action = action
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._coroutine.__await__()
        resume = partial(next, inner)
        while True:
            try:
                waited = resume()
            except StopIteration as stop:
                return stop.value
            self.count += 1
            if self.count == self._number:
                self._action()
            try:
                yield waited
            except BaseException as problem:
                resume = partial(inner.throw, problem)
            else:
                resume = partial(next, inner)


async def settled() -> None:
    """Gives everything that can go on the time to do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 (what is waited for has no event of its own)
        await asyncio.sleep(0)


async def interrupted(handler, client, number, action):
    """Serves a request and does something at its n-th suspension; tells whether it came so far, and whether it ended
    by being cancelled."""
    task = None
    run = Stepped(handler(client.scope, client.receive, client.send), number, lambda: action(client, task))

    async def served():
        await run

    task = asyncio.get_running_loop().create_task(served())
    await asyncio.wait([task])
    await settled()
    if not task.cancelled() and (problem := task.exception()):
        raise problem
    return run.count >= number, task.cancelled()


def leave(client, task):
    client.leave()


def stop(client, task):
    task.cancel()


def leave_and_stop(client, task):
    client.leave()
    task.cancel()


INTERRUPTIONS = (leave, stop, leave_and_stop)
