"""The floor: the least that any Python proxy on these libraries does.  A bare ASGI app that passes bytes through
an aiohttp client; it routes nothing, changes nothing, records nothing and handles no error.

`BENCH_UPSTREAM=http://127.0.0.1:PORT uvicorn benchmarks.floor:app`
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

UPSTREAM = os.environ.get("BENCH_UPSTREAM", "http://127.0.0.1:9000")
_sessions: list[aiohttp.ClientSession] = []


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    body = await _body(receive)
    headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name != b"host"]
    async with _sessions[0].request(scope["method"], UPSTREAM + scope["path"], data=body, headers=headers) as answer:
        names = (b"content-type", b"content-length")
        kept = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() in names]
        await send({"type": "http.response.start", "status": answer.status, "headers": kept})
        if answer.content_length is None:
            async for data in answer.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.body", "body": await answer.read()})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    _sessions.append(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("user-agent", "accept", "accept-encoding"),
        )
    )
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _sessions.pop().close()
    await send({"type": "lifespan.shutdown.complete"})
