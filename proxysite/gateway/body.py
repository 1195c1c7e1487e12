"""A request's body off the wire: bounded in size and time, and decoded where the client compressed it."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import brotli
import zstandard

from routing.errors import BadRequest, BodyTooLarge, EncodingNotSupported, RequestTimeout

Receive = Callable[[], Awaitable[dict[str, Any]]]

SLOWEST = 1024  # bytes a second

_STEP = 1024  # so many bytes of zstd become 32 MiB at most
_GZIP = 16 + zlib.MAX_WBITS
_LARGE = 256 * 1024  # compressed bytes from which decoding leaves the event loop
_QUICK = 2**20  # bytes that are decoded on it at the most: a few hundred may become many millions
_MOST_CODINGS = 5  # one upon the other; nobody means more than two


class ClientGone(Exception):
    """The client left before its request was complete."""


async def received(receive: Receive, limit: int, patience: float | None = None) -> bytes:
    """The whole body as sent.  Raises ClientGone, BodyTooLarge past `limit` bytes, or RequestTimeout.

    `patience` is the longest silence, in seconds.  It begins with the first piece, which servers give at once (if need
    be an empty one, see `proxysite.gateway.connection`): the usual body needs no clock.
    """
    first, is_all = await _piece(receive)
    if len(first) > limit:
        raise _too_large(limit)
    if is_all:
        return first
    parts, size = [first], len(first)
    try:
        async with asyncio.timeout(patience) as deadline:
            while not is_all:
                part, is_all = await _piece(receive)
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                _put_off(deadline, patience, len(part))
    except TimeoutError:
        raise RequestTimeout(
            f"The rest of the request body did not come within {patience:g} s, which is CLIENT_TIMEOUT_SECONDS.",
            headers=(("connection", "close"),),
        ) from None
    return b"".join(parts)


def _put_off(deadline: asyncio.Timeout, patience: float | None, size: int) -> None:
    """A piece buys no more time than its size is worth: a byte now and then does not hold a connection for ever."""
    if patience is not None and (ends := deadline.when()) is not None:
        deadline.reschedule(min(asyncio.get_running_loop().time() + patience, ends + size / SLOWEST))


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """A piece of the body, and whether it is the last."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), not message.get("more_body")


async def decoded(body: bytes, codings: Iterable[str], limit: int) -> bytes:
    """The body without its content codings.  Raises EncodingNotSupported, BadRequest or BodyTooLarge."""
    if not body:
        return body
    applied = [coding for given in codings if (coding := given.strip().lower()) not in ("", "identity")]
    if len(applied) > _MOST_CODINGS:
        raise EncodingNotSupported(f"A body may have {_MOST_CODINGS} content-encodings; this one has {len(applied):,}.")
    for coding in reversed(applied):
        if coding not in _DECODERS:
            raise EncodingNotSupported(
                f"The content-encoding “{coding[:40]}” is not supported; send gzip, deflate, br, zstd or plain JSON."
            )
        body = await _without(coding, body, limit)
    return body


async def _without(coding: str, body: bytes, limit: int) -> bytes:
    if len(body) <= _LARGE:
        try:
            return _decoded(body, coding, min(limit, _QUICK))
        except BodyTooLarge:
            if limit <= _QUICK:
                raise
    return await asyncio.to_thread(_decoded, body, coding, limit)


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    try:
        return _DECODERS[coding](body, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as problem:
        raise BadRequest(f"The request body is not valid {coding}: {problem}.") from None


def _gunzip(body: bytes, limit: int) -> bytes:
    """gzip may be written as several members, one after the other, and be padded with zeros.

    Step by step: the library copies what follows a member, and a body may be millions of them.
    """
    parts: list[bytes] = []
    size = 0
    member = zlib.decompressobj(_GZIP)
    for start in range(0, len(body), _STEP):
        step = body[start : start + _STEP]
        while step:
            if member.eof:
                if not (step := step.lstrip(b"\0")):
                    break
                member = zlib.decompressobj(_GZIP)
            part = member.decompress(step, limit + 1 - size)
            step = member.unused_data if member.eof else b""
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            if part:
                parts.append(part)
    if not member.eof:
        raise EOFError("it ends too early")
    return b"".join(parts)


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
    """Step by step, for the library has no limit of its own; a body may be several frames, one after the other."""
    parts: list[bytes] = []
    size = 0
    decoder = zstandard.ZstdDecompressor(max_window_size=2**27)
    frame = decoder.decompressobj()
    for start in range(0, len(body), _STEP):
        step = body[start : start + _STEP]
        while step:
            if frame.eof:
                frame = decoder.decompressobj()
            part = frame.decompress(step)
            step = frame.unused_data if frame.eof else b""
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    if not frame.eof:
        raise EOFError("it ends too early")
    return b"".join(parts)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is larger than {limit / 2**20:g} MiB, which MAX_BODY_MIB allows.")
