"""What a scripted upstream says: an `Answer` is a head, pieces of a body, and how the answer ends.

A piece is bytes or a `Gate`; at a gate the upstream stops until the test opens it, so a test decides what has been
sent at any moment without waiting for a clock.  A `Pause` is for upstreams whose vice is that they are slow.
"""

import asyncio
import gzip as gzip_format
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import chain, count
from typing import Any

import brotli
import zstandard


class Gate:
    """Closed until the test opens it, from any thread."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        with self._lock:
            self._opened.set()
            for loop, event in self._waiters:
                loop.call_soon_threadsafe(event.set)

    async def passed(self) -> None:
        event = asyncio.Event()
        with self._lock:
            if self._opened.is_set():
                return
            self._waiters.append((asyncio.get_running_loop(), event))
        await event.wait()


@dataclass(frozen=True)
class Pause:
    seconds: float


class Framing(Enum):
    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "the body ends where the connection does"


class End(Enum):
    COMPLETE = "as HTTP wants it"
    CUT = "FIN in the middle"
    RESET = "RST in the middle"


Piece = bytes | Gate | Pause


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[Piece, ...] = ()
    framing: Framing = Framing.LENGTH
    end: End = End.COMPLETE
    hold: Gate | None = None  # where it waits before it says anything
    raw: Callable[[], Iterator[Piece]] | None = None  # said instead of HTTP

    def body(self) -> bytes:
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        return replace(self, headers=(*self.headers, *headers))

    def saying(self, *pieces: Piece) -> "Answer":
        return replace(self, pieces=pieces)

    def held(self, gate: Gate) -> "Answer":
        return replace(self, hold=gate)

    def ending(self, end: End) -> "Answer":
        return replace(self, end=end)

    def framed(self, framing: Framing) -> "Answer":
        return replace(self, framing=framing)

    def on_the_wire(self) -> Iterator[Piece]:
        """Everything to write, in order."""
        if self.raw is not None:
            yield from self.raw()
            return
        yield self._head()
        for piece in self.pieces:
            if not isinstance(piece, bytes) or self.framing is not Framing.CHUNKED:
                yield piece
            elif piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        if self.framing is Framing.CHUNKED and self.end is End.COMPLETE:
            yield b"0\r\n\r\n"

    def _head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in self.headers)]
        if self.framing is Framing.LENGTH:
            missing = 1 if self.end is not End.COMPLETE else 0  # a cut body is shorter than it was announced
            lines.append(f"content-length: {len(self.body()) + missing}")
        elif self.framing is Framing.CHUNKED:
            lines.append("transfer-encoding: chunked")
        else:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def json_answer(value: Any, status: int = 200) -> Answer:
    return body_answer(json.dumps(value).encode(), status)


def body_answer(body: bytes, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status=status, headers=(("content-type", content_type),), pieces=(body,))


def stream(*pieces: Piece, end: End = End.COMPLETE) -> Answer:
    """Server-sent events, chunk by chunk."""
    return Answer(headers=(("content-type", "text/event-stream"),), pieces=pieces, framing=Framing.CHUNKED, end=end)


def gzipped(value: Any) -> Answer:
    body = gzip_format.compress(json.dumps(value).encode())
    return body_answer(body).with_headers(("content-encoding", "gzip"))


BOMBS = {
    "gzip": lambda text: gzip_format.compress(text, compresslevel=1),
    "deflate": lambda text: zlib.compress(text, level=1),
    "br": lambda text: brotli.compress(text, quality=1),
    "zstd": zstandard.compress,
}


@cache
def bomb(coding: str, begin: bytes, content_type: str, mib: int) -> Answer:
    """Small on the wire, and so many MiB of spaces behind `begin` for whoever decodes it."""
    packed = BOMBS[coding](begin + b" " * (mib * 2**20))
    return body_answer(packed, content_type=content_type).with_headers(("content-encoding", coding))


def on_the_wire(*pieces: Piece, end: End = End.CUT) -> Answer:
    """These pieces and no others, whatever HTTP would want."""
    return Answer(raw=lambda: iter(pieces), end=end)


def garbage() -> Answer:
    return on_the_wire(b"\x00\x01 this is not HTTP \xff\r\n\r\n")


def endless_headers() -> Answer:
    """Short lines, each of them fine."""
    first = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    return Answer(raw=lambda: chain([first], (b"x-%d: %b\r\n" % (number, b"a" * 500) for number in count())))


def dripping(answer: Answer, seconds: float) -> Answer:
    """The same, byte by byte with a pause behind each: a slow loris."""

    def drops() -> Iterator[Piece]:
        for piece in answer.on_the_wire():
            if not isinstance(piece, bytes):
                yield piece
                continue
            for byte in piece:
                yield bytes([byte])
                yield Pause(seconds)

    return replace(answer, raw=drops)


def hang(gate: Gate) -> Answer:
    """Takes the request and says nothing until the gate is opened (or the client leaves)."""
    return Answer(hold=gate)


def hang_up(end: End = End.CUT) -> Answer:
    """Takes the request and closes the connection without a word."""
    return on_the_wire(end=end)


def event(data: Any, name: str = "") -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
