"""One attempt: a request to one target, until its answer holds something or has failed.

    send → head → refused? ─────────────────────────────────► `Failed`, with what the upstream said of it
             │      first events: an error, or the end? ─────► the same
             ▼           │ a word of the answer
           read whole    ▼
             └────► `Opened`

Nothing of an answer reaches the client before that, so whatever fails here can be followed by another attempt.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import orjson

from proxysite.gateway.plan import Plan
from routing.dialects.events import UpstreamError
from routing.dialects.opening import Found, Opening
from routing.errors import FirstTokenTimeout, ProxyError, TotalTimeout, UpstreamBroken, UpstreamUnreachable
from routing.headers import Headers, value_of
from routing.retry import Failure
from routing.snapshot import Upstream
from routing.upstream import Answer, Upstreams, joined

T = TypeVar("T")


class Owner(Protocol):
    """Whose attempts an answer belongs to: what is told how it ended."""

    def broke_off(self) -> None: ...

    def finished(self) -> None: ...

    async def aclose(self) -> None: ...


class Opened:
    """An answer that may be released to the client, to be used like the upstream's `Answer` that it is made of.

    `status` may be a refusal's.  Closing it ends the request's attempts, and so gives the slots back.
    """

    __slots__ = ("_body", "_chunks", "_owner", "encoded", "headers", "is_error_event", "largest", "plan", "status")

    def __init__(
        self,
        owner: Owner,
        plan: Plan,
        answer: Answer,
        *,
        status: int = 0,
        headers: Headers | None = None,
        body: bytes = b"",
        chunks: AsyncIterator[bytes] | None = None,
    ) -> None:
        self._owner = owner
        self._body = body
        self._chunks = chunks
        self.plan = plan
        self.status = status or answer.status
        self.is_error_event = bool(status)  # the upstream said 200, and the error in its first event
        self.headers = answer.headers if headers is None else headers
        self.encoded = answer.encoded
        self.largest = answer.largest

    def header(self, name: str) -> str:
        return value_of(self.headers, name)

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decoded.  Raises UpstreamBroken, UpstreamTimeout or TotalTimeout."""
        return self._chunks or _just(self._body)

    async def read(self) -> bytes:
        """All of it.  Raises AnswerTooLarge, and what `chunks` raises."""
        return self._body if self._chunks is None else await joined(self._chunks, self.largest)

    def broke_off(self) -> None:
        """It ended in the middle: its target is not well, although it had begun to answer."""
        self._owner.broke_off()

    @property
    def is_whole(self) -> bool:
        """Nothing of it is still to come."""
        return self._chunks is None

    def finished(self) -> None:
        """It came to its end: its target is well."""
        self._owner.finished()

    async def aclose(self) -> None:
        await self._owner.aclose()


@dataclass(slots=True)
class Failed:
    """`refused` is the upstream's own answer, which the client gets if nobody else has a better one; else `error`.

    `had_begun`: a word of the answer had come.
    """

    failure: Failure
    refused: Opened | None = None
    error: ProxyError | None = None
    had_begun: bool = False

    @property
    def is_retryable(self) -> bool:
        return self.error is None or self.error.retryable

    @classmethod
    def broken(cls, problem: ProxyError | UpstreamError) -> "Failed":
        """An answer that broke off: by what became of its connection, or by what the upstream said in its middle."""
        if isinstance(problem, ProxyError):
            return cls(Failure(), error=problem, had_begun=True)
        failure = Failure(problem.status, (), problem.message.encode())
        return cls(failure, error=UpstreamBroken(problem.message), had_begun=True)


class Attempt:
    """Whoever makes one closes it, which closes the upstream's answer; a second time does nothing."""

    def __init__(self, upstreams: Upstreams, plan: Plan, owner: Owner) -> None:
        self._upstreams = upstreams
        self._plan = plan
        self._owner = owner
        self._answer: Answer | None = None
        self._ends: float | None = None  # loop time by which the whole answer must have come

    async def outcome(self) -> Opened | Failed:
        """Raises a ProxyError that another attempt would not change."""
        upstream = self._plan.upstream
        if upstream.total_timeout_seconds is not None:
            self._ends = _now() + upstream.total_timeout_seconds
        first = upstream.first_token_timeout_seconds if self._plan.streams else None
        try:
            opening = self._opened()
            if first is not None:
                opening = _until(opening, _now() + first, _no_token, upstream)
            return await (opening if self._ends is None else _until(opening, self._ends, _no_end, upstream))
        except ProxyError as error:
            await self.aclose()
            if not error.retryable:
                raise
            return Failed(Failure(unreachable=isinstance(error, UpstreamUnreachable)), error=error)

    async def aclose(self) -> None:
        if self._answer:
            await self._answer.aclose()
            self._answer = None

    async def _opened(self) -> Opened | Failed:
        plan = self._plan
        answer = await self._upstreams.send(plan.upstream, plan.method, plan.url, plan.headers, plan.body)
        self._answer = answer
        content_type = answer.header("content-type").lower()
        # A stream that is to be converted is known by what it says; some servers do not call it one.
        is_json = content_type.startswith("application/json")
        is_asked_for = plan.conversation is not None and plan.streams and not is_json
        if answer.status < 300 and (is_asked_for or content_type.startswith("text/event-stream")):
            return await self._opened_stream(answer)
        is_document = is_json and plan.method != "HEAD"  # which x-ndjson is not: Ollama streams it
        if answer.status >= 400 or is_document or plan.dialect:
            body = await answer.read()
            await self.aclose()
            opened = Opened(self._owner, plan, answer, body=body)
            return _refused(opened, body) if answer.status >= 400 else opened
        return Opened(self._owner, plan, answer, chunks=self._timed(answer.chunks()))

    async def _opened_stream(self, answer: Answer) -> Opened | Failed:
        plan, chunks = self._plan, answer.chunks()
        opening, found = Opening(plan.dialect), Found.GREETING
        async for chunk in chunks:
            if (found := opening.feed(chunk)) is not Found.GREETING:
                break
        else:
            if (found := opening.close()) is Found.GREETING and plan.dialect:
                raise UpstreamBroken(f"The upstream “{plan.upstream.name}” ended its answer before it began.")
        if found is Found.ERROR:
            await self.aclose()
            headers = [header for header in answer.headers if header[0].lower() != b"content-type"]
            headers.append((b"content-type", b"application/json"))
            body = orjson.dumps(opening.error)
            refused = Opened(self._owner, plan, answer, status=opening.error_status, headers=headers, body=body)
            return _refused(refused, body)
        return Opened(self._owner, plan, answer, chunks=_after(opening.held, self._timed(chunks)))

    def _timed(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, as long as the whole answer may take.  Raises TotalTimeout."""
        return chunks if self._ends is None else _ending(chunks, self._ends, self._plan.upstream)


def _refused(opened: Opened, body: bytes) -> Failed:
    return Failed(Failure(opened.status, tuple(opened.headers), body), refused=opened)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _no_token(upstream: Upstream) -> ProxyError:
    longest = f"{upstream.first_token_timeout_seconds:g} s (first token timeout)"
    return FirstTokenTimeout(f"The upstream “{upstream.name}” sent nothing of its answer within {longest}.")


def _no_end(upstream: Upstream) -> ProxyError:
    longest = f"{upstream.total_timeout_seconds:g} s (total timeout)"
    return TotalTimeout(f"The upstream “{upstream.name}” did not finish its answer within {longest}.")


async def _until(
    waited: Coroutine[Any, Any, T], at: float, error: Callable[[Upstream], ProxyError], upstream: Upstream
) -> T:
    """Waits no longer than to a time of the loop's clock."""
    try:
        async with asyncio.timeout_at(at):
            return await waited
    except TimeoutError:
        raise error(upstream) from None


async def _just(body: bytes) -> AsyncGenerator[bytes]:
    if body:
        yield body


async def _after(held: list[bytes], rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    for chunk in held:
        yield chunk
    async for chunk in rest:
        yield chunk


async def _ending(chunks: AsyncIterator[bytes], ends: float, upstream: Upstream) -> AsyncGenerator[bytes]:
    end = object()
    while (chunk := await _until(_next(chunks, end), ends, _no_end, upstream)) is not end:
        yield chunk


async def _next(chunks: AsyncIterator[bytes], end: Any) -> Any:
    return await anext(chunks, end)
