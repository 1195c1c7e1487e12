"""Talking HTTP to upstreams: the only module that imports httpx.

`Upstreams.send()` gives an `Answer` whose bytes can be streamed, or raises one of our errors: what can go wrong between
two machines is translated here, once.  An answer must be closed; closing one that is not finished cuts the connection,
which is how a local server learns that nobody wants its tokens any more.
"""

import asyncio
import io
import re
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache, partial

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import PayloadEncodingError
from httpx_aiohttp import AiohttpTransport

from routing.address import DEMO
from routing.errors import ConnectTimeout, ProxyError, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from routing.secrets import MASK
from routing.snapshot import Upstream

Headers = list[tuple[bytes, bytes]]

# Shorter than the keep-alive of the servers we meet (5 s in uvicorn and llama.cpp): the side that closes first must
# be us, else a request can meet a connection that is just being closed.
IDLE_SECONDS = 4.0

_LARGE = 2**20

_QUERY = re.compile(r"\?[^\s'\"]+")


class Answer:
    """An upstream's answer: status and headers are there, the body still comes."""

    __slots__ = ("_decode", "_response", "_upstream", "encoded", "headers", "status")

    def __init__(self, response: httpx.Response, upstream: Upstream) -> None:
        self._response = response
        self._upstream = upstream
        self.status = response.status_code
        self.headers: Headers = response.headers.raw
        # Asked for identity, but some servers compress all the same: then the bytes are decoded here.
        self.encoded = "content-encoding" in response.headers

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decoded.  Raises UpstreamBroken or UpstreamTimeout."""
        source = self._response.aiter_bytes() if self.encoded else self._response.stream
        try:
            async for chunk in source:
                yield chunk
        except Exception as problem:
            raise translated(problem, self._upstream, answering=True) from problem

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def aclose(self) -> None:
        try:
            await self._response.stream.aclose()
        except Exception as problem:
            if not isinstance(problem, (httpx.HTTPError, aiohttp.ClientError, OSError)):
                raise


class Upstreams:
    """The connections to all upstreams.  Bound to the event loop it is first used in."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._given = transport
        self._transports: dict[tuple[bool, bool], httpx.AsyncBaseTransport] = {}
        self.demo_url = ""  # where the demo upstream listens, blank while it does not

    async def send(
        self,
        upstream: Upstream,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
    ) -> Answer:
        """Sends a request and waits for the head of the answer.  Redirects are not followed.

        Raises UpstreamUnreachable, UpstreamTimeout or UpstreamBroken.
        """
        try:
            request = _request(upstream, method, self._located(url), headers, body)
            response = await self._transport(upstream).handle_async_request(request)
        except ProxyError:
            raise
        except Exception as problem:
            raise translated(problem, upstream) from problem
        return Answer(response, upstream)

    async def aclose(self) -> None:
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    def _located(self, url: str) -> str:
        if not url.startswith(DEMO):
            return url
        if not self.demo_url:
            raise UpstreamUnreachable("The demo upstream is switched off (DEMO_UPSTREAM=false).")
        return self.demo_url + url.removeprefix(DEMO)

    def _transport(self, upstream: Upstream) -> httpx.AsyncBaseTransport:
        if self._given:
            return self._given
        wanted = (upstream.http2, upstream.verify_tls)
        if wanted not in self._transports:
            self._transports[wanted] = _http2(upstream.verify_tls) if upstream.http2 else _Aiohttp(upstream.verify_tls)
        return self._transports[wanted]


def _http2(verify_tls: bool) -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE_SECONDS)
    return httpx.AsyncHTTPTransport(verify=verify_tls, http2=True, limits=limits, trust_env=False)


def _request(upstream: Upstream, method: str, url: str, headers: Headers, body: bytes) -> httpx.Request:
    connect, read = upstream.connect_timeout_seconds, upstream.timeout_seconds
    if upstream.http2:
        timeout = {"connect": connect, "read": read, "write": read, "pool": None}
        return httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": timeout})
    # What httpx would prepare for a body (host, length) aiohttp prepares again: given as a stream, it is left to that.
    extensions = {"url": _exactly(url), "timeout": _timeout(connect, read)}
    return httpx.Request(method, _parsed(url), headers=headers, stream=_Body(body), extensions=extensions)


# The same few URLs and timeouts are used again and again.
_parsed = lru_cache(maxsize=1024)(httpx.URL)


@lru_cache(maxsize=1024)
def _exactly(url: str) -> yarl.URL:
    """Percent-encoding and query as the client wrote them."""
    return yarl.URL(url, encoded=True)


@lru_cache(maxsize=256)
def _timeout(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=connect, sock_read=read)


class _Body(httpx.AsyncByteStream):
    """A request's body.  Given as a stream so that httpx does not prepare headers which the connection makes anyway."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.content:
            yield self.content


class _Stream(httpx.AsyncByteStream):
    """Everything that has arrived at once; closing it early cuts the connection at once."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = self._response.content.readany
        while chunk := await read():
            yield chunk

    async def aclose(self) -> None:
        self._response.close() if not self._response.content.at_eof() else self._response.release()


class _Connection(ResponseHandler):
    """The library's, which leaves the reader of a body waiting for ever when the framing turns out to be wrong in its
    middle."""

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        super().set_exception(exc, exc_cause or exc)
        body = self._payload
        if body is not None and not body.is_eof() and body.exception() is None:
            told = exc if isinstance(exc, aiohttp.ClientError) else aiohttp.ClientPayloadError(_message(exc))
            body.set_exception(told)


class _Aiohttp(AiohttpTransport):
    """The library's transport, less what one request need not pay for: no connection limit, no cookies, no copies."""

    def __init__(self, verify_tls: bool) -> None:
        super().__init__(verify=verify_tls, client=self._session, trust_env=False)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE_SECONDS, ssl=self.ssl_context, enable_cleanup_closed=False
        )
        connector._factory = partial(_Connection, loop=asyncio.get_running_loop())
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("user-agent", "accept", "content-type"),
            max_line_size=65536,
            max_field_size=65536,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        response = await self.client.request(
            request.method,
            request.extensions["url"],
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=_payload(request.stream.content),
            allow_redirects=False,
            timeout=request.extensions["timeout"],
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Stream(response), request=request)


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """What aiohttp sends at once, or (a large body) piece by piece, so that other requests get their turn."""
    return io.BytesIO(body) if len(body) > _LARGE else body or None


def translated(problem: BaseException, upstream: Upstream, *, answering: bool = False) -> ProxyError:
    """Our error for whatever the client library raised.  `answering`: the answer had begun."""
    where = f"The upstream “{upstream.name}” at {upstream.base_url}"
    reason = _reason(problem, upstream)
    if isinstance(problem, (httpx.ConnectTimeout, aiohttp.ConnectionTimeoutError)):
        longest = f"{upstream.connect_timeout_seconds:g} s (connect timeout)"
        return ConnectTimeout(f"{where} did not accept a connection within {longest}.")
    if isinstance(problem, (httpx.TimeoutException, asyncio.TimeoutError, aiohttp.ServerTimeoutError)):
        return UpstreamTimeout(f"{where} sent nothing for {upstream.timeout_seconds:g} s (timeout between bytes).")
    if isinstance(problem, (aiohttp.ClientSSLError, ssl.SSLError)) or isinstance(problem.__cause__, ssl.SSLError):
        return UpstreamUnreachable(f"{where} failed the TLS handshake: {reason}.")
    if isinstance(problem, (aiohttp.ClientConnectorError, httpx.ConnectError)):
        return UpstreamUnreachable(f"{where} cannot be reached: {reason}. Is it running?")
    if isinstance(problem, (aiohttp.InvalidURL, httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return UpstreamUnreachable(f"{where} has an address that cannot be called: {reason}.")
    if answering:
        return UpstreamBroken(f"{where} broke off its answer: {reason}.")
    if isinstance(problem, (aiohttp.ClientError, httpx.HTTPError, OSError, EOFError, ValueError)):
        return UpstreamBroken(f"{where} closed the connection or answered nonsense: {reason}.")
    raise problem


def _reason(problem: BaseException, upstream: Upstream) -> str:
    """What the library says, less what may hold a key: the upstream's own, or one in the query of a URL."""
    text = _message(problem)
    if upstream.key:
        text = text.replace(upstream.key.reveal(), MASK)
    return _QUERY.sub("?…", text.splitlines()[0])[:300].rstrip(".:")


def _message(problem: BaseException) -> str:
    """Without the library's own wrapping."""
    if isinstance(problem, aiohttp.ClientPayloadError) and isinstance(problem.__cause__, PayloadEncodingError):
        return "Connection reset by peer" if "ConnectionReset" in str(problem) else "Connection closed by peer"
    system = getattr(problem, "os_error", None) or problem
    message = getattr(problem, "message", "")
    said = getattr(system, "strerror", None) or (isinstance(message, str) and message.strip()) or str(system)
    return said or type(system).__name__
