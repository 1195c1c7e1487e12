"""Streams of bare text between two sides of one dialect, for whoever looks into them.

The transforms hear what the frames say, and the frames wait beside them: each leaves as it came, with whatever its
server adds, as soon as all its text may go on.  From the first word on that is not the upstream's (a message, the rest
of another attempt's answer) everything is written anew, in payloads like those that came.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from routing.dialects import Dialect, upstream_errors
from routing.dialects.completions.again import CompletionsAgain
from routing.dialects.completions.reader import CompletionsReader
from routing.dialects.events import End, Event, Failed, Finish, Text, Transform, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.generate.again import GenerateAgain
from routing.dialects.generate.reader import GenerateReader
from routing.dialects.json import loads
from routing.dialects.life import EarlyResponse
from routing.dialects.passing import EchoModel, WholeEvents
from routing.dialects.plain_text import PlainText
from routing.dialects.sse import DONE_FRAME, FRAME_END, KEEP_ALIVE, SseParser, apart, data_frame
from routing.dialects.streaming import begins_a_stream
from routing.dialects.text_reader import TextReader
from routing.dialects.text_writer import TextWriter

_READERS: Mapping[Dialect, Callable[[Exchange], TextReader]] = {
    Dialect.COMPLETIONS: CompletionsReader,
    Dialect.GENERATE: GenerateReader,
}
_WRITERS: Mapping[Dialect, Callable[[Exchange], TextWriter]] = {
    Dialect.COMPLETIONS: CompletionsAgain,
    Dialect.GENERATE: GenerateAgain,
}
_DATA = b"data: "
MOST_WAITING = 2**20  # bytes of frames that say again what the ones before them said


class TextFrames:
    """To be used like a `StreamConverter`, with a `patience` like its.  `size`: bytes that wait, in memory."""

    def __init__(self, exchange: Exchange, transforms: Sequence[Transform] = ()) -> None:
        self.failure: UpstreamError | None = None
        self.patience = 0
        self._writer = _WRITERS[exchange.client](exchange)
        self._earlier: list[str] = []  # warnings of the answers before
        self._spoke = False  # the client has something of the answer
        self._owed = b""  # what it gets before anything else
        self._ended = False
        self._read(exchange, transforms)

    def _read(self, exchange: Exchange, transforms: Sequence[Transform]) -> None:
        self._reader = _READERS[exchange.upstream](exchange)
        self._transforms = transforms
        self._echo = EchoModel(exchange.model) if exchange.renamed else None
        self._events = WholeEvents()
        self._plain = PlainText(b'"choices"')
        self._is_stream: bool | None = None  # not known before the first byte
        self._body: list[bytes] = []
        self._has_ended = False
        self.size = 0  # bytes that wait
        self._raw: list[bytes] = []  # frames behind the last one with a text
        self._waiting = deque[tuple[bytes, str, bool]]()  # frames, their text, and whether they tell of the end
        self._said = ""  # the beginning of the text of those that wait, which may go on
        self._finish: Finish | None = None  # that went on
        self._is_anew = self._spoke

    @property
    def warnings(self) -> list[str]:
        return self._earlier + self._reader.warnings + self._writer.warnings

    def feed(self, chunk: bytes) -> bytes:
        if self._is_stream is None:
            self._is_stream = begins_a_stream(chunk)
        if not self._is_stream:
            self._body.append(chunk)
            return b""
        if self._body:  # blanks before the first frame
            self._body.append(chunk)
            chunk = b"".join(self._body)
            self._body.clear()
        if not (events := self._events.feed(chunk)):
            return b""
        said = None if self._ended else self._plain.whole(events, self.patience)
        if said is None:
            return self._named(b"".join([self._patiently(), *[self._frame(frame) for frame in apart(events)]]))
        if said:
            return self._named(self._beside(events, said))
        self._keep(events)
        return b""

    def say(self, events: list[Event]) -> bytes:
        return self._named(self._told(events))

    def leave(self) -> bytes:
        """What comes next is another answer: all that may go on of this one."""
        owed, self._owed = self._owed, b""
        return owed + self._named(self._partly())

    def go_on(self, exchange: Exchange, transforms: Sequence[Transform] = ()) -> None:
        """Another answer to the same request follows; what the client was told of the one before stays told."""
        self._owed = self.leave()
        if self._spoke:
            self._learn()
        self._earlier += self._reader.warnings
        self._writer.go_on(exchange)
        self._read(exchange, transforms)

    def end_answer(self) -> bytes:
        """The upstream has nothing more to say; saying so again changes nothing."""
        if self._has_ended:
            return b""
        self._has_ended = True
        return self._named(self._last())

    def close(self) -> bytes:
        """Nothing more is to come, from whatever upstream."""
        out = self.end_answer()
        return out if self._ended else out + self.fail(upstream_errors.cut_off())

    def fail(self, error: UpstreamError) -> bytes:
        """The answer cannot go on.  Nothing, if it is complete already."""
        return self._named(self._told([Failed(error)]))

    def follow(self, early: EarlyResponse) -> None:
        """Nobody is told the beginning of such an answer early."""

    def ping(self) -> bytes:
        return KEEP_ALIVE

    def _last(self) -> bytes:
        out = b""
        if self._is_stream:
            left = self._events.close()  # a last event may lack its blank line
            out = self._patiently() + (self._frame(left, FRAME_END) if left else b"")
        elif self._body:
            out = self._whole(b"".join(self._body))
        out += self._beside(b"", self._reader.close())
        for position, transform in enumerate(self._transforms):
            out += self._passed(transform.close(), position + 1)
        return out

    def _whole(self, data: bytes) -> bytes:
        """An answer that is one document although a stream was asked for: that is one long frame."""
        try:
            body = loads(data)
        except ValueError:
            return self._told([Failed(upstream_errors.of_text(data))])
        if not isinstance(body, dict):
            return self._told([Failed(upstream_errors.of_body(body))])
        return self._frame(data_frame(body)) + self._frame(DONE_FRAME)

    def _frame(self, raw: bytes, missing: bytes = b"") -> bytes:
        if self._ended:
            return b"" if self._is_anew else raw
        found = self._plain.whole(raw)
        if not found:
            found = self._heard(raw + missing)
            if self._plain.is_hopeful and self._reader.finish is None:
                self._plain.learn(raw, found)
        return self._beside(raw, found)

    def _heard(self, frame: bytes) -> list[Event]:
        if frame.startswith(_DATA) and frame.find(b"\n") == len(frame) - len(FRAME_END):
            return self._reader.feed((b"", frame[len(_DATA) : -len(FRAME_END)]))
        return [event for found in SseParser().feed(frame) for event in self._reader.feed(found)]

    def _beside(self, raw: bytes, found: list[Event]) -> bytes:
        """What the frame says goes through the transforms, and the frame waits for that."""
        self._keep(raw)
        if self._is_anew:
            return self._passed(found)
        if text := "".join([event.text for event in found if type(event) is Text]):
            self._waiting.append((self._taken(), text, self._reader.finish is not None))
            if self.size > MOST_WAITING and not self._reader.in_pieces:
                self._shorten()
        elif not self._waiting and self._reader.finish is None and (self._spoke or self._reader.is_mute):
            self.size = 0
            return self._taken() + self._passed(found)
        return self._passed(found)

    def _keep(self, raw: bytes) -> None:
        if not self._is_anew:
            self._raw.append(raw)
            self.size += len(raw)

    def _patiently(self) -> bytes:
        """What was not read yet, for it had so little text."""
        frames = self._plain.waiting()
        return self._beside(b"", [event for frame in apart(frames) for event in self._heard(frame)]) if frames else b""

    def _taken(self) -> bytes:
        raw = b"".join(self._raw)
        self._raw.clear()
        return raw

    def _shorten(self) -> None:
        """Where every frame repeats the ones before, the last of those that wait tells all: they would soon be more
        than the memory holds."""
        texts = [text for _, text, _ in self._waiting]
        raw, _, ends = self._waiting[-1]
        self._waiting = deque([(raw, "".join(texts), ends)])
        self.size = len(raw)

    def _passed(self, new: list[Event], first: int = 0) -> bytes:
        for transform in self._transforms[first:]:
            if not new:
                break
            new = [passed for event in new for passed in transform.feed(event)]
        return self._told(new)

    def _told(self, events: list[Event]) -> bytes:
        return b"".join([self._written(event) for event in events])

    def _written(self, event: Event) -> bytes:
        if self._ended:
            return b""
        if type(event) is Text:
            return self._anew([event]) if self._is_anew else self._text(event.text)
        if type(event) is Finish:
            self._finish = event
        elif type(event) is Failed:
            self.failure = event.error
        if not isinstance(event, End | Failed):
            return self._writer.feed([event])
        self._ended = True
        if type(event) is End and not self._is_anew and self._finish is self._reader.finish:
            return self._rest()
        return self._partly() + self._anew([event])

    def _text(self, text: str) -> bytes:
        """As long as it is the upstream's own, it leaves in the upstream's frames; one that is not whole yet waits."""
        self._said += text
        out, at = list[bytes](), 0
        while self._waiting:
            frame, said, ends = self._waiting[0]
            if ends or not self._said.startswith(said, at):
                break
            at += len(said)
            self.size -= len(frame)
            out.append(frame)
            self._writer.passed(said)
            self._waiting.popleft()
        if at:
            self._said, self._spoke = self._said[at:], True
        if not self._said or (self._waiting and self._waiting[0][1].startswith(self._said)):
            return b"".join(out)
        return b"".join(out) + self._partly()

    def _partly(self) -> bytes:
        """What waits for the rest of its frames, written anew, as everything is that follows."""
        said, self._said = self._said, ""
        return self._anew([Text(said)] if said else [])

    def _anew(self, events: list[Event]) -> bytes:
        if not events:
            return b""
        self._is_anew = self._spoke = True
        self._learn()
        return self._writer.feed(events)

    def _learn(self) -> None:
        """How the answer is written, from what of it the client has first."""
        if not self._writer.payload:
            self._writer.payload, self._writer.in_pieces = self._reader.payload, self._reader.in_pieces

    def _rest(self) -> bytes:
        """The end of a good answer: all that waits, and the frames behind it."""
        rest = b"".join([frame for frame, _, _ in self._waiting]) + self._taken()
        self._waiting.clear()
        return rest

    def _named(self, out: bytes) -> bytes:
        """With the client's name for the model, and behind what is owed."""
        if out and self._echo:
            out = self._echo.feed(out)
        if out and self._owed:
            out, self._owed = self._owed + out, b""
        return out
