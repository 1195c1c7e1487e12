"""What the writers of bare text share that write an answer anew for a client who has seen how its upstream writes.

Each payload is one that came, with other words in it: whatever else a server says stays.
"""

from abc import abstractmethod
from typing import Any

from routing.dialects import events
from routing.dialects.exchange import Exchange
from routing.dialects.sse import DONE_FRAME, data_frame
from routing.dialects.tally import Tally
from routing.dialects.writing import COMMON, StreamWriter


class TextWriter(StreamWriter):
    """`payload` is what payloads are to be like; `in_pieces`: each brings a piece of the text, and not all so far."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.payload: dict[str, Any] = {}
        self.in_pieces = True

    def passed(self, text: str) -> None:
        """The client has this text from the upstream's own frames."""
        self._tally.characters += len(text)

    @abstractmethod
    def _saying(self, text: str) -> dict[str, Any]: ...

    @abstractmethod
    def _ending(self, tally: Tally) -> list[dict[str, Any]]: ...

    def _begin(self, event: events.Start) -> None:
        """The first payload does."""

    def _on_text(self, event: events.Text) -> None:
        self.passed(event.text)
        self._out.append(data_frame(self._saying(event.text)))

    def _on_end(self, event: events.End) -> None:
        self._ended = True
        self._out += [*map(data_frame, self._ending(self._tally)), DONE_FRAME]


TextWriter.handlers = {**COMMON, events.Text: TextWriter._on_text, events.End: TextWriter._on_end}
