"""The face of this package: any client dialect to any upstream dialect.

`convert_request` makes the body for the upstream and an `Exchange`, which knows what the answer's conversion needs to
know.  A streamed answer goes through a `StreamConverter`, a whole one through `convert_response`, an error before
the first byte through `convert_error`.  Nothing here is asked when client and upstream speak the same dialect and
nobody wants to look inside: then bytes pass as they are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from routing.dialects import Dialect, tokens, upstream_errors
from routing.dialects.answer import Answer
from routing.dialects.capabilities import Capabilities
from routing.dialects.chat import parse as chat_parse
from routing.dialects.chat import render as chat_render
from routing.dialects.chat import writer as chat_writer
from routing.dialects.chat.reader import ChatReader
from routing.dialects.completions import again as completions_again
from routing.dialects.completions import parse as completions_parse
from routing.dialects.completions import writer as completions_writer
from routing.dialects.completions.reader import CompletionsReader
from routing.dialects.events import Event, Failed, Transform, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.generate import again as generate_again
from routing.dialects.generate import render as generate_render
from routing.dialects.generate.reader import OTHER_ANSWERS, GenerateReader
from routing.dialects.json import loads
from routing.dialects.life import EarlyResponse
from routing.dialects.messages import parse as messages_parse
from routing.dialects.messages import render as messages_render
from routing.dialects.messages import writer as messages_writer
from routing.dialects.messages.reader import MessagesReader
from routing.dialects.plain_text import PlainText
from routing.dialects.prepare import Renamed, prepare
from routing.dialects.request import Request
from routing.dialects.responses import parse as responses_parse
from routing.dialects.responses import render as responses_render
from routing.dialects.responses import whole as responses_whole
from routing.dialects.responses import writer as responses_writer
from routing.dialects.responses.reader import ResponsesReader
from routing.dialects.sse import FRAME_END, KEEP_ALIVE, Frame, SseParser
from routing.errors import BadRequest, DialectNotSpoken

PATHS: Mapping[Dialect, str] = {
    Dialect.CHAT: "chat/completions",
    Dialect.COMPLETIONS: "completions",
    Dialect.RESPONSES: "responses",
    Dialect.MESSAGES: "messages",
    Dialect.GENERATE: "generate",
}

_PARSE: Mapping[Dialect, Callable[[Mapping[str, Any]], Request]] = {
    Dialect.CHAT: chat_parse.parse,
    Dialect.COMPLETIONS: completions_parse.parse,
    Dialect.RESPONSES: responses_parse.parse,
    Dialect.MESSAGES: messages_parse.parse,
}
_RENDER: Mapping[Dialect, Callable[[Request, Capabilities], dict[str, Any]]] = {
    Dialect.CHAT: chat_render.render,
    Dialect.RESPONSES: responses_render.render,
    Dialect.MESSAGES: messages_render.render,
    Dialect.GENERATE: generate_render.render,
}
_AGAIN: Mapping[Dialect, Callable[[Answer, dict[str, Any]], dict[str, Any]]] = {
    Dialect.COMPLETIONS: completions_again.whole,
    Dialect.GENERATE: generate_again.whole,
}
_BODY: Mapping[Dialect, Callable[[Answer], dict[str, Any]]] = {
    Dialect.CHAT: chat_writer.body,
    Dialect.COMPLETIONS: completions_writer.body,
    Dialect.RESPONSES: responses_whole.body,
    Dialect.MESSAGES: messages_writer.body,
    Dialect.GENERATE: partial(generate_again.whole, body={}),
}


class Reader(Protocol):
    """An upstream's answer to events: frame by frame, or the whole body at once."""

    warnings: list[str]

    def feed(self, frame: Frame) -> list[Event]: ...

    def whole(self, body: dict[str, Any]) -> list[Event]: ...

    def close(self) -> list[Event]: ...


class Writer(Protocol):
    """Events to the bytes of a stream."""

    warnings: list[str]

    def feed(self, new: list[Event]) -> bytes: ...

    def close(self) -> bytes: ...

    def go_on(self, exchange: Exchange) -> None: ...  # with another upstream's answer to the same request


_READERS: Mapping[Dialect, Callable[[Exchange], Reader]] = {
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


def choose(client: Dialect, upstream: Collection[Dialect]) -> Dialect:
    """The dialect to speak with an upstream: the client's own, else the first that it can be converted to."""
    order: tuple[Dialect, ...] = (client,)
    if client is Dialect.COMPLETIONS:
        order += (Dialect.GENERATE,)  # a prompt stays a prompt there
    if client is not Dialect.GENERATE:
        order += (Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES)
    for dialect in order:
        if dialect in upstream:
            return dialect
    spoken = ", ".join(sorted(upstream)) or "none"
    raise DialectNotSpoken(f"A {client} request cannot be sent to this upstream. It speaks: {spoken}.")


@dataclass(frozen=True, slots=True)
class Conversion:
    body: dict[str, Any]
    path: str  # canonical: without /v1
    warnings: list[str]
    exchange: Exchange
    betas: tuple[str, ...] = ()  # what the body needs in Anthropic's header of that name


def parse(body: Any, client: Dialect) -> Request:
    """The neutral request of a body; BadRequest when it makes no sense."""
    if not isinstance(body, Mapping):
        raise BadRequest("The request body must be a JSON object.")
    return _PARSE[client](body)


def convert_request(
    body: Mapping[str, Any],
    client: Dialect,
    upstream: Dialect,
    capabilities: Capabilities,
    *,
    request_id: str = "0",
    created: int = 0,
    token_ratio: float = 1.0,
) -> Conversion:
    """The body to send.  `capabilities.model` is the upstream's name of the model; `body` is not changed.

    `created` is in seconds; `token_ratio` calibrates the estimate of prompt tokens (see `tokens`).
    """
    request = parse(body, client)
    model = request.model
    estimate = tokens.estimate(request, token_ratio)
    renamed = prepare(request, capabilities)
    request.model = capabilities.model or request.model
    rendered = _RENDER[upstream](request, capabilities)
    exchange = Exchange(
        client=client,
        upstream=upstream,
        model=model,
        request_id=request_id,
        created=created,
        include_usage=request.include_usage,
        stops=frozenset(request.stop),
        prompt_estimate=estimate,
        echo=responses_parse.echo(body) if client is Dialect.RESPONSES else {},
        **_renamed(renamed, request),
    )
    return Conversion(rendered, PATHS[upstream], request.warnings, exchange, tuple(request.betas))


def _renamed(renamed: Renamed, request: Request) -> dict[str, Any]:
    return {
        "names": renamed.names,
        "wrapped": frozenset(renamed.wrapped),
        "namespaces": renamed.namespaces,
        "search": renamed.search,
        "known_tools": frozenset(tool.name for tool in request.functions()),
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
        self._reader = _READERS[exchange.upstream](exchange)
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


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """`body` in the client's dialect; `failure` when the upstream's 200 was none (then `body` is the error's)."""

    body: dict[str, Any]
    warnings: list[str]
    failure: UpstreamError | None = None


def convert_response(data: bytes, exchange: Exchange, transforms: Sequence[Transform] = ()) -> WholeAnswer:
    """A whole answer; one that comes as a stream although none was asked for is put together."""
    found, warnings = read_whole(data, exchange, transforms)
    return write_whole(found, exchange, warnings, data)


def read_whole(data: bytes, exchange: Exchange, transforms: Sequence[Transform] = ()) -> tuple[list[Event], list[str]]:
    """The events that the transforms let go on, and warnings."""
    reader = _READERS[exchange.upstream](exchange)
    if begins_a_stream(data):
        sse = SseParser()
        frames = sse.feed(data) + sse.close()
        found = [event for frame in frames for event in reader.feed(frame)] + reader.close()
    else:
        found = whole_events(data, reader)
    for transform in transforms:
        found = [passed for event in found for passed in transform.feed(event)] + transform.close()
    return found, reader.warnings


def write_whole(found: list[Event], exchange: Exchange, warnings: list[str], data: bytes = b"") -> WholeAnswer:
    """`data` is the answer as it came: bare text is written into that, so that nothing is lost of what stands there."""
    answer = Answer(exchange)
    answer.feed(found)
    answer.close()
    if answer.error is not None:
        error = upstream_errors.body_for(answer.error, exchange.client, exchange.request_id)
        return WholeAnswer(error, warnings, answer.error)
    came = _object(data) if exchange.is_bare else {}
    rendered = _AGAIN[exchange.client](answer, came) if came else _BODY[exchange.client](answer)
    return WholeAnswer(rendered, warnings + answer.warnings)


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    status: int
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...]  # beside those of the upstream that are passed on anyway


def convert_error(status: int, data: bytes, client: Dialect, request_id: str = "") -> ErrorAnswer:
    """An upstream's error answer in the client's dialect, with the status that makes SDKs do the right thing."""
    return error_answer(upstream_errors.of_text(data, status), client, request_id)


def error_answer(error: UpstreamError, client: Dialect, request_id: str = "") -> ErrorAnswer:
    headers = (("x-should-retry", "false"),) if upstream_errors.is_permanent(error) else ()
    body = upstream_errors.body_for(error, client, request_id)
    return ErrorAnswer(upstream_errors.status_for(error, client), body, headers)
