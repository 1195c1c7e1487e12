"""The body of a Messages request to the neutral request."""

import re
from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.messages import content
from routing.dialects.request import (
    DEFAULT_COMPACTION,
    Choice,
    Request,
    ResponseFormat,
    Role,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    Turn,
)
from routing.errors import BadRequest, ThreadNotKept

BILLING_HEADER = "x-anthropic-billing-header:"

# Fields that have a meaning only at Anthropic.  True: leaving one out is worth a warning.
_ANTHROPIC_ONLY: Mapping[str, bool] = {
    "container": True,
    "mcp_servers": True,
    "speed": True,
    "fallbacks": True,
    "billing_policy": True,
    "diagnostics": False,
    "inference_geo": False,
    "cache_control": False,
    "betas": False,
    "anthropic_beta": False,
    "anthropic_version": False,
}
_READ = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "stop_sequences",
        "stream",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier",
        "context_management",
    }
)
_TIERS = {"auto": "auto", "standard_only": "default"}
_DATED = re.compile(r"_\d{8}$")

# The client tools that Anthropic defines without a schema, and the schema that says the same.
_TYPED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "bash": (
        "Run a command in a shell that stays open, or restart it.",
        {"command": {"type": "string"}, "restart": {"type": "boolean"}},
    ),
    "text_editor": (
        "View, create and edit files. `command` is view, create, str_replace or insert.",
        {
            "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
            "path": {"type": "string"},
            "file_text": {"type": "string"},
            "old_str": {"type": "string"},
            "new_str": {"type": "string"},
            "insert_line": {"type": "integer"},
            "insert_text": {"type": "string"},
            "view_range": {"type": "array", "items": {"type": "integer"}},
        },
    ),
}


def parse(body: Mapping[str, Any]) -> Request:
    if body.get("thread") is not None:
        raise ThreadNotKept(
            "thread cannot be used here: only Anthropic keeps conversations. Send all of it in messages."
        )
    request = Request(model=reading.text(body.get("model"), "model"))
    _system(body.get("system"), request)
    for index, message in enumerate(reading.objects(body.get("messages"), "messages")):
        request.turns.append(_turn(message, request, f"messages[{index}]"))
    request.max_tokens = reading.whole(body.get("max_tokens"), "max_tokens")
    request.stop, warned = reading.stops(body.get("stop_sequences"), "stop_sequences")
    request.warnings += warned
    request.stream = body.get("stream") is True
    request.include_usage = True
    _tools(body, request)
    _thinking(body, request)
    request.user = reading.text(reading.mapping(body.get("metadata"), "metadata").get("user_id"), "metadata.user_id")
    request.service_tier = _TIERS.get(str(body.get("service_tier")), "")
    _context(body.get("context_management"), request)
    for name, value in body.items():
        if name in _READ or value is None:
            continue
        if name not in _ANTHROPIC_ONLY:
            request.sampling[name] = value
        elif _ANTHROPIC_ONLY[name]:
            request.warn(f"{name} was left out: only Anthropic's API has it.")
    return request


def _context(given: Any, request: Request) -> None:
    """Of what Anthropic can do to a long conversation, others have the summary alone."""
    edits = reading.mapping(given, "context_management").get("edits")
    for edit in reading.objects(edits, "context_management.edits"):
        kind = str(edit.get("type"))
        if _DATED.sub("", kind) == "compact":
            trigger = reading.mapping(edit.get("trigger"), "context_management.edits[].trigger")
            limit = reading.whole(trigger.get("value"), "context_management.edits[].trigger.value")
            request.compact_at = limit or DEFAULT_COMPACTION
        else:
            request.warn(f"context_management {kind} was left out: only Anthropic's API has it.")


def _system(system: Any, request: Request) -> None:
    if isinstance(system, str):
        system = [{"type": "text", "text": system}]
    for block in reading.items(system, "system"):
        block = {"text": block} if isinstance(block, str) else reading.mapping(block, "system")
        text = reading.text(block.get("text"), "system")
        if text:
            request.system.append(Text(text, block.get("cache_control")))


def _turn(message: dict[str, Any], request: Request, what: str) -> Turn:
    role = message.get("role")
    parts = content.parse(message.get("content"), request, what)
    if role == "assistant":
        return Turn(Role.ASSISTANT, parts)
    if role == "system":
        return Turn(Role.SYSTEM, parts)
    if role != "user":
        request.warn(f"{what} has the unknown role “{role}”; it was sent as the user's.")
    results = [part for part in parts if isinstance(part, ToolResult)]
    return Turn(Role.USER, [*results, *(part for part in parts if not isinstance(part, ToolResult))])


def _tools(body: Mapping[str, Any], request: Request) -> None:
    for index, tool in enumerate(reading.objects(body.get("tools"), "tools")):
        request.tools.append(_tool(tool, request, f"tools[{index}]"))
    choice = body.get("tool_choice")
    if choice is None:
        return
    choice = {"type": choice} if isinstance(choice, str) else reading.mapping(choice, "tool_choice")
    match choice.get("type"):
        case "auto" | None:
            request.tool_choice = ToolChoice(Choice.AUTO)
        case "any" | "required":
            request.tool_choice = ToolChoice(Choice.REQUIRED)
        case "none":
            request.tool_choice = ToolChoice(Choice.NONE)
        case "tool":
            request.tool_choice = ToolChoice(Choice.TOOL, reading.text(choice.get("name"), "tool_choice.name"))
        case other:
            raise BadRequest(f"tool_choice.type “{other}” is unknown. Use auto, any, tool or none.")
    if choice.get("disable_parallel_tool_use") is True and request.tool_choice.mode is not Choice.NONE:
        request.parallel_tool_calls = False


def _tool(tool: dict[str, Any], request: Request, what: str) -> Tool | ServerTool:
    kind = tool.get("type")
    name = reading.text(tool.get("name"), f"{what}.name")
    if kind in (None, "", "custom", "function"):
        if tool.get("defer_loading"):
            request.warn(f"The tool {name} is visible at once: only Anthropic's API loads tools later.")
        return Tool(
            name,
            reading.text(tool.get("description"), f"{what}.description"),
            tool.get("input_schema"),
            reading.flag(tool.get("strict"), f"{what}.strict"),
            cache=tool.get("cache_control"),
        )
    short = _DATED.sub("", str(kind))
    if short in _TYPED and name:
        description, properties = _TYPED[short]
        required = [] if short == "bash" else ["command", "path"]
        return Tool(name, description, {"type": "object", "properties": properties, "required": required})
    return ServerTool(short, tool)


def _thinking(body: Mapping[str, Any], request: Request) -> None:
    thinking = reading.mapping(body.get("thinking"), "thinking")
    if thinking:
        kind = thinking.get("type")
        if kind not in list(Thinking):  # no set: it may be anything
            raise BadRequest(f"thinking.type “{kind}” is unknown. Use enabled, adaptive or disabled.")
        request.thinking = Thinking(kind)
        request.budget = reading.whole(thinking.get("budget_tokens"), "thinking.budget_tokens")
        request.display = reading.text(thinking.get("display"), "thinking.display")
    config = reading.mapping(body.get("output_config"), "output_config")
    request.effort = reading.text(config.get("effort"), "output_config.effort")
    wanted = reading.mapping(body.get("output_format") or config.get("format"), "output_config.format")
    if wanted.get("type") == "json_schema":
        request.response_format = ResponseFormat("json_schema", wanted.get("schema"))
