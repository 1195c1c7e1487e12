"""The attempts at one request, until one gives an answer that may be released to the client.

    choose a target → wait for slots and pauses → send → first events → answered?
          ↑                                                               │ no: `routing.retry` decides
          └── next target ←── or the same again, after a wait ←───────────┘

Nothing of an attempt reaches the client before its answer holds something: refusals, connections that break, an error
in the first event and an answer that ends before it began are all followed by another attempt.  Whoever makes an
`Attempts` closes it, whatever happens: that closes the upstream's answer, gives the slots back, and frees the probe.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import orjson

from proxysite.gateway.again import Again
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.plan import Plan
from routing.admission.gatekeeper import Gatekeeper, Lease
from routing.admission.targets import Targets
from routing.dialects.opening import Found, Opening
from routing.errors import FirstTokenTimeout, ProxyError, TotalTimeout, UpstreamBroken, UpstreamUnreachable
from routing.retry import Attempts as Counted
from routing.retry import Failure, GiveUp, Meaning, NextTarget, Retry, decide, harms_health, meaning
from routing.snapshot import Binding, Target, Upstream
from routing.upstream import Answer, Headers, Upstreams
from validation.snapshot import Rung

log = logging.getLogger("proxysite.gateway")

T = TypeVar("T")

Planner = Callable[[Target, Again | None], Plan]


class Holds(Protocol):
    """What the attempts need of the engine."""

    upstreams: Upstreams
    gatekeeper: Gatekeeper
    targets: Targets


class Opened:
    """An answer that may be released to the client, to be used like the upstream's `Answer` that it is made of.

    `status` may be a refusal's.  Closing it ends the request's attempts, and so gives the slots back.
    """

    __slots__ = ("_attempts", "_body", "_chunks", "encoded", "headers", "is_error_event", "plan", "status")

    def __init__(
        self,
        attempts: "Attempts",
        plan: Plan,
        answer: Answer,
        *,
        status: int = 0,
        headers: Headers | None = None,
        body: bytes = b"",
        chunks: AsyncIterator[bytes] | None = None,
    ) -> None:
        self._attempts = attempts
        self._body = body
        self._chunks = chunks
        self.plan = plan
        self.status = status or answer.status
        self.is_error_event = bool(status)  # the upstream said 200, and the error in its first event
        self.headers = answer.headers if headers is None else headers
        self.encoded = answer.encoded

    def header(self, name: str) -> str:
        wanted = name.lower().encode()
        return b", ".join([value for header, value in self.headers if header.lower() == wanted]).decode("latin-1")

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decoded.  Raises UpstreamBroken, UpstreamTimeout or TotalTimeout."""
        return self._chunks or _just(self._body)

    async def read(self) -> bytes:
        return self._body if self._chunks is None else b"".join([chunk async for chunk in self._chunks])

    def broke_off(self) -> None:
        """It ended in the middle: its target is not well, although it had begun to answer."""
        self._attempts.broke_off()

    @property
    def is_whole(self) -> bool:
        """Nothing of it is still to come."""
        return self._chunks is None

    def finished(self) -> None:
        """It came to its end: its target is well."""
        self._attempts.finished()

    async def aclose(self) -> None:
        await self._attempts.aclose()


@dataclass(slots=True)
class _Failed:
    """`refused` is the upstream's own answer, which the client gets if nobody else has a better one; else `error`."""

    failure: Failure
    refused: Opened | None = None
    error: ProxyError | None = None


class Attempts:
    """`model` is the client's name for it, which limits and pauses go by; `plan_for` plans the request for a target.

    `admits`: the request needs slots; `repeats`: it may be sent more than once.
    """

    def __init__(
        self,
        engine: Holds,
        exchange: Exchange,
        binding: Binding,
        model: str,
        plan_for: Planner,
        *,
        admits: bool = True,
        repeats: bool = True,
        session: bytes | None = None,
    ) -> None:
        self._engine = engine
        self._exchange = exchange
        self._binding = binding
        self._model = model
        self._planner = plan_for
        self._changes: Again | None = None  # an answer was bad
        self._admits = admits
        self._repeats = repeats
        self._session = session
        self._tried: list[Target] = []
        self._lease: Lease | None = None
        self._answer: Answer | None = None
        self._target: Target | None = None
        self._notes: list[str] = []

    async def open(self) -> Opened:
        """The first answer that holds something, or the last refusal.  Raises ProxyError when there is neither."""
        plan = self._first_plan()
        self._exchange.planned(plan)  # for the record of a request that never gets out of its queue
        if self._admits:
            self._lease = await self._engine.gatekeeper.admit(
                self._exchange.request_id, self._model, plan.upstream.name
            )
        self._exchange.admitted = time.monotonic()
        return await self._until_answered(plan)

    async def again(self, changes: Again, after: float) -> Opened:
        """The same once more, because the answer was garbage; it is closed at once, and the slots are kept."""
        await self._close_answer()
        self._changes = changes
        plan = self._plan_again(changes.target)
        await asyncio.sleep(after)
        if self._lease:
            await self._lease.again(plan.upstream.name)
        return await self._until_answered(plan)

    @property
    def others(self) -> bool:
        """Whether there is a target that has not been tried."""
        return any(target not in self._tried for target in self._binding.targets)

    def note(self, note: str) -> None:
        """For the record and the log."""
        self._notes.append(note)
        log.info("%s %s", self._exchange.request_id, note)

    async def _until_answered(self, plan: Plan) -> Opened:
        """Tries one target after the other, from the one that is planned for."""
        while True:
            outcome = await self._until_decided(plan)
            if isinstance(outcome, Opened):
                return outcome
            following = self._next_plan()
            if following is None:
                if outcome.refused:
                    return outcome.refused
                assert outcome.error is not None
                raise outcome.error
            self._note(plan, outcome, f"sent to {following.upstream.name}")
            plan = following
            if self._lease:
                await self._lease.again(plan.upstream.name)

    def broke_off(self) -> None:
        """What `Opened.broke_off` does."""
        assert self._target is not None
        self._engine.targets.broke_off(self._target, self, _now())

    def finished(self) -> None:
        """What `Opened.finished` does."""
        assert self._target is not None
        self._engine.targets.succeeded(self._target)

    async def aclose(self) -> None:
        """Closes the upstream's answer and gives everything back.  A second call does nothing."""
        try:
            if self._answer:
                await self._answer.aclose()
        finally:
            if self._lease:
                self._lease.release()
            if self._target:
                self._engine.targets.abandoned(self._target, self)

    async def _until_decided(self, plan: Plan) -> Opened | _Failed:
        """Tries one target as often as makes sense."""
        here, loading, began = 0, 0, _now()
        self._target = plan.target
        self._tried.append(plan.target)
        while True:
            outcome = await self._try(plan)
            if isinstance(outcome, Opened):
                self._engine.targets.answers(plan.target)
                if outcome.is_whole:
                    self.finished()
                return outcome
            here += 1
            loading += self._learn(plan, outcome.failure)
            decision = self._decide(plan, outcome.failure, here, loading, _now() - began)
            if not isinstance(decision, Retry):
                if isinstance(decision, GiveUp):
                    self._tried = list(self._binding.targets)  # nobody else would do better
                return outcome
            self._note(plan, outcome, f"tried again after {decision.after:.3g} s")
            await asyncio.sleep(decision.after)
            if self._lease:
                await self._lease.again(plan.upstream.name)

    def _decide(
        self, plan: Plan, failure: Failure, here: int, loading: int, waited: float
    ) -> Retry | NextTarget | GiveUp:
        if not self._repeats:
            return GiveUp()
        counted = Counted(here=here, loading=loading, waited=waited, others=self.others)
        return decide(failure, counted, plan.upstream, datetime.now(UTC).timestamp(), random.random())

    def _learn(self, plan: Plan, failure: Failure) -> bool:
        """Tells the target's health what came of it; whether its model is still being loaded."""
        targets, now = self._engine.targets, _now()
        if meaning(failure) is Meaning.LOADING:
            targets.is_loading(plan.target, self, now)
            return True
        if harms_health(failure):
            targets.failed(plan.target, self, now, unreachable=failure.unreachable)
        else:
            targets.abandoned(plan.target, self)
        return False

    def _choose(self) -> Target | None:
        return self._engine.targets.choose(
            self._binding,
            _now(),
            random.random(),
            tried=self._tried,
            busy=self._engine.gatekeeper.busy,
            session=self._session,
        )

    def _first_plan(self) -> Plan:
        """Raises what the first target says against the request when none can take it."""
        target = self._choose()
        assert target is not None, "a binding has a target"
        try:
            return self._plan_for(target)
        except ProxyError:
            self._tried.append(target)
            if plan := self._next_plan():
                return plan
            raise

    def _plan_again(self, target: Target) -> Plan:
        """For the same target, or the next if that is the change, or if only that one can.  Raises ProxyError."""
        try:
            plan = self._plan_for(target)
        except ProxyError:
            if plan_elsewhere := self._next_plan():
                return plan_elsewhere
            raise
        return (self._next_plan() or plan) if plan.rung is Rung.NEXT_TARGET else plan

    def _plan_for(self, target: Target) -> Plan:
        return self._planner(target, self._changes)

    def _next_plan(self) -> Plan | None:
        """The plan for the next target that can take the request at all."""
        while target := self._choose():
            try:
                return self._plan_for(target)
            except ProxyError:
                self._tried.append(target)
        return None

    async def _try(self, plan: Plan) -> Opened | _Failed:
        self._exchange.planned(plan)
        self._exchange.warnings = (*plan.warnings, *self._notes)
        self._exchange.attempts += 1
        self._engine.targets.begins(plan.target, self, _now())
        upstream = plan.upstream
        ends = None if upstream.total_timeout_seconds is None else _now() + upstream.total_timeout_seconds
        first = upstream.first_token_timeout_seconds if plan.streams else None
        try:
            opening = self._opened(plan, ends)
            if first is not None:
                opening = _until(opening, _now() + first, _no_token, upstream)
            return await (opening if ends is None else _until(opening, ends, _no_end, upstream))
        except ProxyError as error:
            await self._close_answer()
            if not error.retryable:
                raise
            return _Failed(Failure(unreachable=isinstance(error, UpstreamUnreachable)), error=error)

    async def _close_answer(self) -> None:
        answer, self._answer = self._answer, None
        if answer:
            await answer.aclose()

    async def _opened(self, plan: Plan, ends: float | None) -> Opened | _Failed:
        answer = await self._engine.upstreams.send(plan.upstream, plan.method, plan.url, plan.headers, plan.body)
        self._answer = answer
        content_type = answer.header("content-type").lower()
        # A stream that is to be converted is known by what it says; some servers do not call it one.
        is_json = content_type.startswith("application/json")
        is_asked_for = plan.conversation is not None and plan.streams and not is_json
        if answer.status < 300 and (is_asked_for or content_type.startswith("text/event-stream")):
            return await self._opened_stream(plan, answer, ends)
        is_document = is_json and plan.method != "HEAD"
        if answer.status >= 400 or is_document or plan.dialect:
            body = await answer.read()
            await self._close_answer()
            opened = Opened(self, plan, answer, body=body)
            return _refused(opened, body) if answer.status >= 400 else opened
        return Opened(self, plan, answer, chunks=_timed(answer.chunks(), ends, plan.upstream))

    async def _opened_stream(self, plan: Plan, answer: Answer, ends: float | None) -> Opened | _Failed:
        chunks, opening, found = answer.chunks(), Opening(plan.dialect), Found.GREETING
        async for chunk in chunks:
            if (found := opening.feed(chunk)) is not Found.GREETING:
                break
        else:
            if (found := opening.close()) is Found.GREETING and plan.dialect:
                raise UpstreamBroken(f"The upstream “{plan.upstream.name}” ended its answer before it began.")
        if found is Found.ERROR:
            await self._close_answer()
            headers = [header for header in answer.headers if header[0].lower() != b"content-type"]
            headers.append((b"content-type", b"application/json"))
            body = orjson.dumps(opening.error)
            refused = Opened(self, plan, answer, status=opening.error_status, headers=headers, body=body)
            return _refused(refused, body)
        rest = _timed(chunks, ends, plan.upstream)
        return Opened(self, plan, answer, chunks=_after(opening.held, rest))

    def _note(self, plan: Plan, outcome: _Failed, then: str) -> None:
        """For the record and the log: what went wrong, and what was done about it."""
        what = f"answered {outcome.failure.status}" if outcome.refused else f"failed ({outcome.error})"
        self.note(f"Attempt {self._exchange.attempts}: the upstream “{plan.upstream.name}” {what}; {then}.")


def _refused(opened: Opened, body: bytes) -> _Failed:
    return _Failed(Failure(opened.status, tuple(opened.headers), body), refused=opened)


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


def _timed(chunks: AsyncIterator[bytes], ends: float | None, upstream: Upstream) -> AsyncIterator[bytes]:
    """The chunks, as long as the whole answer may take.  Raises TotalTimeout."""
    return chunks if ends is None else _ending(chunks, ends, upstream)


async def _ending(chunks: AsyncIterator[bytes], ends: float, upstream: Upstream) -> AsyncGenerator[bytes]:
    end = object()
    while (chunk := await _until(_next(chunks, end), ends, _no_end, upstream)) is not end:
        yield chunk


async def _next(chunks: AsyncIterator[bytes], end: Any) -> Any:
    return await anext(chunks, end)
