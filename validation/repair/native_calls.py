"""Calls that the upstream recognised itself: their arguments, mended on the way to the client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    ToolArguments,
    ToolEnd,
    ToolStart,
)
from validation.repair.arguments.stream import ArgumentStream


@dataclass(frozen=True, slots=True)
class MendedCall:
    """What was wrong with the arguments of one call, and what they became."""

    tool: str
    changes: tuple[str, ...]
    before: str
    after: str


class _Call:
    __slots__ = ("after", "before", "name", "stream")

    def __init__(self, name: str, schema: Any) -> None:
        self.name = name
        self.stream = ArgumentStream(schema)
        self.before: list[str] = []
        self.after: list[str] = []


class MendArguments:
    """A transform.  Calls of tools that were not offered, and custom tools' free text, pass as they are."""

    def __init__(self, tools: Mapping[str, Any]) -> None:
        self.notes: list[MendedCall] = []
        self._tools = tools
        self._open: dict[int, _Call] = {}

    def passes(self, data: bytes) -> bool:
        """Whether bytes that tell of no call may go around: not while one is open."""
        return not self._open

    def may_wait(self) -> bool:
        return True

    def feed(self, event: Event) -> list[Event]:
        kind = type(event)
        if kind is ToolArguments and self._open:
            return self._arguments(event)  # type: ignore[arg-type]
        if kind not in _SEEN:
            return [event]
        if isinstance(event, ToolStart):
            if event.name in self._tools and not event.custom:
                self._open[event.key] = _Call(event.name, self._tools[event.name])
            return [event]
        if isinstance(event, ToolEnd):
            return [*self._ended(event.key), event]
        cut = isinstance(event, Failed) or (isinstance(event, Finish) and event.reason is FinishReason.LENGTH)
        return [*self._all_ended(cut), event]

    def close(self) -> list[Event]:
        return self._all_ended(cut=True)

    def _arguments(self, event: ToolArguments) -> list[Event]:
        call = self._open.get(event.key)
        if call is None:
            return [event]
        call.before.append(event.text)
        text = call.stream.feed(event.text)
        if not text:
            return []
        call.after.append(text)
        return [event] if text == event.text else [ToolArguments(event.key, text)]

    def _all_ended(self, cut: bool) -> list[Event]:
        return [event for key in list(self._open) for event in self._ended(key, cut)] if self._open else []

    def _ended(self, key: int, cut: bool = False) -> list[Event]:
        call = self._open.pop(key, None)
        if call is None:
            return []
        text = call.stream.close(cut=cut)
        if call.stream.changes:
            after = "".join((*call.after, text))
            self.notes.append(MendedCall(call.name, tuple(call.stream.changes), "".join(call.before), after))
        return [ToolArguments(key, text)] if text else []


_SEEN = frozenset({ToolStart, ToolEnd, Finish, End, Failed})
