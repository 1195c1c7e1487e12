"""Talking HTTP to upstreams: the only module that imports httpx, and aiohttp's client.

`Upstreams.send()` gives an `Answer` whose bytes can be streamed, or raises one of our errors: what can go wrong between
two machines is translated here, once.  An answer must be closed; closing one that is not finished cuts the connection,
which is how a local server learns that nobody wants its tokens any more.

HTTP/1.1 is aiohttp's, which costs least; HTTP/2, and whatever transport a test gives, is httpx's.
"""

import asyncio
import io
import os
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import suppress
from functools import lru_cache, partial

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import PayloadEncodingError

from routing.address import DEMO
from routing.decoding import Undecodable, decoder
from routing.errors import (
    AnswerTooLarge,
    ConnectTimeout,
    ProxyError,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from routing.headers import Headers, value_of
from routing.secrets import MASK
from routing.snapshot import Upstream

# Shorter than the keep-alive of the servers we meet (5 s in uvicorn and llama.cpp): the side that closes first must
# be us, else a request can meet a connection that is just being closed.
IDLE_SECONDS = 4.0

LARGEST_ANSWER = 256 * 2**20  # bytes

_LARGE = 2**20

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_QUERY = re.compile(r"\?[^\s'\"]+")


class Answer:
    """An upstream's answer: status and headers are there, the body still comes."""

    __slots__ = ("_stream", "_upstream", "encoded", "headers", "largest", "status")

    def __init__(self, status: int, headers: Headers, stream: httpx.AsyncByteStream, upstream: Upstream) -> None:
        self.largest = LARGEST_ANSWER  # bytes that may be held of it
        self._stream = stream
        self._upstream = upstream
        self.status = status
        self.headers = headers
        # Asked for identity, but some servers compress all the same: then the bytes are decoded here.
        self.encoded = bool(self.header("content-encoding"))

    def header(self, name: str) -> str:
        return value_of(self.headers, name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decoded.  Raises UpstreamBroken or UpstreamTimeout."""
        try:
            if isinstance(self._stream, _Stream) and not self.encoded:  # the usual case, with one generator less
                while chunk := await self._stream.next():
                    yield chunk
            else:
                async for chunk in self._decoded():
                    yield chunk
        except Exception as problem:
            raise translated(problem, self._upstream, answering=True) from problem

    def _decoded(self) -> AsyncIterator[bytes]:
        if not self.encoded:
            return aiter(self._stream)
        return _decoded(self._stream, self.header("content-encoding"))

    async def read(self) -> bytes:
        """All of it.  Raises AnswerTooLarge, and what `chunks` raises."""
        return await joined(self.chunks(), self.largest)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except Exception as problem:
            if not isinstance(problem, (httpx.HTTPError, aiohttp.ClientError, OSError)):
                raise


async def _decoded(stream: AsyncIterable[bytes], codings: str) -> AsyncGenerator[bytes]:
    """In pieces of a bounded size.  Raises Undecodable.

    What calls itself by a name that is no coding (utf-8) passes as it is, and what breaks off ends there: some servers
    never finish what they compress.
    """
    found = [made for name in codings.split(",") if (made := decoder(name.strip().lower()))]
    if len(found) > 1:
        raise Undecodable("it is compressed several times over")
    async for chunk in stream:
        is_first = True
        for piece in found[0].feed(chunk) if found else (chunk,):
            if not is_first:
                await asyncio.sleep(0)  # a chunk may be worth gigabytes, and others want their turn
            is_first = False
            yield piece


async def joined(chunks: AsyncIterator[bytes], largest: int) -> bytes:
    """An answer that is wanted whole.  Raises AnswerTooLarge past so many bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise AnswerTooLarge(largest)
        parts.append(chunk)
    return b"".join(parts)


class Upstreams:
    """The connections to all upstreams.  Bound to the event loop it is first used in.

    `largest_answer`: bytes of an answer that may be held at once: all of one that is read whole, an event of a stream.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, *, largest_answer: int = LARGEST_ANSWER
    ) -> None:
        self._largest_answer = largest_answer
        self._given = _Httpx(transport) if transport else None
        self._clients: dict[tuple[bool, bool], _Aiohttp | _Httpx] = {}
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
            answer = await self._client(upstream).send(upstream, method, self._located(url), headers, body)
            answer.largest = self._largest_answer
            return answer
        except ProxyError:
            raise
        except Exception as problem:
            raise translated(problem, upstream) from problem

    async def aclose(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _located(self, url: str) -> str:
        if not url.startswith(DEMO):
            return url
        if not self.demo_url:
            raise UpstreamUnreachable("The demo upstream is switched off (DEMO_UPSTREAM=false).")
        return self.demo_url + url.removeprefix(DEMO)

    def _client(self, upstream: Upstream) -> "_Aiohttp | _Httpx":
        if self._given:
            return self._given
        wanted = (upstream.http2, upstream.verify_tls)
        if wanted not in self._clients:
            verify = upstream.verify_tls
            self._clients[wanted] = _Http2(verify) if upstream.http2 else _Aiohttp(verify)
        return self._clients[wanted]


class _Httpx:
    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, upstream: Upstream, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        connect, read = upstream.connect_timeout_seconds, upstream.timeout_seconds
        timeout = {"connect": connect, "read": read, "write": read, "pool": None}
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": timeout})
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return Answer(response.status_code, response.headers.raw, response.stream, upstream)

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Http2(_Httpx):
    """The library looks at connections that have been idle for long only when it sends the next request, and until then
    keeps them open: here that is done in time."""

    def __init__(self, verify_tls: bool) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE_SECONDS)
        transport = httpx.AsyncHTTPTransport(verify=verify_tls, http2=True, limits=limits, trust_env=False)
        super().__init__(transport)
        self._pool = transport._pool
        self._tidying: asyncio.Task[None] | None = None

    async def send(self, upstream: Upstream, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.get_running_loop().create_task(self._tidy())
        return await super().send(upstream, method, url, headers, body)

    async def aclose(self) -> None:
        if self._tidying:
            self._tidying.cancel()
        await super().aclose()

    async def _tidy(self) -> None:
        """As long as there is a connection."""
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            for connection in self._pool.connections:
                if connection.has_expired():
                    with suppress(Exception):  # whatever it says, it is gone
                        await connection.aclose()
            if all(connection.is_closed() for connection in self._pool.connections):
                return


# The same few URLs and timeouts are used again and again.
@lru_cache(maxsize=1024)
def _exactly(url: str) -> yarl.URL:
    """Percent-encoding and query as the client wrote them.  Raises what httpx says of an address that is none."""
    httpx.URL(url)
    return yarl.URL(url, encoded=True)


@lru_cache(maxsize=256)
def _timeout(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=connect, sock_read=read)


class _Stream(httpx.AsyncByteStream):
    """`next` gives everything that has arrived, nothing at the end.  Closing it early cuts the connection at once."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.next = response.content.readany

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.next():
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


class _Aiohttp:
    """The library's client, less what one request need not pay for: no connection limit, no cookies, no copies."""

    def __init__(self, verify_tls: bool) -> None:
        self._ssl_context = httpx.create_ssl_context(verify=verify_tls, trust_env=False)
        self._session: aiohttp.ClientSession | None = None

    def _new_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE_SECONDS, ssl=self._ssl_context, enable_cleanup_closed=False
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

    async def send(self, upstream: Upstream, method: str, url: str, headers: Headers, body: bytes) -> Answer:
        self._session = self._session or self._new_session()
        response = await self._session.request(
            method,
            _exactly(url),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
            data=_payload(body),
            allow_redirects=False,
            timeout=_timeout(upstream.connect_timeout_seconds, upstream.timeout_seconds),
        )
        return Answer(response.status, list(response.raw_headers), _Stream(response), upstream)

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """What aiohttp sends at once, or (a large body) piece by piece, so that other requests get their turn."""
    return io.BytesIO(body) if len(body) > _LARGE else body or None


def translated(problem: BaseException, upstream: Upstream, *, answering: bool = False) -> ProxyError:
    """Our error for whatever the client library raised.  `answering`: the answer had begun."""
    address = "" if upstream.base_url == DEMO else f" at {upstream.base_url}"
    where = f"The upstream “{upstream.name}”{address}"
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
    if upstream.key and upstream.key.is_masked:
        text = text.replace(upstream.key.reveal(), MASK)
    return _QUERY.sub("?…", text.splitlines()[0])[:300].rstrip(".:")


def _message(problem: BaseException) -> str:
    """Without the library's own wrapping."""
    if isinstance(problem, aiohttp.ClientPayloadError) and isinstance(problem.__cause__, PayloadEncodingError):
        return "Connection reset by peer" if "ConnectionReset" in str(problem) else "Connection closed by peer"
    system = getattr(problem, "os_error", None) or problem
    message = getattr(problem, "message", "")
    said = getattr(system, "strerror", None) or (isinstance(message, str) and message.strip()) or str(system)
    if said and "Connect call failed" in said:  # asyncio's words, with addresses that the base URL says already
        number = getattr(system, "errno", None) or next(map(int, _ERRNO.findall(said)), 0)
        return os.strerror(number) if number else said
    return said or type(system).__name__
