"""What is read off, or done to, an answer that passes through in the dialect it came in.

`Tap` remembers the beginning and the end of the bytes, at a cost that does not grow with their number; `summary()`
reads finish reason and usage from them when the answer is over.  `WholeEvents` lets only complete events through, so
that a stream which breaks off can still be ended with a proper error.  `EchoModel` puts the client's name for the model
back where the upstream wrote its own.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import orjson

from routing.dialects import Dialect
from routing.dialects.json import object_of
from routing.dialects.sse import DONE, SseParser
from routing.errors import AnswerTooLarge

HEAD = 2048
TAIL = 4096


class Tap:
    """The first `keep` bytes and at least the last 4 KiB of what was fed."""

    __slots__ = ("_head", "_head_room", "_tail", "_tail_size", "size")

    def __init__(self, keep: int = HEAD) -> None:
        self.size = 0
        self._head: list[bytes] = []
        self._head_room = keep
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def feed(self, chunk: bytes) -> None:
        length = len(chunk)
        self.size += length
        if self._head_room > 0:
            self._head.append(chunk if length <= self._head_room else chunk[: self._head_room])
            self._head_room -= length
        self._tail.append(chunk)
        self._tail_size += length
        while self._tail_size - len(self._tail[0]) >= TAIL:
            self._tail_size -= len(self._tail.popleft())

    @property
    def head(self) -> bytes:
        return b"".join(self._head)

    @property
    def tail(self) -> bytes:
        return b"".join(self._tail)

    def summary(self) -> "Summary":
        """Finish reason and usage, as far as the beginning and the end of the answer tell."""
        return summary(self.head if self.size > self._tail_size else b"", self.tail)

    def excerpt(self) -> bytes:
        """Everything if it was kept, else the head and the tail with a note of what is missing between them."""
        head, tail = self.head, self.tail
        if len(head) >= self.size:
            return head
        missing = self.size - len(head) - len(tail)
        if missing <= 0:
            return head + tail[len(tail) - (self.size - len(head)) :]
        return head + b"\n[... %d bytes ...]\n" % missing + tail


class WholeEvents:
    """Bytes of a server-sent event stream in, the same bytes out, cut only behind the end of an event.

    `largest`: bytes of an event that has no end yet; `feed` raises AnswerTooLarge behind them.
    """

    __slots__ = ("_held", "_largest", "_seam", "_size")

    def __init__(self, largest: int | None = None) -> None:
        self._largest = largest
        self._held: list[bytes] = []
        self._size = 0  # of what is held
        self._seam = b""  # the last three bytes of what is held: a blank line may be split between chunks

    def feed(self, chunk: bytes) -> bytes:
        if not self._held and chunk.endswith(b"\n\n"):
            return chunk
        end = _end_of_last_event(self._seam + chunk) - len(self._seam)
        if end <= 0:
            self._hold(chunk)
            return b""
        self._held.append(chunk[:end])
        whole = self._released()
        if end < len(chunk):
            self._hold(chunk[end:])
        return whole

    def _hold(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._size += len(chunk)
        if self._largest is not None and self._size > self._largest:
            self._held.clear()
            raise AnswerTooLarge(self._largest)
        self._seam = chunk[-3:] if len(chunk) >= 3 else (self._seam + chunk)[-3:]

    def close(self) -> bytes:
        """What is left when the stream has ended as it should: a last event may lack its blank line."""
        return self._released()

    def _released(self) -> bytes:
        held = b"".join(self._held)
        self._held, self._seam, self._size = [], b"", 0
        return held


def _end_of_last_event(data: bytes) -> int:
    """Index behind the last blank line, 0 if there is none."""
    ends = (data.rfind(mark) + len(mark) for mark in (b"\n\n", b"\n\r\n", b"\r\r") if mark in data)
    return max(ends, default=0)


def is_readable(frame: bytes) -> bool:
    """Whether the bytes at the end of a stream are a whole frame, but for its blank line."""
    return any(data.strip() == DONE or object_of(data) is not None for _, data in SseParser().feed(frame + b"\n\n"))


class EchoModel:
    """Whole events (or one whole JSON answer) in, the same with the model called as the client called it."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def feed(self, events: bytes) -> bytes:
        if b'"model"' not in events:
            return events
        return b"".join(self._line(line) for line in events.splitlines(keepends=True))

    def whole(self, body: bytes) -> bytes:
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        return orjson.dumps(answer) if self._renamed(answer) else body

    def _line(self, line: bytes) -> bytes:
        if not line.startswith(b"data:") or b'"model"' not in line:
            return line
        ending = line[len(line.rstrip(b"\r\n")) :]
        try:
            payload = orjson.loads(line[5:])
        except orjson.JSONDecodeError:
            return line
        return b"data: " + orjson.dumps(payload) + ending if self._renamed(payload) else line

    def _renamed(self, payload: Any) -> bool:
        """Sets the name where a dialect has it: at the top, in `message` (messages) or in `response` (responses)."""
        if not isinstance(payload, dict):
            return False
        renamed = False
        for place in (payload, payload.get("message"), payload.get("response")):
            if isinstance(place, dict) and isinstance(place.get("model"), str):
                place["model"] = self._name
                renamed = True
        return renamed


@dataclass(frozen=True, slots=True)
class Summary:
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


NOTHING = Summary()

_STRING = re.compile(rb'"\s*:\s*(?:"([^"]{1,50})"|\{\s*"type"\s*:\s*"([^"]{1,50})")')
_COUNT = re.compile(rb'"\s*:\s*(\d{1,10})\b')
_RESPONSE_END = re.compile(rb'"type"\s*:\s*"response\.(completed|failed|incomplete)"')

_DONE = re.compile(rb"(?:^|[\r\n])data:\s*\[DONE\]")
_MESSAGE_STOP = re.compile(rb'"type"\s*:\s*"message_stop"')
# An error that is said, as a key with a value or as an event's type; `"error": null` is in every `responses` object.
_ERROR = re.compile(rb'"error"\s*:\s*[{"]|"type"\s*:\s*"error"')

_FINISH_KEYS = (b'"finish_reason', b'"stop_reason')
_PROMPT_KEYS = (b'"prompt_tokens', b'"input_tokens')
_COMPLETION_KEYS = (b'"completion_tokens', b'"output_tokens')
_CACHED_KEYS = (b'"cached_tokens', b'"cache_read_input_tokens', b'"prompt_cache_hit_tokens')


def summary(head: bytes, tail: bytes) -> Summary:
    """Finish reason and usage, as far as the beginning and the end of an answer tell.

    The keys cannot be confused with a model's words: inside a JSON string their quotes would be escaped.
    """
    finish = _last(_FINISH_KEYS, _STRING, tail, head)
    if not finish and (ended := _RESPONSE_END.search(tail)):
        finish = ended[1]
    return Summary(
        finish_reason=finish.decode(errors="replace") if finish else "",
        prompt_tokens=_number(_PROMPT_KEYS, tail, head),
        completion_tokens=_number(_COMPLETION_KEYS, tail, head),
        cached_tokens=_number(_CACHED_KEYS, tail, head),
    )


def has_finished(dialect: Dialect, tail: bytes) -> bool:
    """Whether the end of a stream says that the answer is complete (or that it failed): else it was cut off.

    `tail` must hold the last event whole: the end of `responses` is one event that repeats the entire answer.
    """
    if dialect is Dialect.MESSAGES:
        said = _MESSAGE_STOP.search(tail, max(0, len(tail) - 256)) is not None
    elif dialect is Dialect.RESPONSES:
        said = _RESPONSE_END.search(tail) is not None
    else:
        said = _DONE.search(tail, max(0, len(tail) - 32)) is not None or _last(_FINISH_KEYS, _STRING, tail) is not None
    return said or _ERROR.search(tail) is not None


def next_number(tail: bytes) -> int:
    """The number that the next event of a responses stream has."""
    last = _number((b'"sequence_number',), tail)
    return 0 if last is None else last + 1


def _last(keys: tuple[bytes, ...], value: re.Pattern[bytes], *places: bytes) -> bytes | None:
    """The last value of one of the keys, searched from the end: a null before it does not count."""
    for place in places:
        for key in keys:
            at = place.rfind(key)
            while at >= 0:
                if match := value.match(place, at + len(key)):
                    return match[1] or match[match.lastindex or 1]
                at = place.rfind(key, 0, at)
    return None


def _number(keys: tuple[bytes, ...], *places: bytes) -> int | None:
    found = _last(keys, _COUNT, *places)
    return None if found is None else int(found)
