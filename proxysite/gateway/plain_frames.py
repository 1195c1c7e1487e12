"""Frames of a chat stream that differ in their text alone, read and written without parsing them.  Pure.

Servers repeat all of a chunk but the token it brings.  So a chunk that was parsed, and only said something, tells what
stands before and behind the text, and the next one with the same two ends says whatever stands between them.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from routing.dialects.events import Event, Reasoning, Text
from routing.dialects.plain_text import apart

_DELTA = rb'"delta"\s*:\s*\{[^{}\\]*"%s"\s*:\s*"'  # no string before the text can hold what looks like it
_FIELDS: dict[type[Event], tuple[bytes, ...]] = {Text: (b"content",), Reasoning: (b"reasoning_content", b"reasoning")}
_BEGINNINGS = {kind: [re.compile(_DELTA % name) for name in names] for kind, names in _FIELDS.items()}
_FIRST_TEXT = re.compile(_DELTA.replace(b"%s", b"content") + rb'(?=[^"\\]+"[^\r\n]*\n\n)')
_LESSONS = 3  # frames of which none is like the one before: then each is like no other
_MISSES = 4  # frames after which what was learned is old: some servers tell the time in each


@dataclass(frozen=True, slots=True)
class FirstText:
    """The first frame of an answer's text, from `start` to `end`."""

    start: int
    end: int
    text: str


class PlainFrames:
    """`learn` from a frame and what it said, `read` the next ones, and `written` to say something else instead."""

    __slots__ = ("_after", "_before", "_between", "_kind", "_least", "_lessons", "_misses")

    def __init__(self) -> None:
        self._before = self._after = self._between = b""
        self._least = self._misses = 0
        self._kind: Any = None
        self._lessons = _LESSONS

    @property
    def is_learning(self) -> bool:
        return self._lessons > 0 and (self._kind is None or self._misses >= _MISSES)

    def forget(self) -> None:
        self._lessons -= 1
        self._kind = None

    def learn(self, frame: bytes, found: list[Event]) -> None:
        """From a frame behind which nothing of what was known holds."""
        if len(found) != 1 or type(found[0]) not in _BEGINNINGS or not _is_simple(frame):
            return
        text = _spelled(found[0])
        for beginning in _BEGINNINGS[type(found[0])]:
            match = beginning.search(frame)
            if match and frame.startswith(text + b'"', match.end()):
                self._knows(type(found[0]), frame[: match.end()], frame[match.end() + len(text) :])
                return

    def _knows(self, kind: type[Event], before: bytes, after: bytes) -> None:
        self._before, self._after = before, after
        self._between = after + before
        self._least = len(self._between)
        self._kind = kind
        self._misses = 0

    def first_text(self, data: bytes) -> FirstText | None:
        """The first frame with a text as its content, from which it learns; None if there is none that is plain."""
        match = _FIRST_TEXT.search(data)
        if match is None:
            return None
        before = data.rfind(b"\n\n", 0, match.start())
        start, quote = before + 2 if before >= 0 else 0, data.index(b'"', match.end())
        end = data.index(b"\n\n", quote) + 2
        if not _is_simple(data[start:end]):
            return None
        text = data[match.end() : quote]
        self._knows(Text, data[start : match.end()], data[quote:end])
        return FirstText(start, end, text.decode(errors="replace"))

    def texts(self, data: bytes) -> bytes | None:
        """The text of one frame or several as JSON spells it, with its closing quote; None if they say more.

        Of several frames only the first and the last are looked at: between the texts of others stand line breaks.
        """
        size = len(data)
        if (
            self._kind is None
            or size < self._least
            or not (data.startswith(self._before) and data.endswith(self._after))
        ):
            self._misses += 1
            return None
        if self._misses or self._lessons != _LESSONS:
            self._misses, self._lessons = 0, _LESSONS
        texts = data[len(self._before) : 1 - len(self._after)]
        return texts if size < 2 * self._least else self._joined(texts)

    def run(self, data: bytes, start: int) -> tuple[int, bytes]:
        """Where several such frames end that begin there, and their text as `texts` has it; blank if there are none.

        The first and the last frames that a busy server reads have others around them.
        """
        last = -1 if self._kind is None else data.rfind(self._between, start)
        if last < 0 or not data.startswith(self._before, start):
            return start, b""
        end = data.find(self._after, last + self._least)
        if end < 0:
            return start, b""
        return end + len(self._after), self._joined(data[start + len(self._before) : end + 1])

    def _joined(self, texts: bytes) -> bytes:
        return b"".join(apart(texts, self._between))

    def read(self, frame: bytes) -> Event | None:
        """What the frame says, if it says one text and has nothing else that was not in the frame before."""
        if self._kind is None or not frame.startswith(self._before) or not frame.endswith(self._after):
            return None
        text = frame[len(self._before) - 1 : 1 - len(self._after)]  # with its quotes
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:  # there are several frames
            return None
        return self._kind(said) if said else None

    def frames(self, data: bytes) -> list[bytes]:
        """Those of which `texts` told."""
        texts = data[len(self._before) : -len(self._after)].split(self._between)
        return [b"%b%b%b" % (self._before, text, self._after) for text in texts] if len(texts) > 1 else [data]

    def written(self, events: list[Event]) -> bytes | None:
        """The frame that was read, saying these; None where they are something else than its kind of text."""
        if any(type(event) is not self._kind for event in events):
            return None
        return b"".join(b"%b%b%b" % (self._before, _spelled(event), self._after) for event in events)


def _is_simple(frame: bytes) -> bool:
    """One line of data, with one delta."""
    return frame.startswith(b"data:") and len(frame.splitlines()) == 2 and frame.count(b'"delta"') == 1


def _spelled(event: Any) -> bytes:
    return orjson.dumps(event.text)[1:-1]
