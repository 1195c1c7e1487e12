"""The first events of a stream, up to the first that holds something of the answer.  Pure.

As long as only greetings have come (a role, an id, a ping) nothing need be released to the client, and an upstream that
fails behind them can be asked once more, or another one.  An upstream that answers 200 and then an error in its first
event is found out here.
"""

import re
from enum import Enum, auto
from typing import Any

import orjson

from routing.dialects import Dialect
from routing.dialects.error_words import STATUS_OF_WORD
from routing.dialects.events import member
from routing.dialects.passing import WholeEvents

_DATA = re.compile(rb"(?:^|[\r\n])data:([^\r\n]*)")
_SAYS = re.compile(rb'"(?:content|reasoning_content|reasoning)"\s*:\s*"[^"]')
_MOST_HELD = 65536  # bytes; a greeting is short, whatever is longer is an answer


class Found(Enum):
    GREETING = auto()  # nothing of the answer yet
    CONTENT = auto()
    ERROR = auto()


class Opening:
    """Fed with a stream's bytes until it has found something; `held` is all that came, `error` what was found."""

    __slots__ = ("_dialect", "_events", "_size", "error", "held")

    def __init__(self, dialect: Dialect | None) -> None:
        """`dialect` None: nobody knows what the bytes mean, so the first are content."""
        self._dialect = dialect
        self._events = WholeEvents()
        self.held: list[bytes] = []
        self._size = 0
        self.error: dict[str, Any] = {}

    @property
    def error_status(self) -> int:
        """The status that the error would have had as an answer of its own."""
        detail = self.error.get("error")
        fields = detail if isinstance(detail, dict) else self.error
        for name in ("code", "status", "status_code"):
            status = fields.get(name)
            if isinstance(status, int) and 400 <= status <= 599:
                return status
        names = (str(fields.get(name)) for name in ("type", "code"))
        return next((STATUS_OF_WORD[name] for name in names if name in STATUS_OF_WORD), 502)

    def feed(self, chunk: bytes) -> Found:
        self.held.append(chunk)
        self._size += len(chunk)
        if self._dialect is None or self._size > _MOST_HELD or not _begins_a_stream(self.held[0]):
            return Found.CONTENT
        return self._first(self._events.feed(chunk))

    def close(self) -> Found:
        """The stream has ended: its last event may lack its end."""
        return self._first(self._events.close())

    def of_last(self, events: bytes) -> "Opening":
        """What has found something in the last of these whole events alone."""
        last = Opening(self._dialect)
        last.feed(events.rstrip().rpartition(b"\n\n")[2] + b"\n\n")
        return last

    def _first(self, events: bytes) -> Found:
        for data in _DATA.finditer(events):
            if (found := self._looked_at(data[1].strip())) is not Found.GREETING:
                return found
        return Found.GREETING

    def _looked_at(self, data: bytes) -> Found:
        if self._dialect is Dialect.CHAT and _SAYS.search(data) and b'"error"' not in data:
            return Found.CONTENT  # seen without parsing it
        try:
            payload = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Found.CONTENT  # [DONE], or something that is not ours to judge
        if not isinstance(payload, dict):
            return Found.CONTENT
        if error := _error(payload):
            self.error = error
            return Found.ERROR
        return Found.GREETING if is_greeting(payload) else Found.CONTENT


def _begins_a_stream(data: bytes) -> bool:
    """By the first byte that is none of space and byte order mark: a field's name or a comment's colon."""
    return data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in b":deir"


def _error(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The body that the error would have had as an answer of its own, if this is one."""
    if payload.get("type") == "response.failed":
        response = payload.get("response")
        error = response.get("error") if isinstance(response, dict) else None
        return {"error": error or {"message": "The response failed."}}
    if payload.get("error"):
        return payload
    if payload.get("type") == "error" or payload.get("object") == "error":
        return {"error": {name: value for name, value in payload.items() if name not in ("type", "object")}}
    return None


# Not sets: what an upstream writes in the place of a word may be a list.
_GREETINGS = ("message_start", "ping", "response.created", "response.in_progress", "response.queued")
_FRAMES = ("content_block_start", "response.output_item.added", "response.content_part.added")
_EMPTY_FRAMES = ("text", "thinking", "message", "reasoning", "output_text", "reasoning_text")


def is_greeting(payload: dict[str, Any]) -> bool:
    """Whether an event that is no error holds nothing of the answer."""
    kind = payload.get("type")
    if kind in _GREETINGS:
        return True
    if kind in _FRAMES:
        frame = payload.get("content_block") or payload.get("item") or payload.get("part")
        return isinstance(frame, dict) and frame.get("type") in _EMPTY_FRAMES
    choices = payload.get("choices")
    if isinstance(choices, list):
        return all(isinstance(choice, dict) and _says_nothing(choice) for choice in choices) and not payload.get(
            "usage"
        )
    return payload.get("text") == "" and not member(payload, "meta_info").get("finish_reason")


def _says_nothing(choice: dict[str, Any]) -> bool:
    """A chunk that only tells the role, or nothing at all."""
    delta = choice.get("delta")
    said = [value for name, value in delta.items() if name != "role"] if isinstance(delta, dict) else []
    return not any((choice.get("finish_reason"), choice.get("text"), *said))
