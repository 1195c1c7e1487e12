"""A server on a real socket that plays an upstream: it notes every request exactly and answers by script.

It runs on its own event loop in a thread, so tests may be plain functions, clients may block, and one upstream serves
every proxy process of the session.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.end_to_end.answers import Answer, End, Framing, Gate, Pause, json_answer

PATIENCE = 30.0  # how long a test waits for something that must happen; never how long it takes
BIG = 2**20

Script = Answer | Callable[["Received"], Answer]


class NotHappened(AssertionError):
    """Something a test waited for did not come."""


@dataclass(eq=False)
class Received:
    """One request, as it came."""

    method: str
    target: str  # path and query, not decoded
    headers: tuple[tuple[str, str], ...]  # in order, names as they were sent
    body: bytes
    connection: int
    _closed: threading.Event = field(default_factory=threading.Event)
    _answered: threading.Event = field(default_factory=threading.Event)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def json(self) -> Any:
        return orjson.loads(self.body)

    def header(self, name: str) -> str | None:
        """The value of a header that is there once; None when it is not there."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} was sent {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name.lower()]

    def wait_until_closed(self) -> None:
        """Returns when the other side has closed this request's connection."""
        if not self._closed.wait(PATIENCE):
            raise NotHappened(f"The connection of {self.method} {self.target} was not closed.")

    @property
    def answered(self) -> bool:
        return self._answered.is_set()


class ScriptedUpstream:
    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted upstream", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()
        self._scripts: list[Script] = []
        self._connections = 0
        self._open: set[int] = set()
        self._busy: set[Received] = set()
        self.requests: list[Received] = []
        self.port = port
        self.reset()

    def __repr__(self) -> str:
        return f"ScriptedUpstream({self.url})"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    # What a test says

    def answer(self, *scripts: Script) -> None:
        """Answers the requests to come one by one; the last script stays for all that follow."""
        with self._changed:
            self._scripts = list(scripts)

    def reset(self) -> None:
        """Forgets the requests and the script.  Lists of models are answered in any case."""
        with self._changed:
            self.requests = []
            self._scripts = [json_answer({"said": "nothing was scripted"}, 599)]
            self.models: Script = json_answer({"object": "list", "data": []})

    # What a test asks

    @property
    def calls(self) -> list[Received]:
        """The requests, without the lists of models that a proxy asks for in its own time."""
        return [request for request in self.requests if not _asks_for_models(request)]

    @property
    def call(self) -> Received:
        """The one request there was."""
        assert len(self.calls) == 1, f"{len(self.calls)} requests: {[call.target for call in self.calls]}"
        return self.calls[0]

    def wait_for_call(self, number: int = 1) -> Received:
        self._wait(lambda: len(self.calls) >= number, f"{number} requests")
        return self.calls[number - 1]

    def wait_until_idle(self) -> None:
        """Returns when every request has been answered to its end, or its connection is closed."""
        self._wait(lambda: not self._busy, "the end of every answer")

    @property
    def open_connections(self) -> int:
        """Connections that are open, also those the other side keeps for its next request."""
        return len(self._open)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, PATIENCE):
                raise NotHappened(f"{self} waited for {what}; still busy with {[call.target for call in self._busy]}")

    # The server

    def __enter__(self) -> "ScriptedUpstream":
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> "ScriptedUpstream":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=BIG, ssl=self._tls)

    async def _shut_down(self) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads on while it answers, so that it notices at once when the other side goes away."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with self._changed:
            self._connections += 1
            number = self._connections
            self._open.add(number)
        to_answer: asyncio.Queue[Received] = asyncio.Queue()
        taken: list[Received] = []
        answering = asyncio.create_task(self._answer_all(to_answer, writer))
        try:
            while (request := await _read_request(reader, number)) is not None:
                taken.append(request)
                with self._changed:
                    self.requests.append(request)
                    self._busy.add(request)
                    self._changed.notify_all()
                to_answer.put_nowait(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # gone, which is what the closed mark below says
        finally:
            with self._changed:
                self._open.discard(number)
                self._busy.difference_update(taken)
                for request in taken:
                    request._closed.set()
                self._changed.notify_all()
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            writer.close()

    async def _answer_all(self, to_answer: "asyncio.Queue[Received]", writer: asyncio.StreamWriter) -> None:
        while True:
            request = await to_answer.get()
            answer = self._next_answer(request)
            try:
                await _write(answer, writer)
            except ConnectionError:
                continue  # the reading side notices too, and ends the connection
            request._answered.set()
            with self._changed:
                self._busy.discard(request)
                self._changed.notify_all()

    def _next_answer(self, request: Received) -> Answer:
        with self._changed:
            if _asks_for_models(request):
                script = self.models
            else:
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        return script if isinstance(script, Answer) else script(request)


def _asks_for_models(request: Received) -> bool:
    return request.method == "GET" and request.path.endswith("/models")


async def _write(answer: Answer, writer: asyncio.StreamWriter) -> None:
    if answer.hold:
        await answer.hold.passed()
    for piece in answer.on_the_wire():
        if isinstance(piece, Gate):
            await piece.passed()
        elif isinstance(piece, Pause):
            await asyncio.sleep(piece.seconds)
        else:
            writer.write(piece)
            await writer.drain()
    if answer.end is End.RESET:
        linger_not = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        writer.transport.abort()
    elif answer.end is End.CUT or answer.framing is Framing.CLOSE or answer.raw is not None:
        writer.close()


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    by_name = {name.lower(): value for name, value in headers}
    if "chunked" in by_name.get("transfer-encoding", ""):
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(by_name.get("content-length", 0)))
    return Received(method, target, headers, body, connection)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return body
