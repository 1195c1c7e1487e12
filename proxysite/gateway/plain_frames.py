"""Frames of a chat stream that differ in their text alone, read and written without parsing them.  Pure.

Servers repeat all of a chunk but the token it brings.  So a chunk that was parsed, and only said something, tells what
stands before and behind the text, and the next one with the same two ends says whatever stands between them.
"""

import re
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import orjson

from routing.dialects.events import Event, Reasoning, Text
from routing.dialects.json import loads

_DELTA = rb'"delta"\s*:\s*\{[^{}\\]*"%s"\s*:\s*"'  # no string before the text can hold what looks like it
_FIELDS: dict[type[Event], tuple[bytes, ...]] = {Text: (b"content",), Reasoning: (b"reasoning_content", b"reasoning")}
_BEGINNINGS = {kind: [re.compile(_DELTA % name) for name in names] for kind, names in _FIELDS.items()}
_FIRST_TEXT = re.compile(_DELTA.replace(b"%s", b"content") + rb'(?=[^"\\]+"[^\r\n]*\n\n)')
_LESSONS = 3  # frames of which none is like the one before: then each is like no other
_NOTHING = b"\n"  # no frame begins, or ends, so
_SHORT = 12  # bytes, which Python finds much faster than many
_MISSES = 8  # frames after which what was learned is old: some servers tell the time in each


@dataclass(frozen=True, slots=True)
class FirstText:
    """The first frame of an answer's text, from `start` to `end`."""

    start: int
    end: int
    text: str


class PlainFrames:
    """`learn` from a frame and what it said, `read` the next ones, and `written` to say something else instead."""

    __slots__ = (
        "_after",
        "_before",
        "_between",
        "_border",
        "_from",
        "_least",
        "_lessons",
        "_misses",
        "_to",
        "_without_frame",
        "kind",
    )

    def __init__(self) -> None:
        self._before = self._after = self._between = self._border = _NOTHING
        self._least = self._misses = self._from = self._to = 0
        self.kind: Any = None  # of what the frames say: Text or Reasoning
        self._without_frame: Any = None
        self._lessons = _LESSONS

    @property
    def is_learning(self) -> bool:
        return self._lessons > 0 and (self.kind is None or self._misses >= _MISSES)

    def forget(self) -> None:
        self._lessons -= 1
        self.kind = None
        self._before = _NOTHING
        self._least = 0

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
        self._from, self._to = len(before), -len(after)
        self._border = self._between[-_SHORT:]
        self._without_frame = methodcaller("removesuffix", self._between[:-_SHORT])
        self.kind = kind
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

    def run(self, data: bytes, start: int) -> tuple[int, bytes]:
        """Where the frames end that are alike from there on, up to the last of them; and their texts, joined, as JSON
        spells them.  None of them: `start`, and blank."""
        if data.startswith(self._before, start):
            end = len(data) if data.endswith(self._after) else self._end(data, start)
            texts = self._joined(data[start + self._from : end + self._to]) if end - start >= self._least else None
            if texts is not None and b"\n" not in texts:
                self._misses, self._lessons = 0, _LESSONS
                return end, texts
        self._misses += 1
        return start, b""

    def _end(self, data: bytes, start: int) -> int:
        last = data.rfind(self._between, start)
        end = data.find(self._after, start if last < 0 else last + len(self._after))
        return start if end < 0 else end + len(self._after)

    def _joined(self, texts: bytes) -> bytes | None:
        """The texts without what stands between them; None if there is anything else."""
        *pieces, last = texts.split(self._border)
        joined = b"".join(map(self._without_frame, pieces)) + last
        return joined if len(texts) == len(joined) + len(pieces) * self._least else None

    def last(self, data: bytes) -> tuple[int, int]:
        """The sizes of the last frame, which is like the others, and of its text."""
        size = len(data) - data.rfind(self._before)
        return size, size - self._least

    def only_text(self, frame: bytes) -> bytes:
        """The text of one frame that says nothing else, as JSON spells it; blank for others, and for several."""
        size = len(frame)
        if (
            self._least < size < 2 * self._least
            and frame.startswith(self._before)
            and frame.endswith(self._after)
            and b"\n" not in (text := frame[self._from : self._to])
        ):
            self._misses, self._lessons = 0, _LESSONS
            return text
        return b""

    def read(self, frame: bytes) -> Event | None:
        """What the frame says, if it says one text and has nothing else that was not in the frame before."""
        if not frame.startswith(self._before) or not frame.endswith(self._after):
            return None
        text = frame[len(self._before) - 1 : 1 - len(self._after)]  # with its quotes
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:  # there are several frames
            return None
        return self.kind(said) if said else None

    def written(self, events: list[Event]) -> bytes | None:
        """The frame that was read, saying these; None where they are something else than its kind of text."""
        if any(type(event) is not self.kind for event in events):
            return None
        return b"".join(b"%b%b%b" % (self._before, _spelled(event), self._after) for event in events)


def as_text(spelled: bytes | bytearray) -> str:
    """What a string says that JSON spells so."""
    try:
        return str(loads(b'"' + spelled + b'"'))
    except ValueError:
        return spelled.decode(errors="replace")


def _is_simple(frame: bytes) -> bool:
    """One line of data, with one delta."""
    return frame.startswith(b"data:") and len(frame.splitlines()) == 2 and frame.count(b'"delta"') == 1


def _spelled(event: Any) -> bytes:
    return orjson.dumps(event.text)[1:-1]
