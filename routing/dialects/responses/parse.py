"""The body of a Responses request to the neutral request.

A conversation is a list of items there: what Anthropic has as one assistant turn is a message, a reasoning item and an
item for each call.  Agents send items with half of their members; what has no type and a role is a message.
"""

from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.chat import content as chat_content
from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Choice,
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Role,
    ServerTool,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Unknown,
)
from routing.errors import BadRequest

_STATE = ("previous_response_id", "conversation", "prompt", "background")
_READ = frozenset(
    {
        "model",
        "input",
        "instructions",
        "max_output_tokens",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "user",
        "safety_identifier",
        "service_tier",
        *_STATE,
    }
)
_OPENAI_ONLY = frozenset(
    {
        "metadata",
        "moderation",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "store",
        "include",
        "truncation",
        "max_tool_calls",
        "context_management",
        "client_metadata",
    }
)
_CALLS = {"function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call"}
_RESULTS = {f"{kind}_output" for kind in _CALLS}
_ECHOED = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
)
_DEFAULT_ECHO: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
}


def echo(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request that its response repeats."""
    given = {name: body[name] for name in _ECHOED if body.get(name) is not None}
    return {**_DEFAULT_ECHO, **given}


def parse(body: Mapping[str, Any]) -> Request:
    for name in _STATE:
        if body.get(name):
            raise BadRequest(f"{name} needs a server that remembers. Send the whole conversation in input instead.")
    request = Request(model=reading.text(body.get("model"), "model"))
    if instructions := reading.text(body.get("instructions"), "instructions"):
        request.system.append(Text(instructions))
    for index, tool in enumerate(reading.objects(body.get("tools"), "tools")):
        request.tools += _tools(tool, f"tools[{index}]")
    _Items(request).read(body.get("input"))
    request.max_tokens = reading.whole(body.get("max_output_tokens"), "max_output_tokens")
    request.stream = body.get("stream") is True
    request.include_usage = True
    request.parallel_tool_calls = False if body.get("parallel_tool_calls") is False else None
    request.tool_choice = _choice(body.get("tool_choice"))
    _text(body, request)
    thinking = reading.mapping(body.get("reasoning"), "reasoning")
    request.effort = reading.text(thinking.get("effort"), "reasoning.effort")
    request.summary = reading.text(thinking.get("summary"), "reasoning.summary")
    request.user = str(body.get("user") or body.get("safety_identifier") or "")
    request.service_tier = reading.text(body.get("service_tier"), "service_tier")
    for name, value in body.items():
        if name in _READ or value is None:
            continue
        (request.openai if name in _OPENAI_ONLY else request.sampling)[name] = value
    return request


def _text(body: Mapping[str, Any], request: Request) -> None:
    said = reading.mapping(body.get("text"), "text")
    if said.get("verbosity") is not None:
        request.openai["verbosity"] = said["verbosity"]
    wanted = reading.mapping(said.get("format"), "text.format")
    if wanted.get("type"):
        request.response_format = ResponseFormat(
            str(wanted["type"]),
            wanted.get("schema"),
            reading.text(wanted.get("name"), "text.format.name"),
            reading.flag(wanted.get("strict"), "text.format.strict"),
            reading.text(wanted.get("description"), "text.format.description"),
        )


class _Items:
    def __init__(self, request: Request) -> None:
        self._request = request
        self._turns = request.turns

    def read(self, given: Any) -> None:
        if isinstance(given, str):
            self._turns.append(Turn(Role.USER, [Text(given)] if given else []))
            return
        for index, item in enumerate(reading.objects(given, "input")):
            self._item(item, f"input[{index}]")

    def _item(self, item: dict[str, Any], what: str) -> None:
        kind = item.get("type") or ("message" if "role" in item else "")
        if kind == "message":
            self._message(item, what)
        elif kind == "reasoning":
            self._assistant(_reasoning(item))
        elif kind in _CALLS:
            self._assistant(_call(item, kind, what))
        elif kind in _RESULTS:
            self._result(item, kind, what)
        elif kind == "additional_tools":
            for index, tool in enumerate(reading.objects(item.get("tools"), f"{what}.tools")):
                self._request.tools += _tools(tool, f"{what}.tools[{index}]")
        elif kind == "item_reference":
            raise BadRequest(f"{what} refers to an item of another response. Send the item itself.")
        else:
            self._request.warn(
                f"An input item of type {kind or '(none)'} was left out: this upstream does not know it."
            )

    def _message(self, item: dict[str, Any], what: str) -> None:
        parts = content(item.get("content"), self._request, what)
        match item.get("role"):
            case "assistant":
                for part in parts:
                    self._assistant(part)
            case "system" | "developer":
                texts = [part for part in parts if isinstance(part, Text)]
                if self._turns:
                    self._turns.append(Turn(Role.SYSTEM, list(texts)))
                else:
                    self._request.system += texts
            case role:
                if role != "user":
                    self._request.warn(f"{what} has the unknown role “{role}”; it was sent as the user's.")
                self._turns.append(Turn(Role.USER, parts))

    def _assistant(self, part: Part) -> None:
        """Items of one answer in a row are one turn."""
        if self._turns and self._turns[-1].role is Role.ASSISTANT:
            self._turns[-1].parts.append(part)
        else:
            self._turns.append(Turn(Role.ASSISTANT, [part]))

    def _result(self, item: dict[str, Any], kind: str, what: str) -> None:
        id = reading.text(item.get("call_id") or item.get("id"), f"{what}.call_id")
        output = item.get("output")
        if isinstance(output, dict):
            output = dumps_text(output)
        result = ToolResult(id, content(output, self._request, what), custom=kind == "custom_tool_call_output")
        last = self._turns[-1] if self._turns else None
        if last is not None and last.role is Role.USER and last.results():
            last.parts.append(result)
        else:
            self._turns.append(Turn(Role.USER, [result]))


def content(given: Any, request: Request, what: str) -> list[Part]:
    if isinstance(given, str):
        return [Text(given)] if given else []
    parts: list[Part] = []
    for index, part in enumerate(reading.items(given, f"{what}.content")):
        if isinstance(part, str):
            parts.append(Text(part))
        elif isinstance(part, dict):
            parts.append(_part(part, f"{what}.content[{index}]"))
        else:
            raise BadRequest(f"{what}.content[{index}] must be an object.")
    return parts


def _part(part: dict[str, Any], what: str) -> Part:
    match part.get("type", "input_text"):
        case "input_text" | "output_text" | "text" | "summary_text":
            return Text(reading.text(part.get("text"), f"{what}.text"))
        case "input_image":
            if part.get("file_id"):
                return Image(file_id=reading.text(part["file_id"], f"{what}.file_id"))
            detail = reading.text(part.get("detail"), f"{what}.detail")
            image: Image = chat_content.image(part.get("image_url"), what)
            image.detail = image.detail or detail
            return image
        case "input_file":
            file: Document = chat_content.file(part, what)
            return file
        case "refusal":
            return Refusal(reading.text(part.get("refusal"), f"{what}.refusal"))
        case kind:
            return Unknown(str(kind), part)


def _reasoning(item: dict[str, Any]) -> Reasoning:
    texts = [
        part["text"]
        for member in ("content", "summary")
        for part in item.get(member) or ()
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    sealed, id = item.get("encrypted_content"), item.get("id")
    return Reasoning(
        "\n\n".join(texts),
        encrypted=sealed if isinstance(sealed, str) else "",
        id=id if isinstance(id, str) else "",
    )


def _call(item: dict[str, Any], kind: str, what: str) -> ToolCall:
    id = reading.text(item.get("call_id") or item.get("id"), f"{what}.call_id")
    if kind == "function_call":
        name = flat_name(item.get("namespace"), reading.text(item.get("name"), f"{what}.name"))
        return ToolCall(id, name, reading.text(item.get("arguments"), f"{what}.arguments"))
    if kind == "custom_tool_call":
        name = reading.text(item.get("name"), f"{what}.name")
        return ToolCall(id, name, reading.text(item.get("input"), f"{what}.input"), custom=True)
    given = item.get("action") or item.get("operation") or item.get("arguments") or {}
    return ToolCall(id, kind.removesuffix("_call"), given if isinstance(given, str) else dumps_text(given))


def flat_name(namespace: Any, name: str) -> str:
    return f"{namespace}__{name}" if isinstance(namespace, str) and namespace else name


def _tools(tool: dict[str, Any], what: str) -> list[Tool | ServerTool]:
    kind = tool.get("type", "function")
    if kind == "namespace":
        group = reading.text(tool.get("name"), f"{what}.name")
        members = [_tools(entry, f"{what}.tools") for entry in reading.objects(tool.get("tools"), f"{what}.tools")]
        return [_grouped(found, group) for some in members for found in some]
    name = reading.text(tool.get("name"), f"{what}.name")
    description = reading.text(tool.get("description"), f"{what}.description")
    if kind == "custom":
        return [Tool(name, description, custom=True, format=tool.get("format"))]
    if kind == "function":
        strict = reading.flag(tool.get("strict"), f"{what}.strict")
        return [Tool(name, description, tool.get("parameters"), strict)]
    return [ServerTool("web_search" if str(kind).startswith("web_search") else str(kind), tool)]


def _grouped(tool: Tool | ServerTool, group: str) -> Tool | ServerTool:
    if isinstance(tool, Tool):
        tool.name, tool.namespace = flat_name(group, tool.name), group
    return tool


def _choice(choice: Any) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise BadRequest(f"tool_choice “{choice}” is unknown. Use auto, none, required or name a function.")
        return ToolChoice(Choice(choice))
    choice = reading.mapping(choice, "tool_choice")
    match choice.get("type"):
        case "function" | "custom":
            return ToolChoice(Choice.TOOL, flat_name(choice.get("namespace"), str(choice.get("name") or "")))
        case "allowed_tools":
            entries = reading.objects(choice.get("tools"), "tool_choice.tools")
            mode = Choice.REQUIRED if choice.get("mode") == "required" else Choice.AUTO
            return ToolChoice(mode, allowed=[str(entry.get("name") or entry.get("type")) for entry in entries])
    return ToolChoice(Choice.AUTO)
