"""Content codings undone piece by piece: however little goes in, no piece that comes out is large.  Pure.

A few hundred bytes may be worth gigabytes.  So whoever decodes counts what comes, and stops where it is too much.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli
import zstandard

PIECE = 64 * 1024  # bytes that come out at once; of brotli half as many more
IN_STEP = 1024  # bytes of gzip that go in at once: the library copies what follows a member, which may be all the rest
ZSTD_IN_STEP = 256  # its library has no limit of its own, and a block of 4 bytes becomes 128 KiB: 8 MiB at most

WINDOW = 8 * 2**20  # what RFC 9659 allows; a decoder holds as much

_GZIP = 16 + zlib.MAX_WBITS


class Undecodable(ValueError):
    """What came is not in the coding that was said."""


class Decoder(Protocol):
    @property
    def is_finished(self) -> bool:
        """Whether what came may be all."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """To be read to its end, or for the last time.  Raises Undecodable."""


def decoder(coding: str, window: int = WINDOW) -> Decoder | None:
    """None: a coding that nobody knows here.  `window`: bytes that a sender may refer back to, where it can choose."""
    match coding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd(window)
    return None


class _Gzip:
    """May be written as several members, one after the other, and be padded with zeros."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def is_finished(self) -> bool:
        return self._member.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        for step in _steps(data, IN_STEP):
            while step:
                if self._member.eof:
                    if not (step := step.lstrip(b"\0")):
                        break
                    self._member = zlib.decompressobj(_GZIP)
                yield from _inflated(self._member, step)
                step = self._member.unused_data


class _Deflate:
    """zlib by the book, and raw deflate from some: the first two bytes tell."""

    def __init__(self) -> None:
        self._begin = b""
        self._inflater: zlib._Decompress | None = None

    @property
    def is_finished(self) -> bool:
        return self._inflater is not None and self._inflater.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            data = self._begin = self._begin + data
            if len(data) < 2:
                return
            is_zlib = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        if not self._inflater.eof:  # what follows would be kept
            yield from _inflated(self._inflater, data)


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def is_finished(self) -> bool:
        return bool(self._decoder.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            piece = self._decoder.process(data, output_buffer_limit=PIECE)
            while piece:  # the library says that it takes more while it still holds text back
                yield piece
                piece = self._decoder.process(b"", output_buffer_limit=PIECE)
        except brotli.error as problem:
            raise Undecodable(str(problem)) from problem


class _Zstd:
    """May be several frames, one after the other."""

    def __init__(self, window: int) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=window)
        self._frame = self._decoder.decompressobj()

    @property
    def is_finished(self) -> bool:
        return self._frame.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            for step in _steps(data, ZSTD_IN_STEP):
                while step:
                    if self._frame.eof:
                        self._frame = self._decoder.decompressobj()
                    if piece := self._frame.decompress(step):
                        yield piece
                    step = self._frame.unused_data if self._frame.eof else b""
        except zstandard.ZstdError as problem:
            raise Undecodable(str(problem)) from problem


def _inflated(inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = inflater.decompress(data, PIECE)
            if piece:
                yield piece
            data = inflater.unconsumed_tail
            if inflater.eof or (not data and len(piece) < PIECE):
                return
    except zlib.error as problem:
        raise Undecodable(str(problem)) from problem


def _steps(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
