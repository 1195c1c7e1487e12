"""What the scripted upstream says, and what a client must therefore receive.  No I/O.

A model named `bench-600x50` streams 600 tokens with 50 ms between them; any other name streams 100 at once.  One whose
name ends in `prose` writes running text, each token a word; any other says the same word again and again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import orjson

TOKEN = " tick"  # counted in what arrives; occurs nowhere else in an answer
TOKENS = 100
PROSE = """Far up the valley, where the road ends, a keeper of bees has built nine hives from old wine barrels. Every
spring she opens them one by one, looks for the queen, and writes what she finds in a green book. Last year two colonies
were weak, so she joined them with a sheet of newspaper between: by the time the bees had chewed through it, both
smelled alike and nobody fought. Her neighbour keeps sheep, and in return for honey he mows the slope before the clover
flowers, which suits everyone except the hares that slept there until June."""
_WORDS = [f" {word}" for word in PROSE.split()]
_PROSE_ASKED = re.compile(rb'"model"\s*:\s*"[^"]*prose"')
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
    token: str = TOKEN  # the one that is counted

    def problem(self, status: int, body: bytes) -> str:
        """Blank when the answer is complete, else what is wrong with it."""
        if status != 200:
            return f"status {status}: {body[:200].decode(errors='replace')}"
        count = body.count(self.token.encode())
        if count != self.tokens:
            return f"{count} of {self.tokens} tokens arrived"
        if not body.rstrip().endswith(self.ending):
            return f"the answer ends with {body[-60:]!r}"
        return ""


CHAT = Expectation(TOKENS, b"}")
CHAT_STREAM = Expectation(TOKENS, b"data: [DONE]")
MESSAGES_STREAM = Expectation(TOKENS, b'data: {"type":"message_stop"}')


def expected(model: str, dialect: str, *, stream: bool) -> Expectation:
    """What an answer of a model that has no pauses must hold."""
    plain = CHAT if not stream else CHAT_STREAM if dialect == "chat" else MESSAGES_STREAM
    if not is_prose(b'"model":"%b"' % model.encode()):
        return plain
    return replace(plain, tokens="".join(_WORDS).count(" the"), token=" the")


def is_prose(body: bytes) -> bool:
    return _PROSE_ASKED.search(body) is not None


def _whole(payload: object) -> bytes:
    body = orjson.dumps(payload)
    return _HEAD % b"application/json" + b"content-length: %d\r\n\r\n" % len(body) + body


def _data(payload: object, event: str = "") -> bytes:
    name = b"event: " + event.encode() + b"\n" if event else b""
    return name + b"data: " + orjson.dumps(payload) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_USAGE = {"prompt_tokens": 42, "completion_tokens": TOKENS, "total_tokens": 42 + TOKENS}


def _chat_answer(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return _whole(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": _CREATED,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    )


def _messages_answer(text: str) -> bytes:
    return _whole(
        {
            "id": "msg_bench",
            "type": "message",
            "role": "assistant",
            "model": "bench",
            "content": [{"type": "text", "text": text}],
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
    """What is written before, for, and after the tokens; each token is one write.  They are said in turn."""

    first: bytes
    tokens: Sequence[bytes]
    last: bytes


@dataclass(frozen=True)
class Voice:
    """All that is said in one dialect."""

    answer: bytes
    stream: Stream


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
def chat(*, prose: bool = False) -> Voice:
    words = _words(prose=prose)
    stream = Stream(
        first=_STREAM_HEAD + _chunk(_chat_chunk({"role": "assistant", "content": ""})),
        tokens=[_chunk(_chat_chunk({"content": word})) for word in words],
        last=_chunk(_chat_chunk({}, "stop")) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
    )
    return Voice(_chat_answer("".join(words)), stream)


@cache
def messages(*, prose: bool = False) -> Voice:
    words = _words(prose=prose)
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
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": TOKENS}}
    stream = Stream(
        first=_STREAM_HEAD
        + _chunk(_data({"type": "message_start", "message": start}, "message_start"))
        + _chunk(_data(opened, "content_block_start")),
        tokens=[_chunk(_data(_messages_delta(word), "content_block_delta")) for word in words],
        last=_chunk(_data({"type": "content_block_stop", "index": 0}, "content_block_stop"))
        + _chunk(_data(ended, "message_delta"))
        + _chunk(_data({"type": "message_stop"}, "message_stop"))
        + b"0\r\n\r\n",
    )
    return Voice(_messages_answer("".join(words)), stream)


def _words(*, prose: bool) -> list[str]:
    return _WORDS if prose else [TOKEN] * TOKENS


def _messages_delta(text: str) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
