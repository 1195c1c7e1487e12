"""The items of a Responses request to turns.

An assistant's turn is what stands between two things that came from outside: reasoning, a message and calls, each an
item of its own.  Clients leave out `type`, `id` and `status`, so nothing here asks for them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects import reading, seals
from routing.dialects.json import dumps_text
from routing.dialects.request import Part, Request, Role, Text, Tool, ToolCall, ToolResult, Turn
from routing.dialects.responses import content, tools
from routing.errors import BadRequest

# Tools that OpenAI defines and the client runs: the name of the call, and the member that holds what to do.
_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
}


def read(given: Any, request: Request) -> None:
    """A text is one user message."""
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    history = _History(request)
    for index, item in enumerate(reading.items(given, "input")):
        if isinstance(item, str):
            item = {"role": "user", "content": item}
        history.item(reading.mapping(item, f"input[{index}]"), f"input[{index}]")


class _History:
    def __init__(self, request: Request) -> None:
        self._request = request
        self._turns = request.turns

    def item(self, item: dict[str, Any], what: str) -> None:
        kind = str(item.get("type") or ("message" if "role" in item else ""))
        handler = _ON.get(kind)
        if handler is not None:
            handler(self, item, what)
        elif kind in _BUILT_IN:
            name, member = _BUILT_IN[kind]
            self._assistant(ToolCall(_call_id(item, what), name, dumps_text(item.get(member) or {})))
        else:
            self._request.warn(f"An item of type {kind or 'unknown'} was left out: only OpenAI's API knows it.")

    def _message(self, item: dict[str, Any], what: str) -> None:
        parts = content.parse(item.get("content"), f"{what}.content")
        match item.get("role"):
            case "assistant":
                self._assistant_message(parts)
            case "system" | "developer":
                texts: list[Part] = [part for part in parts if isinstance(part, Text)]
                if self._turns:
                    self._turns.append(Turn(Role.SYSTEM, texts))
                else:
                    self._request.system += [part for part in texts if isinstance(part, Text)]
            case role:
                if role != "user":
                    self._request.warn(f"{what} has the unknown role “{role}”; it was sent as the user's.")
                self._user(parts)

    def _assistant_message(self, parts: list[Part]) -> None:
        """Two messages in a row stay two; one after reasoning or calls belongs to them."""
        last = self._turns[-1] if self._turns else None
        if last is None or last.role is not Role.ASSISTANT or (last.parts and isinstance(last.parts[-1], Text)):
            self._turns.append(Turn(Role.ASSISTANT, parts))
        else:
            last.parts += parts

    def _assistant(self, part: Part) -> None:
        last = self._turns[-1] if self._turns else None
        if last is not None and last.role is Role.ASSISTANT:
            last.parts.append(part)
        else:
            self._turns.append(Turn(Role.ASSISTANT, [part]))

    def _user(self, parts: list[Part]) -> None:
        last = self._turns[-1] if self._turns else None
        if last is not None and _only_results(last):
            last.parts += parts
        else:
            self._turns.append(Turn(Role.USER, parts))

    def _reasoning(self, item: dict[str, Any], what: str) -> None:
        raw = content.parse(item.get("content"), f"{what}.content")
        summary = content.parse(item.get("summary"), f"{what}.summary")
        text = "".join(part.text for part in raw if isinstance(part, Text))
        text = text or "\n\n".join(part.text for part in summary if isinstance(part, Text))
        encrypted = reading.text(item.get("encrypted_content"), f"{what}.encrypted_content")
        if text or encrypted:
            self._assistant(seals.unseal(text, encrypted, reading.text(item.get("id"), f"{what}.id")))

    def _function_call(self, item: dict[str, Any], what: str) -> None:
        given = item.get("arguments")
        text = given if isinstance(given, str) else dumps_text(given) if given is not None else ""
        self._assistant(ToolCall(_call_id(item, what), tools.flat_name(item, what), text))

    def _custom_call(self, item: dict[str, Any], what: str) -> None:
        text = reading.text(item.get("input"), f"{what}.input")
        self._assistant(ToolCall(_call_id(item, what), tools.flat_name(item, what), text, custom=True))

    def _output(self, item: dict[str, Any], what: str) -> None:
        self._result(ToolResult(_call_id(item, what), _output(item.get("output"), f"{what}.output")))

    def _custom_output(self, item: dict[str, Any], what: str) -> None:
        parts = _output(item.get("output"), f"{what}.output")
        self._result(ToolResult(_call_id(item, what), parts, custom=True))

    def _result(self, result: ToolResult) -> None:
        last = self._turns[-1] if self._turns else None
        if last is not None and _only_results(last):
            last.parts.append(result)
        else:
            self._turns.append(Turn(Role.USER, [result]))

    def _search(self, item: dict[str, Any], what: str) -> None:
        """Of a search that OpenAI ran the tools that it found are enough."""
        if item.get("call_id") and item.get("execution") != "server":
            given = dumps_text(item.get("arguments") or {})
            self._assistant(ToolCall(_call_id(item, what), tools.SEARCH, given))

    def _found(self, item: dict[str, Any], what: str) -> None:
        self._more_tools(item, what)
        if item.get("call_id") and item.get("execution") != "server":
            found = tools.parse(item.get("tools"), Request(), f"{what}.tools")
            names = ", ".join(tool.name for tool in found if isinstance(tool, Tool))
            said = f"These tools can be used from now on: {names}" if names else "No tools were found."
            self._result(ToolResult(_call_id(item, what), [Text(said)]))

    def _more_tools(self, item: dict[str, Any], what: str) -> None:
        """Tools that joined the conversation later; what is known by its name already stays as it is."""
        known = {tool.name for tool in self._request.functions()}
        found = tools.parse(item.get("tools"), self._request, f"{what}.tools")
        self._request.tools += [tool for tool in found if getattr(tool, "name", None) not in known]

    def _reference(self, item: dict[str, Any], what: str) -> None:
        raise BadRequest(
            f"{what} is an item_reference, and this proxy keeps no conversations. Send the item itself instead."
        )

    def _compaction(self, item: dict[str, Any], what: str) -> None:
        """Only its maker can read it."""
        self._request.warn(
            f"{what} was left out, and with it what was said before: it is a summary that only OpenAI can read."
        )


_ON: Mapping[str, Callable[[_History, dict[str, Any], str], None]] = {
    "message": _History._message,
    "reasoning": _History._reasoning,
    "function_call": _History._function_call,
    "custom_tool_call": _History._custom_call,
    "function_call_output": _History._output,
    "local_shell_call_output": _History._output,
    "shell_call_output": _History._output,
    "apply_patch_call_output": _History._output,
    "custom_tool_call_output": _History._custom_output,
    "additional_tools": _History._more_tools,
    "tool_search_output": _History._found,
    "tool_search_call": _History._search,
    "compaction": _History._compaction,
    "compaction_summary": _History._compaction,
    "item_reference": _History._reference,
}


def _only_results(turn: Turn) -> bool:
    return turn.role is Role.USER and (not turn.parts or isinstance(turn.parts[-1], ToolResult))


def _call_id(item: dict[str, Any], what: str) -> str:
    """`id` is the item's own name and pairs nothing, except where an old item has no other."""
    return reading.text(item.get("call_id") or item.get("id"), f"{what}.call_id")


def _output(output: Any, what: str) -> list[Part]:
    """A text or a list of parts.  Anything else, as the output of a shell, is told as JSON."""
    if output is None or isinstance(output, str):
        return content.parse(output, what)
    if isinstance(output, list) and all(isinstance(part, dict) and "type" in part for part in output):
        return content.parse(output, what)
    return [Text(dumps_text(output))]
