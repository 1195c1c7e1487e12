"""What the writers of all dialects share: an answer begins once, is counted as it goes, and ends once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from routing.dialects import events, upstream_errors
from routing.dialects.events import Event
from routing.dialects.exchange import Exchange
from routing.dialects.tally import Tally

Handlers = Mapping[type[Event], Callable[[Any, Any], None]]


class StreamWriter(ABC):
    """Events to the bytes of a stream.  A dialect says in `handlers` what it makes of each event."""

    handlers: ClassVar[Handlers]

    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._tally = Tally(exchange.prompt_estimate)
        self._out: list[bytes] = []
        self._started = False
        self._ended = False

    def feed(self, new: list[Event]) -> bytes:
        if self._ended:
            return b""
        handlers = self.handlers
        for event in new:
            handlers[type(event)](self, event)
            if self._ended:
                break
        out = b"".join(self._out)
        self._out.clear()
        return out

    @property
    def has_ended(self) -> bool:
        return self._ended

    def left(self, new: list[Event]) -> None:
        """The client has these, in frames that were not written here."""
        self.feed(new)

    def stand(self, place: Any) -> None:  # noqa: B027 (most writers have nothing to fit)
        """The client has frames that were not written here, up to this place: what follows must fit to them."""

    def go_on(self, exchange: Exchange) -> None:
        """The rest of the answer comes from another attempt at it."""
        self._exchange = exchange

    def close(self) -> bytes:
        return b"" if self._ended else self.feed([events.Failed(upstream_errors.cut_off())])

    @abstractmethod
    def _begin(self, event: events.Start) -> None:
        """Writes how the stream begins."""

    def _on_start(self, event: events.Start) -> None:
        if self._started:
            return
        self._started = True
        if event.usage is not None:
            self._tally.usage.update(event.usage)
        self._begin(event)

    def _on_usage(self, event: events.UsageSeen) -> None:
        self._tally.usage.update(event.usage)

    def _on_finish(self, event: events.Finish) -> None:
        self._tally.finish = event

    def _on_failed(self, event: events.Failed) -> None:
        self._ended = True
        self._out.append(upstream_errors.frame_for(event.error, self._exchange.client, self._exchange.request_id))


COMMON: Handlers = {
    events.Start: StreamWriter._on_start,
    events.UsageSeen: StreamWriter._on_usage,
    events.Finish: StreamWriter._on_finish,
    events.Failed: StreamWriter._on_failed,
}
