"""The calls of an answer as the gate sees them: which of them are complete, and what is wrong with those.

A malformed call is only told of when the answer ends: of one that was cut off, its last call may well be half.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from routing.dialects.events import FinishReason, ToolStart
from routing.dialects.request import ToolCall
from validation.channels import Channel, Detectors, Stream
from validation.verdict import Verdict

_CUT = (FinishReason.LENGTH, FinishReason.CONTEXT)  # the client is told that the end is missing

Found = tuple[Verdict, Stream]


class Ends(Protocol):
    """What is judged when a call, or the answer, is complete (`validation.whole`)."""

    def malformed(self, call: ToolCall) -> Verdict | None: ...

    def repeated(self, calls: Sequence[ToolCall]) -> Verdict | None: ...

    def broken_off(self, text: str, finish: FinishReason | None, calls: int) -> Verdict | None: ...


class Calls:
    """`make` makes what looks at the arguments of one call.  Without `ends` a call that ends is good."""

    def __init__(self, make: Callable[[Channel], Detectors], ends: Ends | None) -> None:
        self.streams: dict[int, Stream] = {}
        self.complete: set[int] = set()
        self._make = make
        self._ends = ends
        self._made: dict[int, ToolCall] = {}  # those that have come to their end
        self._malformed: Found | None = None

    def start(self, event: ToolStart) -> None:
        detectors = self._make(Channel.ARGUMENTS)
        self.streams[event.key] = Stream(Channel.ARGUMENTS, detectors, event.name, custom=event.custom)

    def end(self, key: int) -> Found | None:
        """A call goes on when it is complete and nothing is wrong with it.  What is wrong with the answer by then."""
        stream = self.streams.get(key)
        if self._ends is None or stream is None:
            self.complete.add(key)
            return None
        call = ToolCall("", stream.name, stream.text, stream.custom)
        self._made[key] = call
        if found := self._ends.repeated(list(self._made.values())):
            return found, stream
        if found := self._ends.malformed(call):
            self._malformed = self._malformed or (found, stream)
        else:
            self.complete.add(key)
        return None

    def close(self, finish: FinishReason | None) -> Found | None:
        """What is wrong, now that the answer has ended.  Dialects that never say so end their calls here."""
        if self._ends is None:
            return None
        for key in self.streams:
            if key not in self._made and (found := self.end(key)):
                return found
        return None if finish in _CUT else self._malformed
