"""An answer that is streamed, on its way to the client: its first bytes, and all the others.

chunks ─► relay ─► beginning() ─► rest() ─► client
                      │ a bad end, and nothing was said yet
                      ▼
                 `BrokeOff`: another attempt, or a real status
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from proxysite.gateway.attempt import Opened
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.relay import Relay
from routing.dialects import upstream_errors
from routing.dialects.events import UpstreamError
from routing.dialects.opening import Found, Opening
from routing.errors import InternalError, ProxyError

log = logging.getLogger("proxysite.gateway")


class BrokeOff(Exception):
    """An answer came to a bad end, and the client has nothing of it: another attempt may follow."""

    def __init__(self, problem: ProxyError | UpstreamError) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Begun(NamedTuple):
    """`first`: what the client is told first; `is_all`: and last."""

    first: bytes
    is_all: bool = False


async def beginning(chunks: AsyncIterator[bytes], relay: Relay, exchange: Exchange) -> Begun:
    """A stream begins for the client only when there is something to say: whatever comes to a bad end before that can
    be followed by another attempt, or have a real status.  Raises BrokeOff.

    Where a repair may hold the first words, a greeting that has passed it is not yet something.
    """
    # Events that are numbered behind signs of life cannot be held: such an answer is not begun before (`LateStart`).
    greeting = Opening(exchange.client_dialect) if exchange.repair and not exchange.early else None
    was_held = False
    try:
        async for chunk in chunks:
            exchange.first_byte_came()
            events = relay.feed(chunk)
            if relay.failure:
                raise BrokeOff(relay.failure)
            if events and greeting is None:
                return Begun(events)
            was_held = was_held or events != chunk
            if events and greeting and _says_something(greeting, events, was_held=was_held):
                return Begun(b"".join(greeting.held))
        last = relay.close()
    except ProxyError as problem:
        raise BrokeOff(problem) from problem
    if relay.failure:
        raise BrokeOff(relay.failure)
    return Begun(b"".join([*greeting.held, last]) if greeting else last, is_all=True)


def _says_something(greeting: Opening, events: bytes, *, was_held: bool) -> bool:
    """Raises BrokeOff where it is an error, which what a repair had held leaves in front of."""
    found = greeting.feed(events)
    last = greeting.of_last(events) if was_held and b'"error"' in events else greeting
    if last.error:
        raise BrokeOff(upstream_errors.of_body(last.error, status=last.error_status))
    return found is Found.CONTENT


async def rest(
    answer: Opened, chunks: AsyncIterator[bytes], relay: Relay, exchange: Exchange, begun: Begun
) -> AsyncGenerator[bytes]:
    """No exception leaves here: the client is told by an event, the record by the exchange."""
    try:
        if begun.first:
            yield begun.first
        async for chunk in chunks:
            exchange.first_byte_came()
            if events := relay.feed(chunk):
                yield events
            if relay.failure or relay.is_over:
                break  # the client was told, and whatever still comes is not for it
        if not begun.is_all and (left := relay.close()):
            yield left
        if relay.failure:
            exchange.outcome, exchange.error = "cut", relay.failure.message
            if not relay.is_over:  # of a model that writes garbage the server may be well
                answer.broke_off()
        else:
            answer.finished()
    except ProxyError as problem:
        if last := relay.break_off(problem):
            exchange.outcome, exchange.error = "cut", problem.message
            answer.broke_off()
            yield last
    except Exception:
        log.exception("%s failed in the middle of its answer.", exchange.request_id)
        problem = InternalError("The proxy failed. Its log says why, under this request id.")
        exchange.failed(problem)
        yield relay.break_off(problem)
    finally:
        if exchange.client_gone and exchange.has_everything():
            answer.finished()
        exchange.warnings += tuple(relay.warnings)


async def as_it_comes(answer: Opened, exchange: Exchange) -> AsyncGenerator[bytes]:
    """Bytes of any kind.  There is no event to tell of a break: the exception makes the server cut the connection."""
    try:
        async for chunk in answer.chunks():
            exchange.first_byte_came()
            exchange.tap.feed(chunk)
            yield chunk
        answer.finished()
    except ProxyError as problem:
        exchange.outcome, exchange.error = "cut", problem.message
        answer.broke_off()
        log.warning("%s %s", exchange.request_id, problem)
        raise
