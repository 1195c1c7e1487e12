"""The main flow: from a request to its answer, top to bottom.

    plan → send → answer: relayed as it comes (a stream), or read whole

The handler above gives every request its exchange and cleans up; here is what happens in between.
"""

import logging
import random
from collections.abc import AsyncGenerator

from proxysite.gateway.endpoints import Endpoint
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.handler import ProxyRequest
from proxysite.gateway.plan import Asked, Plan, plan_endpoint, plan_passing
from proxysite.gateway.relay import StreamRelay
from proxysite.gateway.responses import Relayed, Streamed, Whole
from proxysite.redaction import without_keys
from routing import headers
from routing.dialects.passing import EchoModel, Tap
from routing.errors import InternalError, ProxyError
from routing.upstream import Answer

log = logging.getLogger("proxysite.gateway")
override_log = logging.getLogger("proxysite.override")


async def serve(request: ProxyRequest, endpoint: Endpoint | None) -> Relayed:
    """Answers a request for an endpoint we understand, or (None) passes it on as it is.  Raises ProxyError."""
    exchange, engine = request.exchange, request.engine
    config = engine.config()
    asked = _asked(request)
    if endpoint:
        plan = plan_endpoint(asked, endpoint, config.routing, config.sampling, random.random())
    else:
        plan = plan_passing(asked, exchange.client_dialect, config.routing, random.random())
    exchange.planned(plan)
    _log_plan(exchange, plan)
    exchange.attempts += 1
    answer = await engine.upstreams.send(plan.upstream, plan.method, plan.url, plan.headers, plan.body)
    try:
        return await _answered(answer, plan, exchange, engine.keep_bytes)
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


async def _answered(answer: Answer, plan: Plan, exchange: Exchange, keep: int) -> Relayed:
    """A stream of events is relayed as it comes, JSON and refusals are read whole, all else streams through."""
    exchange.upstream_request_id = (answer.header("x-request-id") or answer.header("request-id"))[:200]
    content_type = answer.header("content-type").lower()
    exchange.tap = Tap(keep)
    if content_type.startswith("text/event-stream") and answer.status < 400:
        exchange.streamed = True
        relay = StreamRelay(plan.upstream.name, plan.dialect, plan.echo, exchange.tap, exchange.request_id)
        return Streamed(answer.status, _stream_headers(answer), _events(answer, relay, exchange), answer)
    # Not every JSON is one document: Ollama streams application/x-ndjson.
    is_document = content_type.startswith("application/json") and plan.method != "HEAD"
    if answer.status >= 400 or is_document or plan.dialect:
        return await _whole(answer, plan, exchange)
    raw = headers.to_client(answer.headers, rewritten=answer.encoded)
    if (length := answer.header("content-length")) and not answer.encoded:
        raw.append((b"content-length", length.encode()))
    return Streamed(answer.status, raw, _raw(answer, exchange), answer)


async def _events(answer: Answer, relay: StreamRelay, exchange: Exchange) -> AsyncGenerator[bytes]:
    """No exception leaves here: the client is told by an event, the record by the exchange."""
    try:
        async for chunk in answer.chunks():
            exchange.first_byte_came()
            if events := relay.feed(chunk):
                yield events
        if left := relay.close():
            yield left
    except ProxyError as problem:
        exchange.outcome, exchange.error = "cut", problem.message
        yield relay.break_off(problem)
    except Exception:
        log.exception("%s failed in the middle of its answer.", exchange.request_id)
        problem = InternalError("The proxy failed. Its log says why, under this request id.")
        exchange.failed(problem)
        yield relay.break_off(problem)


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


def _stream_headers(answer: Answer) -> headers.Headers:
    raw = headers.to_client(answer.headers, rewritten=True)
    set_here = (b"cache-control", b"x-accel-buffering")
    kept = [header for header in raw if header[0] not in set_here]
    return [*kept, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]


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
