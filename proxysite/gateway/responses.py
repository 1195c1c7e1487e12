"""What a view of the proxy returns: a whole answer or a stream.  `proxysite.gateway.handler` sends them.

They are Django responses in name and headers only as far as the handler needs them: status, raw headers, bytes.
"""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from proxysite.gateway.exchange import Exchange
from proxysite.gateway.relay import Relay
from routing.dialects import Dialect, upstream_errors
from routing.dialects.errors import error_body, error_frame
from routing.dialects.json import object_of
from routing.errors import ProxyError
from routing.headers import Headers

JSON = (b"content-type", b"application/json")


class Relayed(HttpResponseBase):
    """Raw headers and bytes.  Skips HttpResponseBase's own set-up, of which nothing is needed here."""

    def __init__(self, status: int, raw_headers: Headers) -> None:
        self.status_code = status
        self.raw_headers = raw_headers


class Whole(Relayed):
    def __init__(self, status: int, raw_headers: Headers, body: bytes) -> None:
        super().__init__(status, raw_headers)
        self.body = body


class Closed(Protocol):
    async def aclose(self) -> None: ...


class Streamed(Relayed):
    """An upstream's answer on its way to the client.  The handler closes it, whatever happens.

    `relay` gives what may be sent between two chunks, and the last of a stream that ends before its time; None: nothing
    may be sent that the upstream has not.
    """

    def __init__(
        self,
        status: int,
        raw_headers: Headers,
        chunks: AsyncGenerator[bytes],
        answer: Closed,
        relay: Relay | None = None,
    ) -> None:
        super().__init__(status, raw_headers)
        self.chunks = chunks
        self.relay = relay
        self._answer = answer

    async def aclose(self) -> None:
        """Closes the answer itself too: a generator that was never started does not run its own clean-up."""
        try:
            await self.chunks.aclose()
        finally:
            await self._answer.aclose()


def json_answer(value: Any, status: int = 200, headers: Headers | None = None) -> Whole:
    return Whole(status, [JSON, *(headers or ())], orjson.dumps(value))


def error_answer(dialect: Dialect, error: ProxyError, request_id: str) -> Whole:
    headers = [(name.encode(), value.encode()) for name, value in error.headers]
    return json_answer(error_body(dialect, error, request_id), error.status, headers)


def event_of(exchange: Exchange, status: int, body: bytes) -> bytes:
    """A whole answer, or a refusal, for a client whose stream has begun already."""
    dialect, early = exchange.client_dialect, exchange.early
    if status >= 400:
        error = upstream_errors.of_text(body, status)
        problem = ProxyError(error.message)
        problem.status, problem.code = error.status, error.code or problem.code
        if early and early.count:
            return early.failed(problem)
        return error_frame(dialect, problem, exchange.request_id)
    if early and early.count and (whole := object_of(body)) is not None:
        return early.whole(whole)
    return b"data: " + body.replace(b"\r", b"").replace(b"\n", b"\ndata: ") + b"\n\n"


def page(response: HttpResponse) -> Whole:
    """A page that Django rendered."""
    return Whole(
        response.status_code,
        [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()],
        response.content,
    )
