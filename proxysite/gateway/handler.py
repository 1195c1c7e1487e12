"""Takes the proxy's requests off the wire and puts the answers back: a lean subclass of Django's ASGIHandler.

Django's own handler spends two thirds of a millisecond on each request for things these paths do not use (a
thread-sensitive context, signals, middleware).  This one builds the `ASGIRequest`, resolves the URL, awaits the view
and sends the response, all on the event loop.  It also owns the two promises every request has: the upstream is closed
at once when the client leaves, and exactly one record is written.
"""

import asyncio
import logging
from contextlib import suppress
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http.request import host_validation_re
from django.urls import ResolverMatch, get_resolver

from proxysite.gateway import access, body, tasks
from proxysite.gateway.endpoints import dialect_of
from proxysite.gateway.engine import Engine
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.guarding import failures_of
from proxysite.gateway.keepalive import Keepalive, Send
from proxysite.gateway.responses import Relayed, Streamed, Whole, error_answer, event_of
from routing import address
from routing.dialects.life import Life
from routing.errors import BadRequest, InternalError, LoopDetected, ProxyError, ServerStopped, UrlTooLong
from routing.headers import Headers

log = logging.getLogger("proxysite.gateway")

_BODILESS = frozenset({204, 205, 304})
_SCHEMES = frozenset({"http", "https"})

LONGEST_URL = 8192  # characters of a path and its query: URLs are remembered, so that long ones would fill the memory

TELLING_SECONDS = 1.0  # that a client is given to take the last event of a server that stops

URLCONF = "proxysite.gateway.urls"


class ProxyRequest(ASGIRequest):
    """An ASGIRequest that carries what the views need, and makes Django's own attributes only when they are asked for.

    `canonical_path` names the endpoint, `versioned` says that the client wrote `/v1`, `content` is the decoded body.
    """

    content = b""

    def __init__(self, scope: dict[str, Any], engine: Engine, exchange: Exchange, send: Send) -> None:
        self.scope = scope
        self.engine = engine
        self.exchange = exchange
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.canonical_path = address.canonical_path(self.path, engine.base_path)
        self.path_info = "/" + self.canonical_path
        self.keepalive: Keepalive | None = None
        self._send = send
        self.versioned = "/v1/" in self.path.removeprefix(engine.base_path)
        self.resolver_match = None

    def keep_client_alive(self, life: Life) -> None:
        """The client waits for a stream: it is sent signs of life until the answer is there, and in its silences."""
        if interval := self.engine.keepalive_seconds:
            self.keepalive = Keepalive(self._send, _id_headers(self.exchange), life, interval)

    def header(self, name: bytes) -> str:
        """A header's value, blank if the client did not send it; several are joined."""
        return b",".join([value for header, value in self.scope["headers"] if header == name]).decode("latin-1")

    def site(self) -> str:
        """The address under which people reach the proxy and its admin: what is set, else what the client called."""
        if self.engine.public_url or not host_validation_re.match(host := self.header(b"host").lower()):
            return self.engine.public_url
        said, called = self.header(b"x-forwarded-proto"), self.scope.get("scheme", "http")
        base_path = self.engine.base_path
        below = base_path if self.path == base_path or self.path.startswith(base_path + "/") else ""
        return f"{said if said in _SCHEMES else called}://{host}{below}"

    @property
    def encoded_path(self) -> str:
        """The canonical path with the client's percent signs, blank if there were none."""
        raw: bytes = self.scope.get("raw_path") or b""
        return address.canonical_path(raw.decode("latin-1"), self.engine.base_path) if b"%" in raw else ""

    @cached_property
    def META(self) -> dict[str, Any]:
        return ASGIRequest(self.scope, BytesIO()).META


class ProxyHandler(ASGIHandler):
    request_class = ProxyRequest

    def __init__(self, engine: Engine) -> None:
        # Not super().__init__(): it would load the middleware, which these paths do without.
        self.engine = engine

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        exchange = Exchange(scope["method"], scope["path"][:500])
        self.engine.exchanges[exchange.request_id] = exchange
        try:
            await self._exchange(scope, receive, send, exchange)
        except body.ClientGone:
            exchange.client_gone = True
        finally:
            del self.engine.exchanges[exchange.request_id]
            exchange.ended()
            for failure in failures_of(exchange):  # before the record, which lets go of the bodies
                self.engine.recorder.add_failure(failure)
            if exchange.is_recorded:
                self.engine.recorder.add(exchange)

    async def _exchange(self, scope: dict[str, Any], receive: Any, send: Any, exchange: Exchange) -> None:
        request = self.request_class(scope, self.engine, exchange, send)
        exchange.client = request.header(b"user-agent")[:200]
        exchange.client_dialect = dialect_of(
            request.canonical_path, anthropic=bool(request.header(b"anthropic-version"))
        )
        response: Relayed | None = None
        watcher: asyncio.Task[None] | None = None
        try:
            try:
                if self.engine.local_keys and (request.method, request.canonical_path) not in access.OPEN:
                    request.scope = {**scope, "headers": access.admitted(scope["headers"], self.engine.local_keys)}
                _refuse_long(scope)
                self._refuse_own(request.header(b"x-request-id"))
                if not self.engine.is_started:
                    await self.engine.start()
                await self._read_body(request, receive)
                watcher = tasks.spawn(_cancel_when_client_leaves(receive, exchange, _current_task()))
                match = _match(request.path_info)
                response = await match.func(request, *match.args, **match.kwargs)
            except ProxyError as problem:
                response = _refusal(exchange, problem)
            except (asyncio.CancelledError, body.ClientGone):
                raise
            except Exception:
                log.exception("%s failed.", exchange.request_id)
                response = _refusal(
                    exchange, InternalError("The proxy failed. Its log says why, under this request id.")
                )
            exchange.status = response.status_code
            if request.keepalive and await request.keepalive.stop():
                await _send_on(response, exchange, send, request.keepalive)
            else:
                await _send(response, exchange, send, request.keepalive)
        except asyncio.CancelledError:
            if not exchange.client_gone:
                await _tell_of_the_stop(response, exchange, send, request.keepalive)
                raise
            if _current_task().uncancel():  # the server wants it to stop as well
                raise
        except OSError:
            exchange.client_gone = True  # what some servers raise when they are told to write to a closed socket
        finally:
            if watcher:
                watcher.cancel()
            if request.keepalive:
                await request.keepalive.stop()
            if isinstance(response, Streamed):
                await response.aclose()

    def _refuse_own(self, sent_id: str) -> None:
        """A request that we have sent ourselves and that comes back to us would go round for ever."""
        if own := self.engine.exchanges.get(sent_id):
            raise LoopDetected(
                f"The request came back to the proxy that sent it: the URL of the upstream “{own.upstream}” is this "
                "proxy's own. Correct it in the admin."
            )

    async def _read_body(self, request: ProxyRequest, receive: Any) -> None:
        limit = self.engine.max_body_bytes
        content = await body.received(receive, limit, self.engine.client_timeout_seconds)
        if codings := request.header(b"content-encoding"):
            content = await body.decoded(content, codings.split(","), limit)
        request.content = request.exchange.request_body = content
        if ".." in request.canonical_path.split("/"):
            raise BadRequest("A path must not have .. in it.")


def _refuse_long(scope: dict[str, Any]) -> None:
    if len(scope["path"]) + len(scope["query_string"]) > LONGEST_URL:
        raise UrlTooLong(f"The path and query of a URL must not have more than {LONGEST_URL:,} characters.")


@lru_cache(maxsize=1024)
def _match(path: str) -> ResolverMatch:
    """The same few paths are called again and again, and resolving one costs as much as parsing its request."""
    return get_resolver(URLCONF).resolve(path)


def _refusal(exchange: Exchange, problem: ProxyError) -> Whole:
    exchange.failed(problem)
    return error_answer(exchange.client_dialect, problem, exchange.request_id)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _cancel_when_client_leaves(receive: Any, exchange: Exchange, task: asyncio.Task[Any]) -> None:
    """The server tells of a client's leaving by a message, and of our own last byte by the same one."""
    while (await receive())["type"] != "http.disconnect":
        pass
    if not exchange.answered:
        exchange.client_gone = True
        task.cancel()


async def _send(response: Relayed, exchange: Exchange, send: Send, keepalive: Keepalive | None) -> None:
    """Headers and body; the request id goes on every answer."""
    headers = [*response.raw_headers, *_id_headers(exchange)]
    if isinstance(response, Whole):
        if response.status_code not in _BODILESS and (response.body or exchange.method != "HEAD"):
            headers.append((b"content-length", str(len(response.body)).encode()))
        exchange.begun = True
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        exchange.answered = True  # from here on a disconnect is the end, not a departure
        await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else response.body})
        return
    assert isinstance(response, Streamed)
    exchange.begun = True
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await _send_stream(response, exchange, send, keepalive)


async def _send_stream(response: Streamed, exchange: Exchange, send: Send, keepalive: Keepalive | None) -> None:
    if keepalive is None or response.relay is None:
        async for chunk in response.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    else:
        keepalive.go_on(response.relay)
        async for chunk in response.chunks:
            keepalive.beats += 1
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            keepalive.beats += 1
        await keepalive.stop()
    exchange.answered = True
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _tell_of_the_stop(
    response: Relayed | None, exchange: Exchange, send: Send, keepalive: Keepalive | None
) -> None:
    """The server stops and waits no longer: a client that has nothing yet is refused, a stream ends with an error.

    Of bytes that are no events, and of a client that does not read, nobody can be told."""
    problem = ServerStopped("The server was stopped before the answer was complete. Send the request again.")
    exchange.failed(problem)
    with suppress(OSError, RuntimeError, TimeoutError):
        async with asyncio.timeout(TELLING_SECONDS):
            has_begun = exchange.begun or (keepalive is not None and await keepalive.stop())
            if isinstance(response, Streamed) and has_begun:
                if response.relay is not None and not exchange.answered:
                    event = response.relay.break_off(problem)
                    await send({"type": "http.response.body", "body": event, "more_body": False})
            elif not exchange.begun:
                refusal = error_answer(exchange.client_dialect, problem, exchange.request_id)
                exchange.status = refusal.status_code
                if keepalive and has_begun:
                    await _send_on(refusal, exchange, send, keepalive)
                else:
                    await _send(refusal, exchange, send, None)


async def _send_on(response: Relayed, exchange: Exchange, send: Send, keepalive: Keepalive) -> None:
    """Signs of life have begun the answer, as a stream with the status 200: what is whole becomes its events."""
    if isinstance(response, Streamed):
        await _send_stream(response, exchange, send, keepalive)
        return
    assert isinstance(response, Whole)
    event = event_of(exchange, response.status_code, response.body)
    exchange.answered = True
    await send({"type": "http.response.body", "body": event, "more_body": False})


def _id_headers(exchange: Exchange) -> Headers:
    """Under both families' names."""
    request_id = exchange.request_id.encode()
    return [(b"x-request-id", request_id), (b"request-id", request_id)]
