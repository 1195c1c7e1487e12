"""The main flow: from a request to its answer, top to bottom.

    plan → send → answer: relayed as it comes (a stream) or read whole, and converted where dialects differ

The handler above gives every request its exchange and cleans up; here is what happens in between.
"""

import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator

from django.utils import timezone

from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.handler import ProxyRequest
from proxysite.gateway.plan import Asked, Chance, Plan, plan_endpoint, plan_passing
from proxysite.gateway.relay import ConvertingRelay, Relay, StreamRelay
from proxysite.gateway.responses import Relayed, Streamed, Whole, json_answer
from proxysite.redaction import without_keys
from routing import headers, hints
from routing.dialects import conversion, upstream_errors
from routing.dialects.events import UpstreamError
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.passing import EchoModel
from routing.errors import InternalError, ProxyError, UpstreamBroken
from routing.upstream import Answer, Headers

log = logging.getLogger("proxysite.gateway")
override_log = logging.getLogger("proxysite.override")


async def serve(request: ProxyRequest, endpoint: Endpoint | None) -> Relayed:
    """Answers a request for an endpoint we understand, or (None) passes it on as it is.  Raises ProxyError."""
    exchange, engine = request.exchange, request.engine
    config = engine.config()
    asked = _asked(request)
    chance = Chance(draw=random.random(), now=int(exchange.received_at.timestamp()), calibration=engine.calibration.now)
    if endpoint:
        plan = plan_endpoint(asked, endpoint, config.routing, config.sampling, chance)
    else:
        plan = plan_passing(asked, exchange.client_dialect, config.routing, chance)
    exchange.planned(plan)
    _log_plan(exchange, plan)
    exchange.attempts += 1
    answer = await engine.upstreams.send(plan.upstream, plan.method, plan.url, plan.headers, plan.body)
    try:
        exchange.answer_came(answer, engine.keep_bytes)
        if plan.conversation:
            return await _converted(answer, plan, plan.conversation, exchange)
        return await _passed(answer, plan, exchange)
    except BaseException:
        await answer.aclose()
        raise


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


async def _passed(answer: Answer, plan: Plan, exchange: Exchange) -> Relayed:
    """A stream of events is relayed as it comes, JSON and refusals are read whole, all else streams through."""
    content_type = answer.header("content-type").lower()
    if content_type.startswith("text/event-stream") and answer.status < 400:
        exchange.streamed = True
        relay = StreamRelay(plan.upstream.name, plan.dialect, plan.echo, exchange.tap, exchange.request_id)
        return Streamed(answer.status, _stream_headers(answer), _events(answer.chunks(), relay, exchange), answer)
    # Not every JSON is one document: Ollama streams application/x-ndjson.
    is_document = content_type.startswith("application/json") and plan.method != "HEAD"
    if answer.status >= 400 or is_document or plan.dialect:
        return await _whole(answer, plan, exchange)
    raw = headers.to_client(answer.headers, rewritten=answer.encoded)
    if (length := answer.header("content-length")) and not answer.encoded:
        raw.append((b"content-length", length.encode()))
    return Streamed(answer.status, raw, _raw(answer, exchange), answer)


async def _events(
    chunks: AsyncIterator[bytes], relay: Relay, exchange: Exchange, first: bytes = b""
) -> AsyncGenerator[bytes]:
    """No exception leaves here: the client is told by an event, the record by the exchange."""
    try:
        if first:
            yield first
        async for chunk in chunks:
            exchange.first_byte_came()
            if events := relay.feed(chunk):
                yield events
            if relay.failure:
                break  # the client was told, and whatever still comes is not for it
        if left := relay.close():
            yield left
        if relay.failure:
            exchange.outcome, exchange.error = "cut", relay.failure.message
    except ProxyError as problem:
        if last := relay.break_off(problem):
            exchange.outcome, exchange.error = "cut", problem.message
            yield last
    except Exception:
        log.exception("%s failed in the middle of its answer.", exchange.request_id)
        problem = InternalError("The proxy failed. Its log says why, under this request id.")
        exchange.failed(problem)
        yield relay.break_off(problem)
    finally:
        exchange.warnings += tuple(relay.warnings)


async def _raw(answer: Answer, exchange: Exchange) -> AsyncGenerator[bytes]:
    """Bytes of any kind.  There is no event to tell of a break: the exception makes the server cut the connection."""
    try:
        async for chunk in answer.chunks():
            exchange.first_byte_came()
            exchange.tap.feed(chunk)
            yield chunk
    except ProxyError as problem:
        exchange.outcome, exchange.error = "cut", problem.message
        log.warning("%s %s", exchange.request_id, problem)
        raise


async def _whole(answer: Answer, plan: Plan, exchange: Exchange) -> Whole:
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
    if answer.status < 400 and plan.echo is not None:
        body, rewritten = EchoModel(plan.echo).whole(body), True
    return Whole(answer.status, headers.to_client(answer.headers, rewritten=rewritten), body)


async def _converted(answer: Answer, plan: Plan, conversation: Conversation, exchange: Exchange) -> Relayed:
    """A whole answer, an error or a stream, in the client's dialect."""
    if 300 <= answer.status < 400:
        raise UpstreamBroken(
            f"The upstream “{plan.upstream.name}” answered {answer.status}, which leads elsewhere. "
            "Set its base URL to the address it leads to."
        )
    if plan.streams and answer.status < 300:
        return await _converted_stream(answer, plan, conversation, exchange)
    body = await answer.read()
    await answer.aclose()
    exchange.first_byte_came()
    exchange.tap.feed(body)
    if answer.status >= 400:
        exchange.outcome, exchange.error = "upstream_status", f"The upstream answered {answer.status}."
        return _failed(upstream_errors.of_text(body, answer.status), answer, plan, exchange)
    whole = conversion.convert_response(body, conversation)
    exchange.warnings += tuple(whole.warnings)
    if whole.failure:
        exchange.outcome, exchange.error = "upstream_error", whole.failure.message
        return _failed(whole.failure, answer, plan, exchange)
    return json_answer(whole.body)


async def _converted_stream(answer: Answer, plan: Plan, conversation: Conversation, exchange: Exchange) -> Relayed:
    """A stream begins for the client only when there is something to say: an upstream that fails before that, with
    whatever status, gives a real error status."""
    exchange.streamed = True
    relay = ConvertingRelay(conversation, exchange.tap)
    chunks = answer.chunks()
    first = await _first_events(chunks, relay, exchange)
    if relay.failure:
        await answer.aclose()
        exchange.warnings += tuple(relay.warnings)
        exchange.outcome, exchange.error = "upstream_error", relay.failure.message
        return _failed(relay.failure, answer, plan, exchange)
    return Streamed(200, [_EVENT_STREAM, *_UNBUFFERED], _events(chunks, relay, exchange, first), answer)


async def _first_events(chunks: AsyncIterator[bytes], relay: ConvertingRelay, exchange: Exchange) -> bytes:
    async for chunk in chunks:
        exchange.first_byte_came()
        if (events := relay.feed(chunk)) or relay.failure:
            return events
    return relay.close()


def _failed(failure: UpstreamError, answer: Answer, plan: Plan, exchange: Exchange) -> Whole:
    """What the upstream said went wrong, in the client's dialect, with whether and when to try again."""
    failure.message = without_keys(failure.message.encode(), plan.upstream).decode()
    error = conversion.error_answer(failure, exchange.client_dialect, exchange.request_id)
    told = dict(error.headers)
    said = next((value.decode("latin-1") for name, value in answer.headers if name.lower() == b"x-should-retry"), None)
    if said is not None:
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


def _stream_headers(answer: Answer) -> headers.Headers:
    raw = headers.to_client(answer.headers, rewritten=True)
    return [header for header in raw if header[0] not in dict(_UNBUFFERED)] + list(_UNBUFFERED)


def _log_plan(exchange: Exchange, plan: Plan) -> None:
    for change in plan.changes:
        override_log.info("%s %r: %s", exchange.request_id, plan.model_asked, change)
    if log.isEnabledFor(logging.DEBUG):
        log.debug(
            "%s %s %s → %s (%s), %d bytes",
            exchange.request_id,
            exchange.method,
            exchange.path,
            plan.url,
            plan.upstream.name,
            len(plan.body),
        )
