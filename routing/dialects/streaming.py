"""A streamed answer: the bytes of the upstream's stream to the bytes of the client's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from routing.dialects import Dialect, upstream_errors
from routing.dialects.chat import writer as chat_writer
from routing.dialects.chat.reader import ChatReader
from routing.dialects.completions import writer as completions_writer
from routing.dialects.completions.reader import CompletionsReader
from routing.dialects.events import Event, Failed, Finish, Transform, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.generate.reader import OTHER_ANSWERS, GenerateReader
from routing.dialects.json import loads
from routing.dialects.life import EarlyResponse
from routing.dialects.messages import writer as messages_writer
from routing.dialects.messages.reader import MessagesReader
from routing.dialects.plain_text import PlainText
from routing.dialects.responses import writer as responses_writer
from routing.dialects.responses.reader import ResponsesReader
from routing.dialects.sse import FRAME_END, KEEP_ALIVE, Frame, SseParser


class Reader(Protocol):
    """An upstream's answer to events: frame by frame, or the whole body at once."""

    warnings: list[str]

    @property
    def finish(self) -> Finish | None: ...  # what has been said of it, of which the event comes with the end

    def feed(self, frame: Frame) -> list[Event]: ...

    def whole(self, body: dict[str, Any]) -> list[Event]: ...

    def close(self) -> list[Event]: ...


class Writer(Protocol):
    """Events to the bytes of a stream."""

    warnings: list[str]

    @property
    def has_ended(self) -> bool: ...

    def feed(self, new: list[Event]) -> bytes: ...

    def close(self) -> bytes: ...

    def left(self, new: list[Event]) -> None: ...  # the client has these from elsewhere

    def stand(self, place: Any) -> None: ...  # the client has frames of somebody else's up to there

    def go_on(self, exchange: Exchange) -> None: ...  # with another upstream's answer to the same request


READERS: Mapping[Dialect, Callable[[Exchange], Reader]] = {
    Dialect.CHAT: ChatReader,
    Dialect.COMPLETIONS: CompletionsReader,
    Dialect.RESPONSES: ResponsesReader,
    Dialect.MESSAGES: MessagesReader,
    Dialect.GENERATE: GenerateReader,
}
_WRITERS: Mapping[Dialect, Callable[[Exchange], Writer]] = {
    Dialect.CHAT: chat_writer.ChatWriter,
    Dialect.COMPLETIONS: completions_writer.CompletionsWriter,
    Dialect.RESPONSES: responses_writer.ResponsesWriter,
    Dialect.MESSAGES: messages_writer.MessagesWriter,
}


class StreamConverter:
    """The bytes of the upstream's stream to the bytes of the client's.

    `transforms` stand between: each sees every event and gives the events that go on.  An upstream that answers with
    plain JSON although a stream was asked for is read as well: its bytes are kept until `close`.

    `failure` is set when the upstream's answer failed.  `feed` still gives the error event of the client's dialect;
    a caller that has sent nothing yet throws that away and answers with a real status instead.

    An answer may be followed by another one in the same client's stream: `end_answer` (which `close` does otherwise),
    then `go_on` with what is known of the next.

    `patience`: fewer bytes of text than that may wait for more, where nobody sees the difference.
    """

    def __init__(self, exchange: Exchange, transforms: Sequence[Transform] = ()) -> None:
        self.failure: UpstreamError | None = None
        self.patience = 0
        self._writer = _WRITERS[exchange.client](exchange)
        self._earlier: list[str] = []  # warnings of the answers before
        self._read(exchange, transforms)

    def _read(self, exchange: Exchange, transforms: Sequence[Transform]) -> None:
        self._sse = SseParser()
        self._reader = READERS[exchange.upstream](exchange)
        self._plain = PlainText()
        self._may_be_plain = exchange.upstream in (
            Dialect.CHAT,
            Dialect.MESSAGES,
        )  # others number or sum up their frames
        self._transforms = transforms
        self._is_stream: bool | None = None  # not known before the first byte
        self._body: list[bytes] = []
        self._has_ended = False

    @property
    def warnings(self) -> list[str]:
        return self._earlier + self._reader.warnings + self._writer.warnings

    def feed(self, chunk: bytes) -> bytes:
        if not self._is_stream and not self._looks_like_a_stream(chunk):
            return b""
        if self._sse.is_between_frames:
            said = self._plain.whole(chunk, self.patience)
            if said is not None:
                return self._written(said) if said else b""
            chunk = self._plain.waiting() + chunk
            if self._may_be_plain and self._plain.is_hopeful:
                return self._written(self._frame_by_frame(chunk))
        return self._written(self._heard(chunk))

    def _frame_by_frame(self, chunk: bytes) -> list[Event]:
        """What the chunk says, learning what frames of text look like on the way."""
        start, found = 0, list[Event]()
        while start < len(chunk) and self._sse.is_between_frames:
            if run := self._plain.read(chunk, start):
                said, start = run
                found += said
            elif (end := chunk.find(FRAME_END, start)) >= 0:
                frame = chunk[start : end + len(FRAME_END)]
                heard = self._heard(frame)
                self._plain.learn(frame, heard)
                found += heard
                start += len(frame)
            else:
                break
        return found + self._heard(chunk[start:]) if start < len(chunk) else found

    def _heard(self, data: bytes) -> list[Event]:
        return [event for frame in self._sse.feed(data) for event in self._reader.feed(frame)]

    def go_on(self, exchange: Exchange, transforms: Sequence[Transform] = ()) -> None:
        """Another answer to the same request follows; what the client was told of the one before stays told."""
        self._earlier += self._reader.warnings
        self._writer.go_on(exchange)
        self._read(exchange, transforms)

    def say(self, events: list[Event]) -> bytes:
        """Events that come from nobody's answer, or out of a transform that had to wait."""
        if events and type(events[-1]) is Failed:
            self.failure = events[-1].error
        return self._writer.feed(events)

    def end_answer(self) -> bytes:
        """The upstream has nothing more to say; saying so again changes nothing."""
        if self._has_ended:
            return b""
        self._has_ended = True
        if self._is_stream:
            last = self._sse.feed(self._plain.waiting()) + self._sse.close()
            found = [event for frame in last for event in self._reader.feed(frame)] + self._reader.close()
        elif self._body:
            found = whole_events(b"".join(self._body), self._reader)
        else:
            found = self._reader.close()
        out = self._written(found)
        for position, transform in enumerate(self._transforms):
            out += self._written(transform.close(), position + 1)
        return out

    def close(self) -> bytes:
        """Nothing more is to come, from whatever upstream."""
        return self.end_answer() + self._writer.close()

    def follow(self, early: EarlyResponse) -> None:
        """The client may have been sent the beginning of its response already."""
        if isinstance(self._writer, responses_writer.ResponsesWriter):
            self._writer.follow(early)

    def ping(self) -> bytes:
        """A sign of life for a client that waits in the middle of its answer."""
        if isinstance(self._writer, responses_writer.ResponsesWriter | messages_writer.MessagesWriter):
            return self._writer.ping() or KEEP_ALIVE
        return KEEP_ALIVE

    def fail(self, error: UpstreamError) -> bytes:
        """The answer cannot go on, whatever the upstream said of it.  Nothing, if it is complete already."""
        said = self._written(self._heard(self._plain.waiting()))
        return said + self._writer.feed([Failed(error)])

    def _looks_like_a_stream(self, chunk: bytes) -> bool:
        if self._is_stream is None:
            self._is_stream = begins_a_stream(chunk)
            if self._is_stream is None:
                self._body.append(chunk)
                return False
            if self._is_stream:
                self._body.clear()
                return True
        self._body.append(chunk)
        return False

    def _written(self, new: list[Event], first: int = 0) -> bytes:
        if not new:
            return b""
        for transform in self._transforms[first:]:
            if len(new) == 1:
                new = transform.feed(new[0])
            else:
                new = [passed for event in new for passed in transform.feed(event)]
        return self.say(new) if new else b""


def begins_a_stream(data: bytes) -> bool | None:
    """By the first byte that is none of space and byte order mark: the fields of a stream begin with these, a comment
    with a colon.  None as long as there is no such byte."""
    first = data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1]
    return first in b"deir:" if first else None


def whole_events(data: bytes, reader: Reader) -> list[Event]:
    """The events of a body that is not a stream, whatever the upstream put into it."""
    try:
        body = loads(data)
    except ValueError:
        return [Failed(upstream_errors.of_text(data))]
    if isinstance(body, list) and body:  # a batch of /generate, or an error in the way of Gemini
        reader.warnings += [OTHER_ANSWERS] if len(body) > 1 else []
        body = body[0]
    if not isinstance(body, dict):
        return [Failed(upstream_errors.of_body(body))]
    return reader.whole(body)
