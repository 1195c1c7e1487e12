"""A request's body off the wire: bounded, and decoded where the client compressed it."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import brotli
import zstandard

from routing.errors import BadRequest, BodyTooLarge, EncodingNotSupported

Receive = Callable[[], Awaitable[dict[str, Any]]]

_STEP = 64 * 1024
_LARGE = 256 * 1024  # compressed bytes from which decoding leaves the event loop


class ClientGone(Exception):
    """The client left before its request was complete."""


async def received(receive: Receive, limit: int) -> bytes:
    """The whole body as sent.  Raises ClientGone, or BodyTooLarge past `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def decoded(body: bytes, codings: Iterable[str], limit: int) -> bytes:
    """The body without its content codings.  Raises EncodingNotSupported, BadRequest or BodyTooLarge."""
    for coding in reversed([coding.strip().lower() for coding in codings]):
        if coding in ("", "identity"):
            continue
        if coding not in _DECODERS:
            raise EncodingNotSupported(
                f"The content-encoding “{coding[:40]}” is not supported; send gzip, deflate, br, zstd or plain JSON."
            )
        if len(body) > _LARGE:
            body = await asyncio.to_thread(_decoded, body, coding, limit)
        else:
            body = _decoded(body, coding, limit)
    return body


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    try:
        return _DECODERS[coding](body, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as problem:
        raise BadRequest(f"The request body is not valid {coding}: {problem}.") from None


def _inflate(body: bytes, limit: int, window: int) -> bytes:
    decoder = zlib.decompressobj(window)
    text = decoder.decompress(body, limit + 1)
    if len(text) > limit:
        raise _too_large(limit)
    if not decoder.eof:
        raise EOFError("it ends too early")
    return text


def _deflate(body: bytes, limit: int) -> bytes:
    """ "deflate" is zlib by the book, and raw deflate from some clients."""
    try:
        return _inflate(body, limit, zlib.MAX_WBITS)
    except zlib.error:
        return _inflate(body, limit, -zlib.MAX_WBITS)


def _unbrotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    text = decoder.process(body, output_buffer_limit=limit + 1)
    while not decoder.is_finished() and len(text) <= limit:
        more = decoder.process(b"", output_buffer_limit=limit + 1 - len(text))
        if not more:
            raise EOFError("it ends too early")
        text += more
    if len(text) > limit:
        raise _too_large(limit)
    return text


def _unzstd(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(body) as reader:
        while part := reader.read(_STEP):
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    return b"".join(parts)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": lambda body, limit: _inflate(body, limit, 16 + zlib.MAX_WBITS),
    "x-gzip": lambda body, limit: _inflate(body, limit, 16 + zlib.MAX_WBITS),
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is larger than {limit / 2**20:g} MiB, which MAX_BODY_MIB allows.")
