"""What the scripted upstream says, and what a client must therefore receive.  No I/O.

A model named `bench-600x50` streams 600 tokens with 50 ms between them; any other name streams 100 at once.
"""

import random
import re
from dataclasses import dataclass
from functools import cache

import orjson

TOKEN = " t"  # how each begins: counted in what arrives; occurs nowhere else in an answer
TOKENS = 100
DIFFERENT = 1000  # tokens, before they come again
# Different words, as in a real answer: one that repeated a single word would be cut as a loop.
WORDS = """
 tab tact tail take tale talk tall tame tank tape tart task taxi team tear teal tell tend tent term test text than that
 them then they thin this thus tick tide tidy tile till time tiny tire toad toil told toll tomb tone took tool torn toss
 tour town trap tray tree trek trim trio trip true tube tuck tuna tune turf turn twig twin type tally tango taper taste
 teach teeth tempo tenor thank theft theme thick thief thing think third thorn those three threw throw thumb tiger tight
 timer title toast today token tonic topic torch total touch tough towel tower trace
"""
_PACE = re.compile(rb'"model"\s*:\s*"[^"]*bench-(\d{1,6})x(\d{1,5})"')
_STREAMED = re.compile(rb'"stream"\s*:\s*true')

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
_CREATED = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    tokens: int = TOKENS
    pause: float = 0.0


def pace(body: bytes) -> Pace:
    found = _PACE.search(body)
    return Pace(int(found[1]), int(found[2]) / 1000) if found else Pace()


def is_streamed(body: bytes) -> bool:
    return _STREAMED.search(body) is not None


@dataclass(frozen=True)
class Expectation:
    """An answer is complete when it has the status, every token, and the right last bytes."""

    tokens: int
    ending: bytes

    def problem(self, status: int, body: bytes) -> str:
        """Blank when the answer is complete, else what is wrong with it."""
        if status != 200:
            return f"status {status}: {body[:200].decode(errors='replace')}"
        count = body.count(TOKEN.encode())
        if count != self.tokens:
            return f"{count} of {self.tokens} tokens arrived"
        if not body.rstrip().endswith(self.ending):
            return f"the answer ends with {body[-60:]!r}"
        return ""


CHAT = Expectation(TOKENS, b"}")
CHAT_STREAM = Expectation(TOKENS, b"data: [DONE]")
MESSAGES_STREAM = Expectation(TOKENS, b'data: {"type":"message_stop"}')


def words(count: int) -> list[str]:
    return [f" {word}" for word in random.Random(1).choices(WORDS.split(), k=count)]


def _whole(payload: object) -> bytes:
    body = orjson.dumps(payload)
    return _HEAD % b"application/json" + b"content-length: %d\r\n\r\n" % len(body) + body


def _data(payload: object, event: str = "") -> bytes:
    name = b"event: " + event.encode() + b"\n" if event else b""
    return name + b"data: " + orjson.dumps(payload) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_USAGE = {"prompt_tokens": 42, "completion_tokens": TOKENS, "total_tokens": 42 + TOKENS}

CHAT_ANSWER = _whole(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": _CREATED,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(words(TOKENS))},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
)
MESSAGES_ANSWER = _whole(
    {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [{"type": "text", "text": "".join(words(TOKENS))}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 42, "output_tokens": TOKENS},
    }
)
MODELS_ANSWER = _whole(
    {"object": "list", "data": [{"id": "bench", "object": "model", "created": _CREATED, "owned_by": "bench"}]}
)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_STREAM_HEAD = _HEAD % b"text/event-stream" + b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Stream:
    """What is written before, for, and after the tokens; each token is one write."""

    first: bytes
    tokens: tuple[bytes, ...]  # one after the other, and from the beginning again
    last: bytes


def _chat_chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _data(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": "bench",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        }
    )


@cache
def chat_stream() -> Stream:
    return Stream(
        first=_STREAM_HEAD + _chunk(_chat_chunk({"role": "assistant", "content": ""})),
        tokens=tuple(_chunk(_chat_chunk({"content": word})) for word in words(DIFFERENT)),
        last=_chunk(_chat_chunk({}, "stop")) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
    )


@cache
def messages_stream() -> Stream:
    start = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 42, "output_tokens": 1},
    }
    opened = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    tokens = (
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in words(DIFFERENT)
    )
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": TOKENS}}
    return Stream(
        first=_STREAM_HEAD
        + _chunk(_data({"type": "message_start", "message": start}, "message_start"))
        + _chunk(_data(opened, "content_block_start")),
        tokens=tuple(_chunk(_data(token, "content_block_delta")) for token in tokens),
        last=_chunk(_data({"type": "content_block_stop", "index": 0}, "content_block_stop"))
        + _chunk(_data(ended, "message_delta"))
        + _chunk(_data({"type": "message_stop"}, "message_stop"))
        + b"0\r\n\r\n",
    )
