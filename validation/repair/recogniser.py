"""Tool calls and reasoning that an upstream left in the text, made into the events they should have been.

Each kind of text has a lane that finds markup.  A call in the answer is given out when it is whole.  A call in
reasoning may be a draft: it counts only if nothing but calls follows it; otherwise it is the reasoning it was.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Refusal,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
)
from validation.repair.arguments.stream import ArgumentStream
from validation.repair.calls import Call, Found, as_object, dumps
from validation.repair.families.row import Row
from validation.repair.grammar import grammar
from validation.repair.growing import Growing
from validation.repair.lane import Grown, Item, Lane, Markup, Piece, Recognised
from validation.repair.tools import Tools
from validation.repair.trigger import IN_REASONING, IN_TEXT

FIRST_KEY = 1 << 20  # of the calls made here: an upstream counts its own from 0
_CUT = frozenset({FinishReason.LENGTH, FinishReason.CONTEXT})
_COMPLETE = frozenset({FinishReason.STOP, FinishReason.STOP_SEQUENCE, FinishReason.UNKNOWN})


class Mended(Protocol):
    """The arguments of a call after mending, and what was changed."""

    @property
    def text(self) -> str: ...

    @property
    def changes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Note:
    """One repair: `call`, `name`, `duplicate`, `arguments`, `thinking` or `finish`."""

    kind: str
    family: str
    before: str
    after: str


class Repair:
    """A transform of events.  `opened`: the template began the answer inside reasoning, so only its end will come."""

    def __init__(
        self,
        tools: Mapping[str, Any],
        families: Collection[str] | None = None,
        *,
        call_id: Callable[[int], str],
        mend_arguments: Callable[[str, Any], Mended] | None = None,
        opened: bool = False,
    ) -> None:
        self.notes: list[Note] = []
        self._tools = Tools(tools)
        judge = _Judge(self._tools, mend_arguments)
        self._grammar = grammar(None if families is None else frozenset(families), bool(tools))
        self._suspect = self._grammar.suspect.search
        self._call_id = call_id
        self._mend = mend_arguments
        self._text = Lane(self._grammar, self._tools, judge.accepts, judge.grow, reasoning=False, thinking=opened)
        self._reasoning = Lane(self._grammar, self._tools, judge.accepts, judge.grow, reasoning=True)
        self._passing: type[Event] | None = None  # text of this kind, in which nothing is suspect, stays as it is
        self._current: Lane = self._text
        self._drafts: list[Item] = []
        self._calls = 0
        self._ids: set[str] = set()
        self._given = judge.given
        self._native = judge.native
        self._changed = False

    # What the caller may pass around the transform

    def passes(self, data: bytes) -> bool:
        """Whether these bytes, which hold whole events, may go around the transform."""
        return self._is_still() and (IN_TEXT if self._current is self._text else IN_REASONING).search(data) is None

    def may_wait(self) -> bool:
        """Whether text in which no marker begins stays as it is, and may come later: it only tells what counts."""
        return self._current.is_idle() and not self._drafts

    def _is_still(self) -> bool:
        return (
            not self._changed
            and not self._drafts
            and not self._native
            and (self._text.is_quiet() or not self._text.begun)
            and (self._reasoning.is_quiet() or not self._reasoning.begun)
            and (self._text.begun or self._reasoning.begun)
        )

    # The transform

    def feed(self, event: Event) -> list[Event]:
        kind = type(event)
        if kind is self._passing and self._suspect(event.text) is None:  # type: ignore[attr-defined]
            return [event]
        if kind is Text or kind is Reasoning:
            return self._on_text(event, self._text if kind is Text else self._reasoning)
        handler = _HANDLERS.get(kind)
        return handler(self, event) if handler else [event]

    def close(self) -> list[Event]:
        return self._settle()

    def _on_text(self, event: Any, lane: Lane) -> list[Event]:
        events = self._enter(lane)
        events += self._events(lane.feed(event.text))
        self._passing = type(event) if lane.is_quiet() and not self._drafts else None
        if len(events) == 1 and type(events[0]) is type(event) and events[0].text == event.text:  # type: ignore[attr-defined]
            return [event]  # with whatever else it says
        return events

    def _enter(self, lane: Lane) -> list[Event]:
        """One lane speaks at a time: what the other holds back comes before it."""
        if lane is self._current:
            return []
        left, self._current = self._current, lane
        events = self._events(left.close(cut=True))
        if lane is self._reasoning and not lane.begun and not self._text.is_fresh:
            lane.join()
        return events

    def _on_native(self, event: ToolStart) -> list[Event]:
        events = self._events(self._current.close(cut=True, native=True)) + self._give_back()
        self._passing = None
        self._text.after_native_call()
        event = self._renamed(event)
        self._native[event.key] = native = _Native(event)
        if any(name == event.name for name, _ in self._given):
            native.held = [event]
            return events
        return [*events, event]

    def _renamed(self, event: ToolStart) -> ToolStart:
        """The tool that was meant, where the upstream took markup or a namespace for part of its name."""
        name = None if event.custom else self._tools.resolve(event.name)
        if name is None or name == event.name:
            return event
        self._note("name", "", event.name, name)
        return ToolStart(event.key, event.id, name)

    def _on_native_arguments(self, event: ToolArguments) -> list[Event]:
        native = self._native.get(event.key)
        if native is None:
            return [event]
        native.pieces.append(event.text)
        return native.hold(event)

    def _on_native_end(self, event: ToolEnd) -> list[Event]:
        native = self._native.get(event.key)
        return [event] if native is None else native.hold(event) or self._release(native)

    def _release(self, native: "_Native") -> list[Event]:
        """A copy of a call that was already given out is dropped."""
        held, native.held = native.held, None
        if not held:
            return []
        if native.identity() in self._given:
            self._note("duplicate", "", native.start.name, "")
            return []
        return held

    def _on_seal(self, event: Event) -> list[Event]:
        return [*self._events(self._current.close(cut=True)), event]

    def _on_finish(self, event: Finish) -> list[Event]:
        events = self._settle(cut=event.reason in _CUT)
        if event.reason in _COMPLETE and (self._calls or self._native):
            self._note("finish", "", event.reason.value, FinishReason.TOOL_CALLS.value)
            event = Finish(FinishReason.TOOL_CALLS, None, event.explanation)
        return [*events, event]

    def _on_end(self, event: Event) -> list[Event]:
        return [*self._settle(), event]

    def _on_failure(self, event: Event) -> list[Event]:
        return [*self._events(self._current.close(cut=True)), *self._give_back(), event]

    def _settle(self, cut: bool = False) -> list[Event]:
        events = self._events(self._current.close(cut, native=bool(self._native)))
        self._passing = None
        for native in self._native.values():
            events += self._release(native)
        if self._native:
            return events + self._give_back()
        drafts, self._drafts = self._drafts, []
        for draft in drafts:
            if isinstance(draft, Recognised):
                events += self._give_out(draft)
        return events

    # From what a lane found to events

    def _events(self, items: Iterable[Item]) -> list[Event]:
        events: list[Event] = []
        for item in items:
            if isinstance(item, Grown):
                events += self._give_back()
                events += self._give_growth(item)
            elif isinstance(item, Recognised):
                if item.thinking:
                    self._drafts.append(item)
                else:
                    events += self._give_back()
                    events += self._give_out(item)
            elif isinstance(item, Markup):
                self._changed = self._changed or bool(item.raw.strip())
                if item.ends:
                    events += self._give_back()
                if self._drafts:
                    self._drafts.append(item)
                elif item.raw.strip():
                    self._note("thinking", "", item.raw, "")
            elif self._drafts and not item.text.strip():
                self._drafts.append(item)
            else:
                events += self._give_back()
                _say(events, item)
        return events

    def _give_back(self) -> list[Event]:
        """Drafts are the reasoning they were written in."""
        drafts, self._drafts = self._drafts, []
        text = "".join(draft.text if isinstance(draft, Piece) else draft.raw for draft in drafts)
        return [Reasoning(text)] if text else []

    def _give_out(self, found: Recognised) -> list[Event]:
        self._changed = True
        events: list[Event] = []
        for call in found.calls:
            if self._is_given(call):
                self._note("duplicate", found.family, found.raw, "")
                continue
            key = FIRST_KEY + self._calls
            id = self._new_id(call.id)
            self._given[_identity(call.name, call.arguments)] = call.id
            self._note("call", found.family, found.raw, f"{call.name}({call.arguments})")
            for change in call.changes:
                self._note("arguments", found.family, change, call.arguments)
            events += [ToolStart(key, id, call.name), ToolArguments(key, call.arguments), ToolEnd(key)]
        return events

    def _give_growth(self, grown: Grown) -> list[Event]:
        call = grown.call
        events: list[Event] = []
        if call.key < 0:
            self._changed = True
            call.key = FIRST_KEY + self._calls
            events.append(ToolStart(call.key, self._new_id(call.id), call.name))
        pieces = [call.next(), call.last(grown.is_cut) if grown.is_over else ""]
        events += [ToolArguments(call.key, piece) for piece in pieces if piece]
        if grown.is_over:
            arguments = "".join(call.given)
            self._given[_identity(call.name, arguments)] = call.id
            self._note("call", grown.family, grown.raw, f"{call.name}({arguments})")
            for change in call.stream.changes if call.stream else ():
                self._note("arguments", grown.family, change, arguments)
            events.append(ToolEnd(call.key))
        return events

    def _new_id(self, id: str) -> str:
        """The model's own, unless it is used; counts the call."""
        if not id or id in self._ids:
            id = self._call_id(self._calls)
        self._calls += 1
        self._ids.add(id)
        return id

    def _is_given(self, call: Call) -> bool:
        """The same call again, unless the model gave it another id of its own."""
        identity = _identity(call.name, call.arguments)
        if identity in self._given:
            return not call.id or self._given[identity] == call.id
        return any(native.identity() == identity for native in self._native.values() if native.start.name == call.name)

    def _note(self, kind: str, family: str, before: str, after: str) -> None:
        self.notes.append(Note(kind, family, before, after))


class _Judge:
    """What lanes ask about a call that was found.  They know nothing else of the transform, so no cycle of references
    is left behind by an answer."""

    def __init__(self, tools: Tools, mend: Callable[[str, Any], Mended] | None) -> None:
        self.given: dict[tuple[str, str], str] = {}
        self.native: dict[int, _Native] = {}
        self._tools = tools
        self._mend = mend

    def grow(self, name: str, id: str) -> Growing | None:
        """A call whose name was given out already may be a copy, which only its whole text can tell."""
        if self.native or any(name == given for given, _ in self.given):
            return None
        stream = ArgumentStream(self._tools.schema(name)) if self._mend else None
        return Growing(name, id, stream)

    def accepts(self, found: Found, row: Row) -> bool:
        """Whether all that a parser found are calls of offered tools, with arguments that are an object."""
        return isinstance(found, list) and all(self._is_callable(call) for call in found)

    def _is_callable(self, call: Call) -> bool:
        name = self._tools.resolve(call.name)
        if name is None:
            return False
        call.name = name
        text = call.arguments
        changes: tuple[str, ...] = ()
        if self._mend is not None:
            mended = self._mend(text, self._tools.schema(name))
            text, changes = mended.text, mended.changes
        arguments = as_object(text)
        if arguments is None:
            text, changes = call.arguments, ()
            arguments = as_object(text)
        if arguments is None:
            return False
        if not call.complete and not set(self._tools.required(name)) <= set(arguments):
            return False
        call.arguments, call.changes = _strict(text, arguments), changes
        return True


class _Native:
    """A call that the upstream found itself.  `held` while it may be a copy of one that was given out."""

    __slots__ = ("held", "pieces", "start")

    def __init__(self, start: ToolStart) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.held: list[Event] | None = None

    def hold(self, event: Event) -> list[Event]:
        if self.held is None:
            return [event]
        self.held.append(event)
        return []

    def identity(self) -> tuple[str, str]:
        return _identity(self.start.name, "".join(self.pieces))


def _identity(name: str, arguments: str) -> tuple[str, str]:
    value = as_object(arguments)
    return name, arguments if value is None else dumps(dict(sorted(value.items())))


def _strict(text: str, arguments: dict[str, Any]) -> str:
    """The text as the model wrote it, where that is the JSON of an object."""
    try:
        return text if isinstance(orjson.loads(text), dict) else dumps(arguments)
    except orjson.JSONDecodeError:
        return dumps(arguments)


def _say(events: list[Event], item: Piece) -> None:
    """Text next to text of the same kind is one event."""
    kind = Reasoning if item.thinking else Text
    last = events[-1] if events else None
    if type(last) is kind:
        last.text += item.text
    else:
        events.append(kind(item.text))


_HANDLERS: Mapping[type[Event], Callable[..., list[Event]]] = {
    ToolStart: Repair._on_native,
    ToolArguments: Repair._on_native_arguments,
    ToolEnd: Repair._on_native_end,
    ReasoningEnd: Repair._on_seal,
    Redacted: Repair._on_seal,
    Refusal: Repair._on_seal,
    Finish: Repair._on_finish,
    End: Repair._on_end,
    Failed: Repair._on_failure,
}
