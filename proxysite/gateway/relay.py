"""The chain of transforms that an answer's bytes flow through, `feed` by `feed`.  Pure.

Same dialect on both sides: the bytes leave as they came.  `WholeEvents` only decides where they are cut, the tap only
looks at them, and `EchoModel` is there only when the target renamed the model.  Different dialects: frames become
events, events become frames (`routing.dialects.conversion`).
"""

from collections.abc import Sequence
from typing import Protocol

from routing.dialects import Dialect
from routing.dialects.errors import error_frame
from routing.dialects.events import Event, Transform, UpstreamError
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.kept_frames import KEPT, KeptFrames
from routing.dialects.life import Continued, EarlyResponse
from routing.dialects.passing import EchoModel, Tap, WholeEvents, has_finished, next_number
from routing.dialects.sse import KEEP_ALIVE, PING
from routing.dialects.streaming import StreamConverter
from routing.dialects.text_frames import TextFrames
from routing.errors import AnswerTooLarge, ProxyError, UpstreamBroken
from validation.ending import Guarded


class Relay(Protocol):
    """`failure` is set when the upstream said, inside its 200, that the answer failed.

    `warnings` say what of the answer could not be handed on; they are complete when the stream is over.
    """

    @property
    def failure(self) -> UpstreamError | None: ...

    @property
    def is_over(self) -> bool: ...  # the client has its end, whatever still comes

    @property
    def warnings(self) -> Sequence[str]: ...

    def feed(self, chunk: bytes) -> bytes: ...

    def close(self) -> bytes: ...

    def break_off(self, problem: ProxyError) -> bytes: ...

    def ping(self) -> bytes: ...  # a sign of life between two chunks


class StreamRelay:
    """A stream of events in one dialect, towards a client of the same one.  `dialect` None: an unknown endpoint's.

    `early`: what the client may have been told while it waited; then the events are numbered on.  `largest`: bytes that
    an event may have.
    """

    __slots__ = ("_continued", "_dialect", "_early", "_echo", "_events", "_request_id", "_tap", "_upstream")
    failure: UpstreamError | None = None  # a stream that passes is not read that closely
    warnings: Sequence[str] = ()
    is_over = False

    def __init__(
        self,
        upstream: str,
        dialect: Dialect | None,
        echo: str | None,
        tap: Tap,
        request_id: str,
        early: EarlyResponse | None = None,
        *,
        largest: int | None = None,
    ) -> None:
        self._upstream = upstream
        self._early = early
        self._continued: Continued | None = None
        self._dialect = dialect
        self._echo = EchoModel(echo) if echo is not None else None
        self._events = WholeEvents(largest)
        self._tap = tap
        self._request_id = request_id

    def feed(self, chunk: bytes) -> bytes:
        events = self._events.feed(chunk)
        if events:
            self._tap.feed(events)  # whole events, so that its tail always holds the last one whole
        if self._early and self._early.count:
            self._continued = self._continued or Continued(self._early)
            events = self._continued.feed(events)
        return self._echo.feed(events) if self._echo else events

    def close(self) -> bytes:
        """The end of the stream.  Raises UpstreamBroken when it ends without the answer being finished."""
        left = self._events.close()
        self._tap.feed(left)
        if self._dialect is not None and not has_finished(self._dialect, self._tap.tail):
            raise UpstreamBroken(f"The upstream “{self._upstream}” ended the stream before the answer was complete.")
        if self._continued:
            left = self._continued.close(left)
        return self._echo.feed(left) if self._echo else left

    def break_off(self, problem: ProxyError) -> bytes:
        """The event that tells the client; half an event that is still held is left out."""
        self._tap.feed(self._events.close())
        if self._early and self._early.count:
            return self._early.failed(problem)
        return error_frame(self._dialect or Dialect.CHAT, problem, self._request_id, next_number(self._tap.tail))

    def ping(self) -> bytes:
        """Where a response passes as it is, the upstream numbers its events, and nobody can come in between."""
        if self._continued and self._early:
            return self._early.ping()
        return PING if self._dialect is Dialect.MESSAGES and self._tap.size else KEEP_ALIVE


class ConvertingRelay:
    """A stream that is read: one of another dialect than the client's, or one that is judged.  The tap sees what the
    upstream said.

    A judged answer may be followed by another attempt at it (`go_on`).  What is `said` between two pieces of an answer
    goes to the client with the next one, or with the end.  `largest`: bytes that all of it may have, for writers keep
    what the end of an answer repeats.
    """

    __slots__ = ("_converter", "_earlier", "_events", "_guard", "_is_closed", "_largest", "_said", "_tap")

    def __init__(
        self,
        conversation: Conversation,
        tap: Tap,
        transforms: Sequence[Transform] = (),
        guard: Guarded | None = None,
        *,
        largest: int | None = None,
    ) -> None:
        self._converter = _converter(conversation, (*transforms, guard) if guard else transforms)
        self._earlier: list[str] = []  # warnings about what was read otherwise
        self._guard = guard
        self._largest = largest
        self._events = WholeEvents(largest)
        self._tap = tap
        self._is_closed = False
        self._said = b""

    @property
    def failure(self) -> UpstreamError | None:
        return self._converter.failure

    @property
    def is_over(self) -> bool:
        return self._guard is not None and self._guard.is_over

    @property
    def warnings(self) -> Sequence[str]:
        return self._earlier + self._converter.warnings

    def feed(self, chunk: bytes) -> bytes:
        if events := self._events.feed(chunk):
            self._tap.feed(events)
        if self._guard:
            self._converter.patience = self._guard.gate.patience
        out = self._converter.feed(chunk)
        kept = self._converter.size if isinstance(self._converter, TextFrames) else self._tap.size
        if self._largest is not None and kept > self._largest:
            raise AnswerTooLarge(self._largest)
        return self._with_said(out)

    def say(self, events: list[Event]) -> None:
        self._said += self._converter.say(events)

    def end_answer(self) -> None:
        """The upstream has nothing more to say.  The client may be told more, by `say` or by another attempt."""
        self._tap.feed(self._events.close())
        self._said += self._converter.end_answer()

    def go_on(self, conversation: Conversation, transforms: Sequence[Transform], guard: Guarded) -> None:
        """Another attempt follows, in the same stream."""
        self._tap.feed(self._events.close())
        self._guard = guard
        if isinstance(self._converter, TextFrames) and not conversation.is_bare:
            self._said += self._converter.leave()
            self._earlier += self._converter.warnings
            self._converter = StreamConverter(conversation, (*transforms, guard))
        else:
            if isinstance(self._converter, KeptFrames):
                self._said += self._converter.leave()
            self._converter.go_on(conversation, (*transforms, guard))

    def close(self) -> bytes:
        """The end of the stream; saying so again changes nothing."""
        if self._is_closed:
            return b""
        self._is_closed = True
        self._tap.feed(self._events.close())
        return self._with_said(self._converter.close())

    def break_off(self, problem: ProxyError) -> bytes:
        """Nothing when the client has its whole answer already: then the break does not concern it."""
        self._is_closed = True
        self._tap.feed(self._events.close())
        error = UpstreamError(problem.status, problem.message, code=problem.code)
        return self._with_said(self._converter.fail(error))

    def follow(self, early: EarlyResponse) -> None:
        """The client may have been told the beginning of its answer while it waited."""
        self._converter.follow(early)

    def ping(self) -> bytes:
        return KEEP_ALIVE if self._said else self._converter.ping()

    def _with_said(self, more: bytes) -> bytes:
        if not self._said:
            return more
        said, self._said = self._said, b""
        return said + more


def _converter(conversation: Conversation, transforms: Sequence[Transform]) -> TextFrames | StreamConverter:
    if conversation.is_bare:
        return TextFrames(conversation, transforms)
    keeps = conversation.client is conversation.upstream and conversation.client in KEPT
    return (KeptFrames if keeps else StreamConverter)(conversation, transforms)
