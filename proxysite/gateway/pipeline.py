"""The main flow: from a request to its answer, top to bottom.

    route → attempts, until one gives an answer → answer: relayed as it comes (a stream) or read whole, and converted
    where dialects differ; where it is judged and bad, another attempt follows in its place

An attempt plans the request for its target, waits for slots and pauses, and sends it (`attempts`).  What follows a bad
answer is decided in `climbing`.  The handler above gives every request its exchange and cleans up; here is what happens
in between.
"""

import logging
from collections.abc import Sequence

from django.utils import timezone

from proxysite.gateway.again import Again, CannotContinue
from proxysite.gateway.asking import Asked, Route, find_route
from proxysite.gateway.attempt import Failed, Opened
from proxysite.gateway.attempts import Attempts
from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.climbing import Climb
from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.guarding import guarded
from proxysite.gateway.handler import ProxyRequest
from proxysite.gateway.mending import MendingRelay, mended_whole
from proxysite.gateway.plan import Chance, Plan, plan_for
from proxysite.gateway.relay import ConvertingRelay, Relay, StreamRelay
from proxysite.gateway.repairs import AnswerRepair
from proxysite.gateway.responses import Relayed, Streamed, Whole, json_answer
from proxysite.gateway.streaming import BrokeOff, as_it_comes, beginning, rest
from proxysite.live import LiveConfig
from proxysite.redaction import without_keys
from routing import headers, hints
from routing.admission.affinity import session_of
from routing.dialects import Dialect, conversion, upstream_errors
from routing.dialects.along import Unreadable, read_along
from routing.dialects.events import End, Transform, UpstreamError
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.life import Comments, EarlyResponse, LateStart, may_begin_early
from routing.dialects.passing import EchoModel
from routing.dialects.responses import parse as responses_parse
from routing.errors import NoRoute, ProxyError, UpstreamBroken
from routing.headers import Headers
from routing.snapshot import Target

log = logging.getLogger("proxysite.gateway")
override_log = logging.getLogger("proxysite.override")


async def serve(request: ProxyRequest, endpoint: Endpoint | None) -> Relayed:
    """Answers a request for an endpoint we understand, or (None) passes it on as it is.  Raises ProxyError."""
    exchange, engine = request.exchange, request.engine
    config = engine.config()
    asked = _asked(request)
    route = _route(asked, endpoint, exchange, config)
    if route.binding.picks:
        route.binding = await engine.models.picked(route.binding, route.model or "", request.scope["headers"])
    if route.streams:
        exchange.early = _early(route, exchange)
        request.keep_client_alive(exchange.early or Comments())
    closes = attempts = _attempts(request, asked, route, config)
    climb: Climb | None = None
    try:
        answer = await attempts.open()
        while True:
            plan = answer.plan
            exchange.answer_came(answer, engine.keep_bytes)
            exchange.repair = AnswerRepair(plan.mending) if plan.mending and answer.status < 300 else None
            if plan.guard:
                closes = climb = Climb(attempts, answer, exchange, engine.validator)
            try:
                return await _relayed(answer, plan, exchange, climb)
            except BrokeOff as broken:
                # A judged answer has seen to that itself.
                following = None if climb else await attempts.instead(plan, Failed.broken(broken.problem))
                if following is None:
                    await closes.aclose()
                    return _told(broken.problem, answer, plan, exchange)
                answer = following
    except BaseException:
        await closes.aclose()
        raise


async def _relayed(answer: Opened, plan: Plan, exchange: Exchange, climb: Climb | None) -> Relayed:
    if plan.conversation and (plan.is_converted or plan.guard or answer.status < 300):
        return await _converted(answer, plan, plan.conversation, exchange, climb)
    if plan.streams and (conversation := _unstreamed(answer, plan, exchange)):
        return await _converted_stream(answer, plan, conversation, exchange, None)
    return await _passed(answer, plan, exchange)


def _early(route: Route, exchange: Exchange) -> EarlyResponse | None:
    """What a client that counts events is told while it waits."""
    body = route.body
    if route.dialect is not Dialect.RESPONSES or body is None or not may_begin_early(body):
        return None

    def conversation() -> Conversation:
        return Conversation(
            client=Dialect.RESPONSES,
            upstream=Dialect.RESPONSES,
            model=route.model or "",
            request_id=exchange.request_id,
            created=int(exchange.received_at.timestamp()),
            echo=responses_parse.echo(body),
        )

    return EarlyResponse(conversation)


def _attempts(request: ProxyRequest, asked: Asked, route: Route, config: LiveConfig) -> Attempts:
    exchange, engine = request.exchange, request.engine
    chance = Chance(now=int(exchange.received_at.timestamp()), calibration=engine.calibration.now)

    def planned(target: Target, again: Again | None) -> Plan:
        plan = plan_for(asked, route, target, config.sampling, chance, config.validation.repair, again)
        if route.generates:
            plan = guarded(plan, config.validation, asked.request_id, chance.now, route.body, request.site)
        if again and plan.guard is None:
            raise CannotContinue(f"The answer of the upstream “{plan.upstream.name}” could not be judged.")
        _log_plan(exchange, plan)
        return plan

    return Attempts(
        engine,
        exchange,
        route.binding,
        route.model or "",
        planned,
        admits=route.generates,
        repeats=_may_repeat(route, asked),
        session=session_of(route.body) if route.binding.session_affinity and route.body else None,
    )


def _may_repeat(route: Route, asked: Asked) -> bool:
    """A count that fails is estimated at once; of a path that we do not know, nobody can say what twice would do."""
    return not route.endpoint.counts if route.endpoint else asked.method in ("GET", "HEAD", "OPTIONS")


def _route(asked: Asked, endpoint: Endpoint | None, exchange: Exchange, config: LiveConfig) -> Route:
    """The record names the model of a request that goes nowhere, too."""
    try:
        route = find_route(asked, endpoint, exchange.client_dialect, config.routing)
    except NoRoute as problem:
        exchange.model_asked = problem.model
        raise
    exchange.model_asked = route.model or ""
    return route


def _asked(request: ProxyRequest) -> Asked:
    return Asked(
        method=request.method,
        path=request.canonical_path,
        query=request.scope["query_string"],
        headers=request.scope["headers"],
        body=request.content,
        request_id=request.exchange.request_id,
        versioned=request.versioned,
        encoded_path=request.encoded_path,
    )


def _unstreamed(answer: Opened, plan: Plan, exchange: Exchange) -> Conversation | None:
    """For an answer that is one document although a stream was asked for: the client, who waits for one, gets one."""
    is_document = answer.header("content-type").lower().startswith("application/json")
    if not is_document or answer.status >= 300 or plan.dialect is None:
        return None
    asked = {**plan.content, "model": plan.model_asked}
    created = int(exchange.received_at.timestamp())
    try:
        return read_along(
            asked, plan.dialect, request_id=exchange.request_id, created=created, renamed=plan.echo is not None
        )
    except Unreadable:
        return None


async def _passed(answer: Opened, plan: Plan, exchange: Exchange) -> Relayed:
    """What was read whole leaves so, a stream of events is relayed as it comes, and all else streams through."""
    if answer.is_whole:
        return await _whole(answer, plan, exchange)
    if answer.header("content-type").lower().startswith("text/event-stream"):
        exchange.streamed = True
        relay, chunks = _passing_relay(answer, plan, exchange), answer.chunks()
        begun = await beginning(chunks, relay, exchange)
        events = rest(answer, chunks, relay, exchange, begun)
        return Streamed(answer.status, _stream_headers(answer), events, answer, relay)
    raw = headers.to_client(answer.headers, rewritten=answer.encoded)
    if (length := answer.header("content-length")) and not answer.encoded:
        raw.append((b"content-length", length.encode()))
    return Streamed(answer.status, raw, as_it_comes(answer, exchange), answer)


def _passing_relay(answer: Opened, plan: Plan, exchange: Exchange) -> Relay:
    upstream, tap, request_id, largest = plan.upstream.name, exchange.tap, exchange.request_id, answer.largest
    if plan.mending and exchange.repair:
        frames = ChatFrames(exchange.repair, plan.mending.reasoning_field)
        return MendingRelay(upstream, frames, plan.echo, tap, request_id, largest=largest)
    return StreamRelay(upstream, plan.dialect, plan.echo, tap, request_id, exchange.early, largest=largest)


async def _read(answer: Opened) -> bytes:
    """Raises BrokeOff."""
    try:
        return await answer.read()
    except ProxyError as problem:
        raise BrokeOff(problem) from problem


async def _whole(answer: Opened, plan: Plan, exchange: Exchange) -> Whole:
    body = await answer.read()
    await answer.aclose()
    exchange.first_byte_came()
    rewritten = answer.encoded
    if answer.status >= 400:
        exchange.outcome, exchange.error = "upstream_status", f"The upstream answered {answer.status}."
        clean = without_keys(body, plan.upstream)
        rewritten = rewritten or clean != body
        body = clean
    exchange.tap.feed(body)
    if plan.mending and exchange.repair is not None and not exchange.repair.passes(body):
        came = body
        body = mended_whole(body, plan.mending.conversation, exchange.repair.transforms, plan.mending.reasoning_field)
        rewritten = rewritten or body is not came
    if answer.status < 400 and plan.echo is not None:
        body, rewritten = _echoed(body, plan), True
    return Whole(answer.status, headers.to_client(answer.headers, rewritten=rewritten), body)


def _repairs(exchange: Exchange) -> Sequence[Transform]:
    return (exchange.repair.late(),) if exchange.repair else ()


def _echoed(body: bytes, plan: Plan) -> bytes:
    return body if plan.echo is None else EchoModel(plan.echo).whole(body)


async def _converted(
    answer: Opened, plan: Plan, conversation: Conversation, exchange: Exchange, climb: Climb | None
) -> Relayed:
    """A whole answer, an error or a stream, in the client's dialect; `climb` is there where it is judged."""
    if 300 <= answer.status < 400:
        raise UpstreamBroken(
            f"The upstream “{plan.upstream.name}” answered {answer.status}, which leads elsewhere. "
            "Set its base URL to the address it leads to."
        )
    if plan.streams and answer.status < 300:
        return await _converted_stream(answer, plan, conversation, exchange, climb)
    if answer.status >= 400:
        return await _refused(answer, plan, exchange)
    if climb:
        body, found, warnings = await climb.whole()
        plan, conversation = climb.plan, climb.conversation
    else:
        body = await _read(answer)
        exchange.first_byte_came()
        exchange.tap.feed(body)
        found, warnings = conversion.read_whole(body, conversation, _repairs(exchange))
    has_changed = (climb and climb.verdict) or (exchange.repair and exchange.repair.has_mended)
    if found[-1:] == [End()] and not (plan.is_converted or has_changed):
        await (climb or answer).aclose()
        return Whole(answer.status, headers.to_client(answer.headers, rewritten=True), _echoed(body, plan))
    whole = conversion.write_whole(found, conversation, warnings, body)
    exchange.warnings += tuple(whole.warnings)
    if whole.failure:
        raise BrokeOff(whole.failure)
    await (climb or answer).aclose()
    return json_answer(whole.body)


async def _refused(answer: Opened, plan: Plan, exchange: Exchange) -> Whole:
    body = await answer.read()
    await answer.aclose()
    exchange.first_byte_came()
    exchange.tap.feed(body)
    failure = upstream_errors.of_text(body, answer.status)
    exchange.outcome, exchange.error = "upstream_status", f"The upstream answered {answer.status}."
    if answer.is_error_event:
        exchange.outcome, exchange.error = "upstream_error", failure.message
    return _failed(failure, answer, plan, exchange)


async def _converted_stream(
    answer: Opened, plan: Plan, conversation: Conversation, exchange: Exchange, climb: Climb | None
) -> Relayed:
    exchange.streamed = True
    transforms = climb.transforms if climb else _repairs(exchange)
    if exchange.early and transforms and not climb:  # its events are numbered, so none can be held once it is written
        transforms = (*transforms, LateStart())
    relay = ConvertingRelay(conversation, exchange.tap, transforms, plan.guard, largest=answer.largest)
    if exchange.early:
        relay.follow(exchange.early)
    chunks = climb.chunks(relay) if climb else answer.chunks()
    begun = await beginning(chunks, relay, exchange)
    events = rest(answer, chunks, relay, exchange, begun)
    return Streamed(200, [_EVENT_STREAM, *_UNBUFFERED], events, climb or answer, relay)


def _told(problem: ProxyError | UpstreamError, answer: Opened, plan: Plan, exchange: Exchange) -> Whole:
    """The bad end of an answer of which the client has nothing."""
    if isinstance(problem, ProxyError):
        raise problem
    exchange.outcome, exchange.error = "upstream_error", problem.message
    return _failed(problem, answer, plan, exchange)


def _failed(failure: UpstreamError, answer: Opened, plan: Plan, exchange: Exchange) -> Whole:
    """What the upstream said went wrong, in the client's dialect, with whether and when to try again."""
    failure.message = without_keys(failure.message.encode(), plan.upstream).decode()
    error = conversion.error_answer(failure, exchange.client_dialect, exchange.request_id)
    told = dict(error.headers)
    if said := answer.header("x-should-retry"):
        told.setdefault("x-should-retry", said)
    wait = _hint(failure, answer.headers, timezone.now().timestamp())
    if wait is not None and told.get("x-should-retry") != "false" and _may_succeed_later(failure.status):
        told["retry-after"] = hints.for_client(wait)
    return json_answer(error.body, error.status, [(name.encode(), value.encode()) for name, value in told.items()])


def _hint(failure: UpstreamError, headers: Headers, now: float) -> float | None:
    """When to come again.  Limits that are told of beside any other failure than a rate limit are not its reason."""
    text = failure.message.encode()
    if failure.status == 429:
        return hints.wait_hint(headers, text, now)
    wait = hints.retry_after(headers, now)
    return hints.in_text(text) if wait is None else wait


def _may_succeed_later(status: int) -> bool:
    return status in (408, 409, 429) or status >= 500


_EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
_UNBUFFERED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
_ABOUT_BUFFERS = frozenset(dict(_UNBUFFERED))


def _stream_headers(answer: Opened) -> headers.Headers:
    raw = headers.to_client(answer.headers, rewritten=True)
    return [*(header for header in raw if header[0] not in _ABOUT_BUFFERS), *_UNBUFFERED]


def _log_plan(exchange: Exchange, plan: Plan) -> None:
    for change in plan.changes:
        override_log.info("%s %r: %s", exchange.request_id, plan.model_asked, change)
    if log.isEnabledFor(logging.DEBUG):
        log.debug(
            "%s %s %s → %s (%s), %d bytes",
            exchange.request_id,
            exchange.method,
            exchange.path,
            plan.url.partition("?")[0],  # some servers take their key in the query
            plan.upstream.name,
            len(plan.body),
        )
