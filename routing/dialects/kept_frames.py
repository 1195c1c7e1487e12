"""Streams of conversations between two sides of one dialect, for whoever looks into them.

    frames ──► reader ──► transforms ──► the same events again?  ──► the frames leave as they came
       │                                            │ no: from here on the writer writes what is said
       └──────────────► wait beside ────────────────┘

So a good answer keeps whatever its server adds, which no event tells of.  A frame leaves when all that it says may go
on; one that says nothing follows the one before it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from routing.dialects import Dialect, upstream_errors
from routing.dialects.chat.client_calls import ChatFrames
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Refusal,
    Text,
    ToolArguments,
    Transform,
    UpstreamError,
)
from routing.dialects.exchange import Exchange
from routing.dialects.messages.frames import MessagesFrames
from routing.dialects.passing import EchoModel, WholeEvents, is_readable
from routing.dialects.sse import FRAME_END, apart, end_of_first
from routing.dialects.streaming import StreamConverter

_TEXTS = frozenset({Text, Reasoning, Refusal, ToolArguments})  # which transforms may cut, and put together
_MENDED = Event()  # like no other: what the frame says is written by the writer


class OwnFrames(Protocol):
    """What is known of the frames that one dialect's servers write.

    `place`: what a writer must know of the frames up to the newest, to write the rest of their answer.
    """

    @property
    def place(self) -> Any: ...

    def is_tidy(self, frame: bytes, found: list[Event], finish: Finish | None) -> bool:
        """Whether clients understand the frame as it came."""


KEPT: Mapping[Dialect, Callable[[], OwnFrames]] = {Dialect.CHAT: ChatFrames, Dialect.MESSAGES: MessagesFrames}


class _Kept:
    """Frames that leave together; what they say and still has to come out of the transforms, and what has."""

    __slots__ = ("ends", "place", "raw", "said", "waits_for")

    def __init__(self, raw: bytes, waits_for: list[Event], ends: bool, place: Any) -> None:
        self.raw = raw
        self.place = place
        self.waits_for = waits_for
        self.said: list[Event] = []
        self.ends = ends  # it tells why the answer ends, or comes behind that: only the whole answer may have an end


class KeptFrames(StreamConverter):
    """A `StreamConverter` from a dialect to itself."""

    _has_begun = False  # the client has something of the answer

    def _read(self, exchange: Exchange, transforms: Sequence[Transform]) -> None:
        super()._read(exchange, transforms)
        self._echo = EchoModel(exchange.model) if exchange.renamed else None
        self._own = KEPT[exchange.client]()
        self._place: Any = None  # behind the frames that left
        self._events = WholeEvents()
        self._unread: list[bytes] = []  # frames with so little text that it waits for more
        self._waiting = deque[_Kept]()
        self._expected = deque[_Kept]()  # those of them that wait for something
        self._at = 0  # characters of the first expected text that came out of the transforms
        self._is_over = False
        self._is_anew = self._has_begun or exchange.upstream is not exchange.client

    @property
    def warnings(self) -> list[str]:
        """Frames that are kept lose nothing."""
        return super().warnings if self._is_anew else [*self._earlier]

    def feed(self, chunk: bytes) -> bytes:
        if self._is_anew:
            return super().feed(self._events.close() + chunk)
        if not self._is_stream:
            blank = b"".join(self._body) if self._is_stream is None else b""
            if not self._looks_like_a_stream(chunk):
                return b""
            chunk = blank + chunk
        events = self._events.feed(chunk)
        return self._beside(events) if events else b""

    def say(self, events: list[Event]) -> bytes:
        """Events of this answer let their frames leave; with the first that is none of its everything is new."""
        if self._is_anew:
            return super().say(events)
        for position, event in enumerate(events):
            if (other := self._unlike(event)) is not None:
                return self._left() + self._partly() + super().say([other, *events[position + 1 :]])
        return self._left()

    def leave(self) -> bytes:
        """What comes next is another answer: all that may go on of this one."""
        return b"" if self._is_anew else self._partly()

    def end_answer(self) -> bytes:
        if not (self._is_anew or self._is_stream):
            self._is_anew = True  # one document, or nothing
        left = self._events.close()
        if self._has_ended or self._is_anew:
            return (super().feed(left) if left else b"") + super().end_answer()
        self._has_ended = True
        out = self._patiently() + (self._last(left) if left else b"")
        out += self._frame(b"", self._reader.close())
        for position, transform in enumerate(self._transforms):
            out += self._written(transform.close(), position + 1)
        return out

    def close(self) -> bytes:
        out = self.end_answer()
        return out if self._writer.has_ended else out + self.fail(upstream_errors.cut_off())

    def fail(self, error: UpstreamError) -> bytes:
        said = b"" if self._is_anew else self._patiently()
        if self._is_anew:
            return said + super().fail(error)
        return said + self._partly() + self._writer.feed([Failed(error)])

    # The frames

    def _last(self, frame: bytes) -> bytes:
        """It may lack its blank line; half of one never reaches the client."""
        return self._frame(frame if is_readable(frame) else b"", self._heard(frame + FRAME_END))

    def _beside(self, events: bytes) -> bytes:
        said = self._plain.whole(events, self.patience)
        if said is None:
            return self._patiently() + b"".join(self._one_by_one(events))
        if said:
            return self._keep(events, said)
        self._unread.append(events)
        return b""

    def _one_by_one(self, events: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(events):
            if run := self._plain.read(events, start):
                found, end = run
                yield self._keep(events[start:end], found)
            else:
                end = end_of_first(events, start)
                frame = events[start:end]
                found = self._heard(frame)
                self._plain.learn(frame, found)
                yield self._frame(frame, found)
            start = end

    def _patiently(self) -> bytes:
        """What was not read yet, for it had so little text."""
        frames = self._plain.waiting()
        return self._keep(b"", [event for raw in apart(frames) for event in self._heard(raw)]) if frames else b""

    def _frame(self, frame: bytes, found: list[Event]) -> bytes:
        """An error is told in the form that clients expect."""
        failed = bool(found) and type(found[-1]) is Failed
        is_own = not failed and self._own.is_tidy(frame, found, self._reader.finish)
        return self._keep(frame, found, mended=not is_own)

    def _keep(self, raw: bytes, found: list[Event], *, mended: bool = False) -> bytes:
        """The frames wait until what they say has gone through the transforms."""
        if self._is_anew:
            return self._written(found)
        if self._unread:
            raw = b"".join([*self._unread, raw])
            self._unread.clear()
        waits_for = [_MENDED, *found] if mended else found[:]
        finish = self._reader.finish
        ends = finish is not None and finish.reason is not FinishReason.UNKNOWN
        kept = _Kept(raw, waits_for, ends, self._own.place)
        self._waiting.append(kept)
        if waits_for:
            self._expected.append(kept)
        return self._written(found) if found else self._left()

    # What the transforms let go on

    def _unlike(self, event: Event) -> Event | None:
        """What of it is not the next that the frames say; None: it is."""
        if type(event) in _TEXTS:
            return self._unlike_text(event)
        said = self._next()
        if said is not event and said != event:
            return event
        self._has_said()
        self._is_over = type(event) is End
        return None

    def _unlike_text(self, event: Any) -> Event | None:
        text, start = event.text, 0
        while start < len(text):
            said: Any = self._next()
            if type(said) is not type(event) or getattr(said, "key", 0) != getattr(event, "key", 0):
                return _from(event, start)
            if len(said.text) - self._at > len(text) - start:
                if not said.text.startswith(text[start:], self._at):
                    return _from(event, start)
                self._at += len(text) - start
                return None
            rest = said.text[self._at :]
            if not text.startswith(rest, start):
                return _from(event, start)
            start += len(rest)
            self._has_said()
        return None

    def _next(self) -> Event | None:
        return self._expected[0].waits_for[0] if self._expected else None

    def _has_said(self) -> None:
        kept = self._expected[0]
        kept.said.append(kept.waits_for.pop(0))
        self._at = 0
        self._has_begun = True
        if not kept.waits_for:
            self._expected.popleft()

    def _left(self) -> bytes:
        """The frames that may leave.  What they say is the writer's next to go on from."""
        out, said = list[bytes](), list[Event]()
        while self._has_begun and self._waiting:
            kept = self._waiting[0]
            if kept.waits_for or (kept.ends and not self._is_over):
                break
            out.append(kept.raw)
            self._place = kept.place
            said += kept.said
            self._waiting.popleft()
        if said:
            self._writer.left(said)
        frames = b"".join(out)
        return self._echo.feed(frames) if self._echo else frames

    def _partly(self) -> bytes:
        """What waited for the rest of its frames, written anew, as everything is that follows."""
        said = [event for kept in self._waiting for event in kept.said]
        if self._at:
            first: Any = self._next()
            said.append(_from(first, 0, self._at))
        self._is_anew = True
        self._waiting.clear()
        self._expected.clear()
        self._unread.clear()
        if self._place is not None:
            self._writer.stand(self._place)
        return self._writer.feed(said)


def _from(event: Any, start: int, end: int | None = None) -> Event:
    """A stretch of the text.  Its logprobs are those of tokens that are not there any more."""
    if start == 0 and end is None:
        return event  # type: ignore[no-any-return]
    text = event.text[start:end]
    return ToolArguments(event.key, text) if type(event) is ToolArguments else type(event)(text)
