"""A request's body off the wire: bounded in size and time, and decoded where the client compressed it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from routing import decoding
from routing.errors import BadRequest, BodyTooLarge, EncodingNotSupported, RequestTimeout

Receive = Callable[[], Awaitable[dict[str, Any]]]

SLOWEST = 1024  # bytes a second

_WINDOW = 2**27  # what zstd's own tools take without being asked
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
    decoder = decoding.decoder(coding, _WINDOW)
    if decoder is None:
        raise EncodingNotSupported(
            f"The content-encoding “{coding[:40]}” is not supported; send gzip, deflate, br, zstd or plain JSON."
        )
    parts: list[bytes] = []
    size = 0
    try:
        for piece in decoder.feed(body):
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            parts.append(piece)
    except decoding.Undecodable as problem:
        raise BadRequest(f"The request body is not valid {coding}: {problem}.") from None
    if not decoder.is_finished:
        raise BadRequest(f"The request body is not valid {coding}: it ends too early.")
    return b"".join(parts)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is larger than {limit / 2**20:g} MiB, which MAX_BODY_MIB allows.")
