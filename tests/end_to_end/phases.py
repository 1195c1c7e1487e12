"""The phases of a request in which its client may leave, and the configuration in which each of them lasts."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.end_to_end.answers import Answer, End, Gate, Pause, event, hang, json_answer, stream
from tests.end_to_end.configuration import only, upstream
from tests.end_to_end.exchanges import CHAT, MESSAGES, RESPONSES, Exchange, chat_chunk
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
    """`mark`: what the client has got by then.  `asks`: how many requests have reached the upstream."""

    name: str
    model: str
    answer: Callable[[], Answer] = silence
    exchange: Exchange = CHAT
    asked: dict[str, Any] = field(default_factory=dict)
    mark: bytes = b""
    asks: int = 1

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
QUEUED = Phase("queued", "crowded", asks=0)
PAUSING = Phase("pausing", "paced", asks=0)
CONNECTING = Phase("connecting", "mute", asks=0)
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

WORDS = "The tide comes in twice a day, and the fishermen of the bay have known its hours for centuries. " * 3


def judged(*then: Gate, end: End = End.COMPLETE) -> Answer:
    """Enough words to be judged, of which the client has some."""
    words = [event(chat_chunk({"content": f"{word} "})) for word in WORDS.split()]
    return stream(CHAT.events[0], *words, *then, end=end)


DOUBTED = Phase("judged by a model", "doubted", lambda: judged(Gate()), asked=STREAMING, mark=b"tide", asks=2)
CONTINUED = Phase("going on", "breaking", lambda: judged(end=End.CUT), asked=STREAMING, mark=b"tide", asks=2)
SILENT_MODEL = "silent-judge"

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
    DOUBTED,
    CONTINUED,
)
_BY_MODEL = {phase.model: phase for phase in PHASES}


def script(call: Any) -> Answer:
    """What the upstream answers to each phase's model.  A judge, and whoever is to go on, keeps silent."""
    asked = call.json()
    if asked["model"] == SILENT_MODEL or asked.get("continue_final_message"):
        return silence()
    return _BY_MODEL[asked["model"]].answer()


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
        "validation": {
            "validators": {"judge": {"base_url": url, "model": SILENT_MODEL}},
            "per_model": {
                "doubted": {"builtin": False, "validator": "judge", "mid_stream_validation_interval_words": 20},
                "breaking": {"detectors": ["empty"]},
            },
        },
        "throttle": {"per_model": {"paced": {"start_pause_seconds": 3600}}},
    }
