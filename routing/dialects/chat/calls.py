"""Tool calls out of chat deltas: which call a fragment belongs to, when a call may start, and what is said twice.

No two servers agree on `index`, `id` and `name`, so none of them is trusted alone: an index counts only as a whole
number from 0 on, an empty id or name says nothing, and a fragment without an index is placed by its id, else by its
position in the list.
"""

from collections.abc import Iterable
from typing import Any

from routing.dialects.events import Event, ToolArguments, ToolStart
from routing.dialects.exchange import Exchange
from routing.dialects.json import ObjectScanner, dumps_text, loads


class Call:
    """One call under construction.  Its text is kept in pieces, only to recognise a repetition of the whole."""

    __slots__ = ("custom", "id", "key", "name", "pieces", "scanner", "started", "waiting")

    def __init__(self, key: int, custom: bool) -> None:
        self.key = key
        self.id = ""
        self.name = ""
        self.custom = custom
        self.started = False
        self.waiting: list[str] = []  # arguments that came before the name
        self.pieces: list[str] = []
        self.scanner = ObjectScanner()

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.scanner.feed(text)

    def is_complete(self) -> bool:
        return self.scanner.is_complete()

    def is_repeated_by(self, text: str) -> bool:
        """Some servers send the whole arguments once more when they have streamed them."""
        if text[0] not in "{ \n" or not self.is_complete():
            return False
        try:
            return bool(loads(text) == loads("".join(self.pieces)))
        except ValueError:
            return False


class CallReader:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self._by_id: dict[str, Call] = {}
        self._by_position: dict[int, Call] = {}

    @property
    def any(self) -> bool:
        return bool(self._calls)

    def feed(self, entries: Any, events: list[Event]) -> None:
        if isinstance(entries, dict):
            entries = [entries]
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                self._entry(position, entry, events)

    def legacy(self, function_call: dict[str, Any], events: list[Event]) -> None:
        """`function_call` of before there were tools: one call, no id."""
        self._entry(0, {"index": 0, "function": function_call}, events)

    def close(self, events: list[Event]) -> None:
        """Starts what waited for more of its name.  A call that never got one is not a call."""
        for call in self._calls:
            if not call.started and call.name:
                self._start(call, events)

    def _entry(self, position: int, entry: dict[str, Any], events: list[Event]) -> None:
        custom = entry.get("type") == "custom"
        if not custom and entry.get("type") not in (None, "", "function"):
            return
        function = entry.get("custom" if custom else "function")
        if not isinstance(function, dict):
            function = entry if "name" in entry or "arguments" in entry else {}
        name = _text(function.get("name"))
        arguments = _arguments(function.get("input" if custom else "arguments"))
        call = self._find(position, entry, name, custom)
        if name and not call.started:
            self._name(call, name)
        if arguments and not (call.pieces and call.is_repeated_by(arguments)):
            call.add(arguments)
            if call.started:
                events.append(ToolArguments(call.key, arguments))
                return
            call.waiting.append(arguments)
        if call.name and not call.started and (call.waiting or self._is_whole(call.name)):
            self._start(call, events)

    def _find(self, position: int, entry: dict[str, Any], name: str, custom: bool) -> Call:
        index, id = entry.get("index"), _text(entry.get("id"))
        if type(index) is not int or index < 0:
            call = self._without_index(position, id, name)
        else:
            call = self._with_index(index, id, name)
        if call is None:
            call = Call(len(self._calls), custom)
            self._calls.append(call)
        if id and not call.id and not call.started:
            call.id = id
            self._by_id.setdefault(id, call)
        if type(index) is int and index >= 0:
            self._by_index[index] = call
        self._by_position[position] = call
        return call

    def _with_index(self, index: int, id: str, name: str) -> Call | None:
        call = self._by_index.get(index)
        if call is None:
            return None
        if id and call.id and id != call.id:
            known = self._by_id.get(id)
            if known is not None:
                return known
            return None if name else call  # a new id for each fragment, without a name, is still the same call
        if name and not id and call.name and name != call.name and call.is_complete():
            return None
        return call

    def _without_index(self, position: int, id: str, name: str) -> Call | None:
        if id:
            return self._by_id.get(id)
        call = self._by_position.get(position)
        if call is not None and name and call.is_complete():
            return None  # whole calls, one in each chunk, without index and id
        return call

    def _name(self, call: Call, name: str) -> None:
        if not call.name:
            call.name = name
        elif name != call.name and not self._is_whole(call.name):
            call.name += name

    def _is_whole(self, name: str) -> bool:
        known = self._exchange.known_tools
        return not known or name in known

    def _start(self, call: Call, events: list[Event]) -> None:
        call.started = True
        id = call.id or self._exchange.call_id(call.key)
        events.append(ToolStart(call.key, id, call.name, call.custom))
        events.extend(ToolArguments(call.key, text) for text in call.waiting)
        call.waiting.clear()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return dumps_text(value) if isinstance(value, dict | list) else ""


def texts(value: Any) -> Iterable[tuple[bool, str]]:
    """(is reasoning, text) of a content that is a list of parts."""
    for part in value if isinstance(value, list) else ():
        if isinstance(part, str):
            yield False, part
        elif isinstance(part, dict):
            if part.get("type") == "thinking":
                thought = part.get("thinking")
                yield True, thought if isinstance(thought, str) else "".join(text for _, text in texts(thought))
            else:
                yield False, _text(part.get("text"))
