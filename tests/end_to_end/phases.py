"""The phases of a request in which its client may leave, and the configuration in which each of them lasts."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.end_to_end.answers import Answer, Gate, Pause, hang, json_answer, stream
from tests.end_to_end.configuration import only, upstream
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES, Exchange
from tests.end_to_end.test_conversion_errors import refusal

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def talking(exchange: Exchange) -> Answer:
    """A stream without an end."""
    first, second, *_ = exchange.events
    return Answer(raw=lambda: itertools.chain([STREAM_HEAD, first], itertools.cycle([Pause(0.05), second])))


def silence() -> Answer:
    return hang(Gate())


@dataclass(frozen=True)
class Phase:
    """`mark`: what the client has got by then.  `asks`: whether its request has reached the upstream."""

    name: str
    model: str
    answer: Callable[[], Answer] = silence
    exchange: Exchange = CHAT
    asked: dict[str, Any] = field(default_factory=dict)
    mark: bytes = b""
    asks: bool = True

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def request(self, port: int) -> bytes:
        """As it goes over the wire."""
        body = json.dumps(self.exchange.body(self.model, **self.asked)).encode()
        url = f"http://127.0.0.1:{port}{self.exchange.client_path}"
        request = httpx.Request("POST", url, content=body, headers=self.exchange.headers)
        lines = [f"POST {self.exchange.client_path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


STREAMING = {"stream": True}
QUEUED = Phase("queued", "crowded", asks=False)
PAUSING = Phase("pausing", "paced", asks=False)
CONNECTING = Phase("connecting", "mute", asks=False)
WAITING = Phase("waiting for the first token", "hanging", lambda: stream(b": soon\n\n", Gate()))
READING = Phase("reading a whole answer", "halving", lambda: json_answer({}).saying(b'{"a":', Gate(), b"1" * 99))
ANSWERED = Phase("streaming", "talking", lambda: talking(CHAT), asked=STREAMING, mark=CHAT.events[0])
PASSED = Phase("streaming messages", "talking-too", lambda: talking(MESSAGES), MESSAGES, STREAMING, b'"Hi"')
CONVERTED = Phase("streaming converted", "talking-messages", lambda: talking(MESSAGES), CHAT, STREAMING, b'"Hi"')
REFUSED = Phase("in backoff", "refusing", lambda: refusal(CHAT, 503, "Busy").with_headers(("retry-after", "200")))
PINGED = Phase("kept alive", "silent", asked=STREAMING, mark=b": keep-alive\n\n")
TOLD = Phase(
    "kept alive by events", "silent-too", silence, RESPONSES, {**STREAMING, "store": False}, b"response.in_progress"
)
FALLEN_SILENT = Phase(
    "kept alive in its answer",
    "stuck",
    lambda: stream(CHAT.events[0], Gate()),
    asked=STREAMING,
    mark=b": keep-alive\n\n",
)

PHASES = (
    QUEUED,
    PAUSING,
    CONNECTING,
    WAITING,
    READING,
    ANSWERED,
    PASSED,
    CONVERTED,
    REFUSED,
    PINGED,
    TOLD,
    FALLEN_SILENT,
)
_BY_MODEL = {phase.model: phase for phase in PHASES}


def script(call: Any) -> Answer:
    """What the upstream answers to each phase's model."""
    return _BY_MODEL[call.json()["model"]].answer()


def config(url: str) -> dict[str, Any]:
    """`crowded` lets two run at once, `paced` begins one an hour."""
    mute = {"base_url": f"https{url.removeprefix('http')}", "connect_timeout_seconds": 60}
    return {
        "upstreams": [
            upstream("here", url, max_retries=2),
            upstream("mute", url, **mute),
            upstream("messages", url, **only("anthropic")),
            upstream("chat", url, **only("openai")),
        ],
        "model_upstream_binding": {"mute": "mute", "talking-messages": "messages", "silent-too": "chat", "*": "here"},
        "parallel_limits": {"crowded": 2, "everything": {"model": "*", "limit": 10_000}, "global": 10_000},
        "throttle": {"per_model": {"paced": {"start_pause_seconds": 3600}}},
    }
