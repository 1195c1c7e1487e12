"""The calls of a chat answer as its client counts them: dense indices, and each part said once."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from routing.dialects.chat.writer import FINISH_REASONS
from routing.dialects.events import End, Event, Finish, FinishReason, Reasoning, Text, ToolArguments, ToolEnd, ToolStart
from routing.dialects.json import object_of
from routing.dialects.tally import Tally

_TELLS = re.compile(rb'"tool_calls"\s*:\s*[\[{]|"finish_reason"\s*:\s*(?!null|""|\s)')


class ClientCalls:
    """The calls as the client counts them."""

    def __init__(self) -> None:
        self._indices: dict[int, int] = {}
        self._customs: set[int] = set()
        self._without_arguments: dict[int, None] = {}

    def number(self, passed: list[Event]) -> None:
        for event in passed:
            if type(event) is ToolStart:
                self._indices.setdefault(event.key, len(self._indices))

    def said(self, passed: list[Event]) -> None:
        """The client has these, in the upstream's own words."""
        for event in passed:
            for _ in self.deltas(event, ""):
                pass

    def is_tidy(self, choice: dict[str, Any], found: list[Event]) -> bool:
        """Whether the frame says its calls as clients need it: the parts of each once, under the index it has."""
        delta = choice.get("delta")
        entries = delta.get("tool_calls") if isinstance(delta, dict) else None
        said = [event for event in found if type(event) in (ToolStart, ToolArguments)]
        if not entries:
            return True  # no call, or one of before there were tools
        if not isinstance(entries, list):
            return False
        expected = iter(said)
        return all(isinstance(entry, dict) and self._says(entry, expected) for entry in entries) and not any(expected)

    def _says(self, entry: dict[str, Any], expected: Iterator[Event]) -> bool:
        function = entry.get("function")
        if not isinstance(function, dict):
            return False
        name, arguments = function.get("name"), function.get("arguments")
        key = -1
        if name or entry.get("id"):
            start = next(expected, None)
            if not isinstance(start, ToolStart) or (entry.get("id"), name) != (start.id, start.name):
                return False
            if entry.get("type") != "function" or not isinstance(arguments, str):
                return False
            key = start.key
        if arguments:
            piece = next(expected, None)
            if not isinstance(piece, ToolArguments) or piece.text != arguments or key not in (-1, piece.key):
                return False
            key = piece.key
        return key == -1 or entry.get("index") == self._indices.get(key)

    def deltas(self, event: Event, field: str) -> Iterator[dict[str, Any]]:
        kind = type(event)
        if kind in _DELTAS:
            yield _DELTAS[kind](event, field)
        elif isinstance(event, ToolStart):
            yield self._start(event)
        elif isinstance(event, ToolArguments):
            yield self._arguments(event)
        elif isinstance(event, ToolEnd) and event.key in self._without_arguments:
            yield self._arguments(ToolArguments(event.key, "{}"))

    def leaves_open(self, said: list[Event]) -> bool:
        """Whether a call would be without arguments behind these events."""
        begun = {event.key for event in said if isinstance(event, ToolStart) and not event.custom}
        filled = {event.key for event in said if isinstance(event, ToolArguments)}
        return bool((begun | self._without_arguments.keys()) - filled)

    def unfinished(self) -> list[Event]:
        """A call without arguments is one with none: clients parse the text, and an empty one is no JSON."""
        return [ToolEnd(key) for key in self._without_arguments]

    def reason(self, passed: list[Event]) -> FinishReason:
        """What the upstream said, corrected by what there is."""
        tally = Tally()
        tally.calls = len(self._indices)
        tally.finish = next((event for event in passed if isinstance(event, Finish)), None)
        return tally.reason()

    def _start(self, event: ToolStart) -> dict[str, Any]:
        entry: dict[str, Any] = {"index": self._indices[event.key], "id": event.id}
        if event.custom:
            self._customs.add(event.key)
            return {"tool_calls": [entry | {"type": "custom", "custom": {"name": event.name, "input": ""}}]}
        self._without_arguments[event.key] = None
        return {"tool_calls": [entry | {"type": "function", "function": {"name": event.name, "arguments": ""}}]}

    def _arguments(self, event: ToolArguments) -> dict[str, Any]:
        self._without_arguments.pop(event.key, None)
        index = self._indices[event.key]
        if event.key in self._customs:
            return {"tool_calls": [{"index": index, "custom": {"input": event.text}}]}
        return {"tool_calls": [{"index": index, "function": {"arguments": event.text}}]}


class ChatFrames:
    """The frames of a stream: whether they say their calls, and why the answer ends, as clients need it."""

    def __init__(self) -> None:
        self.place = b""  # the first, which the others are like
        self._calls = ClientCalls()
        self._has_reason = False

    def is_tidy(self, frame: bytes, found: list[Event], finish: Finish | None) -> bool:
        """`found` is what the frame says, `finish` what has been said by then of why the answer ends."""
        if not self.place and b'"choices"' in frame:
            self.place = frame
        self._calls.number(found)
        tidy = self._is_tidy(frame, found, finish)
        self._calls.said(found)
        return tidy

    def _is_tidy(self, frame: bytes, found: list[Event], finish: Finish | None) -> bool:
        if found and type(found[-1]) is End:  # a call that begins only here has not been told
            return self._has_reason and not any(type(event) is ToolStart for event in found)
        if _TELLS.search(frame) is None:
            return True
        chunk = object_of(frame.partition(b"data:")[2])
        if chunk is None:
            return False
        choice = choice_of(chunk) or {}
        if not self._calls.is_tidy(choice, found):
            return False
        said = choice.get("finish_reason")
        return not said or (finish is not None and self._is_tidy_end(said, [*found, finish]))

    def _is_tidy_end(self, said: Any, found: list[Event]) -> bool:
        if self._has_reason or self._calls.leaves_open(found):
            return False
        self._has_reason = True
        return word_for(self._calls.reason(found), str(said)) == str(said)


_DELTAS: dict[type[Event], Callable[[Any, str], dict[str, Any]]] = {
    Text: lambda event, field: {"content": event.text},
    Reasoning: lambda event, field: {field: event.text},
}


def choice_of(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The one that is read; whoever asks for several is not mended."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def word_for(reason: FinishReason, said: str) -> str:
    """`said` is the upstream's word, which stays where it means the same."""
    word = FINISH_REASONS[reason]
    return said if said == "function_call" and word == "tool_calls" else word
