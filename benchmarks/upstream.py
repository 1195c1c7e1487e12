"""The scripted upstream: as cheap as Python allows, so that it is not what is measured.

`python -m benchmarks.upstream PORT`
"""

import asyncio
import sys
from typing import cast

import uvloop

from benchmarks import script
from benchmarks.wire import BadMessage, Message, MessageReader


class Upstream(asyncio.Protocol):
    """One connection.  A stream sends one token per turn of the event loop, so concurrent streams interleave."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = MessageReader()
        self._next: asyncio.Handle | None = None
        self._paused = False
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not instances of it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next:
            self._next.cancel()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def data_received(self, data: bytes) -> None:
        try:
            message = self._reader.feed(data)
            while message:
                self._answer(message)
                message = self._reader.feed(b"")
        except (BadMessage, ValueError):
            self._transport.abort()

    def _answer(self, request: Message) -> None:
        line = request.start_line
        if b"/chat/completions" in line:
            self._speak(request.body, script.CHAT_ANSWER, script.chat_stream())
        elif b"/messages" in line:
            self._speak(request.body, script.MESSAGES_ANSWER, script.messages_stream())
        elif b"/models" in line:
            self._transport.write(script.MODELS_ANSWER)
        else:
            self._transport.write(script.NOT_FOUND)

    def _speak(self, body: bytes, answer: bytes, stream: script.Stream) -> None:
        if not script.is_streamed(body):
            self._transport.write(answer)
            return
        pace = script.pace(body)
        self._stream, self._pause, self._left = stream, pace.pause, pace.tokens
        self._transport.write(stream.first)
        self._schedule()

    def _schedule(self) -> None:
        if self._pause:
            self._next = self._loop.call_later(self._pause, self._send_token)
        else:
            self._next = self._loop.call_soon(self._send_token)

    def _send_token(self) -> None:
        if self._paused:
            self._next = self._loop.call_later(0.001, self._send_token)
            return
        self._left -= 1
        if self._left:
            self._transport.write(self._token())
            self._schedule()
        else:
            self._next = None
            self._transport.write(self._token() + self._stream.last)

    def _token(self) -> bytes:
        tokens = self._stream.tokens
        return tokens[self._left % len(tokens)]


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
