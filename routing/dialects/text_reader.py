"""What the readers of bare text share: a stream of payloads with a text in each, or one payload that is the answer."""

from abc import ABC, abstractmethod
from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.events import End, Event, Failed, Finish, FinishReason, Start, Text, UpstreamError
from routing.dialects.exchange import Exchange
from routing.dialects.json import object_of
from routing.dialects.sse import DONE, Frame


class TextReader(ABC):
    """`feed` takes a frame, `whole` a body that is not streamed, `close` says that nothing more comes.

    `payload` is the newest that was read, `finish` what has been said of why the answer ends: the event comes with the
    end itself.  `is_mute`: the answer is the numbers of its tokens alone, of which nobody can judge anything.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self.payload: dict[str, Any] = {}
        self.finish: Finish | None = None
        self.is_mute = False
        self._exchange = exchange
        self._started = False
        self._ended = False
        self._content = False

    def feed(self, frame: Frame) -> list[Event]:
        name, data = frame
        if self._ended:
            return []
        payload = object_of(data)
        if payload is None:
            return self._end() if data.strip() == DONE else self._unreadable(data)
        if name == b"error" or upstream_errors.is_error(payload):
            return self._fail(self._error(payload))
        return self._read(payload)

    def whole(self, body: dict[str, Any]) -> list[Event]:
        if upstream_errors.is_error(body):
            return self._fail(self._error(body))
        return self._read(body) + self._end()

    def close(self) -> list[Event]:
        if self._ended:
            return []
        return self._fail(upstream_errors.cut_off()) if self.finish is None else self._end()

    def _read(self, payload: dict[str, Any]) -> list[Event]:
        self.payload = payload
        if self._started:
            return self._events(payload)
        self._started = True
        return [self._start(payload), *self._events(payload)]

    @property
    def in_pieces(self) -> bool:
        """A frame brings a piece of the text, and not all of it so far."""
        return True

    @abstractmethod
    def _start(self, payload: dict[str, Any]) -> Start: ...

    @abstractmethod
    def _events(self, payload: dict[str, Any]) -> list[Event]: ...

    def _error(self, payload: dict[str, Any]) -> UpstreamError:
        return upstream_errors.of_body(payload)

    def _held(self) -> list[Event]:
        """What is still held when the end has come."""
        return []

    def _said(self, text: Text) -> Text:
        self._content = True
        return text

    def _end(self) -> list[Event]:
        """Without a reason it is a normal end, if anything was said."""
        if self._ended:
            return []
        held = self._held()
        finish = self.finish or Finish(FinishReason.UNKNOWN)
        if finish.reason is FinishReason.UNKNOWN:
            if not self._content:
                return self._fail(upstream_errors.nothing_said())
            finish = Finish(FinishReason.STOP)
        self._ended = True
        self.finish = finish
        return [*held, finish, End()]

    def _unreadable(self, data: bytes) -> list[Event]:
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self._warn("The upstream sent a line that is not JSON; it was skipped.")
        return []

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._ended = True
        return [Failed(error)]

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
