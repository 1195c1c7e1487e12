"""Calls of earlier turns that a client sends back: their arguments, mended before the model sees them again.

A model imitates what stands in its history, and servers refuse arguments there that are no JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
from validation.repair.arguments import mend, syntax
from validation.repair.native_calls import MendedCall
from validation.repair.offered import every_tool_of


@dataclass(frozen=True, slots=True)
class MendedHistory:
    """`body` is the very same where nothing was mended."""

    body: dict[str, Any]
    notes: tuple[MendedCall, ...] = ()


def mend_history(body: dict[str, Any], dialect: Dialect) -> MendedHistory:
    """The body with its assistant's calls mended by the schemas it offers itself; the one given is not changed."""
    place = _PLACES.get(dialect)
    if place is None or not isinstance(body.get(place), list):
        return MendedHistory(body)
    tools = every_tool_of(body, dialect)
    if not tools:
        return MendedHistory(body)
    mending = _Mending(tools)
    try:
        items = mending.each(body[place], _ITEMS[dialect])
    except RecursionError:  # nested as deeply as nobody needs
        return MendedHistory(body)
    return MendedHistory({**body, place: items}, tuple(mending.notes)) if mending.notes else MendedHistory(body)


class _Mending:
    def __init__(self, tools: Mapping[str, Any]) -> None:
        self.notes: list[MendedCall] = []
        self._tools = tools

    def each(self, items: Any, mended: Any) -> Any:
        """A list with every object in it mended; the same list where nothing was."""
        if not isinstance(items, list):
            return items
        new = [mended(self, item) if isinstance(item, dict) else item for item in items]
        return new if any(one is not old for one, old in zip(new, items, strict=True)) else items

    def of_message(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._inside(message, "tool_calls", _Mending.of_tool_call)

    def of_tool_call(self, call: dict[str, Any]) -> dict[str, Any]:
        function = call.get("function")
        if not isinstance(function, dict):
            return call
        new = self.of_function(function)
        return call if new is function else {**call, "function": new}

    def of_function(self, function: dict[str, Any]) -> dict[str, Any]:
        """An object with a name, and the text of its arguments."""
        text = function.get("arguments")
        if not isinstance(text, str) or (new := self._mended(function.get("name"), text)) is None:
            return function
        return {**function, "arguments": new}

    def of_turn(self, turn: dict[str, Any]) -> dict[str, Any]:
        return self._inside(turn, "content", _Mending.of_block)

    def of_block(self, block: dict[str, Any]) -> dict[str, Any]:
        """Anthropic's, whose arguments are an object, or what a client made of something else."""
        if block.get("type") != "tool_use" or "input" not in block:
            return block
        new = self._mended(block.get("name"), syntax.write(block["input"]))
        return block if new is None else {**block, "input": syntax.read(new)}

    def of_item(self, item: dict[str, Any]) -> dict[str, Any]:
        return self.of_function(item) if item.get("type") == "function_call" else item

    def _inside(self, message: dict[str, Any], name: str, mended: Any) -> dict[str, Any]:
        if message.get("role") != "assistant":
            return message
        items = message.get(name)
        new = self.each(items, mended)
        return message if new is items else {**message, name: new}

    def _mended(self, name: Any, text: str) -> str | None:
        if not isinstance(name, str) or name not in self._tools:
            return None
        mended = mend(text, self._tools[name])
        if not mended.changes:
            return None
        self.notes.append(MendedCall(name, mended.changes, text, mended.text))
        return mended.text


_PLACES = {Dialect.CHAT: "messages", Dialect.MESSAGES: "messages", Dialect.RESPONSES: "input"}
_ITEMS = {
    Dialect.CHAT: _Mending.of_message,
    Dialect.MESSAGES: _Mending.of_turn,
    Dialect.RESPONSES: _Mending.of_item,
}
