"""The tools of a Responses request, and the choice among them, both ways."""

import re
from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.capabilities import Capabilities
from routing.dialects.chat.render import object_schema
from routing.dialects.request import Choice, Request, ServerTool, Tool, ToolChoice
from routing.errors import BadRequest

_WEB_SEARCH = re.compile(r"web_search(_preview)?(_\d.*)?$")
_SEPARATOR = "__"
SEARCH = "tool_search"  # a tool of the client's when it says so, else one that OpenAI runs


def parse(entries: Any, request: Request, what: str = "tools") -> list[Tool | ServerTool]:
    found: list[Tool | ServerTool] = []
    for index, entry in enumerate(reading.objects(entries, what)):
        found += _tool(entry, request, f"{what}[{index}]")
    return found


def _tool(entry: dict[str, Any], request: Request, what: str) -> list[Tool | ServerTool]:
    kind = entry.get("type") or "function"
    if kind == "namespace":
        return _namespace(entry, request, what)
    if kind == "custom":
        name, description = _named(entry, what)
        return [Tool(name, description, custom=True, format=entry.get("format"))]
    if kind == SEARCH and entry.get("execution") == "client":
        _, description = _named(entry, what)
        return [Tool(SEARCH, description, entry.get("parameters"), searches=True)]
    if kind != "function":
        return [ServerTool("web_search" if _WEB_SEARCH.match(str(kind)) else str(kind), entry)]
    function = reading.mapping(entry.get("function"), f"{what}.function") or entry
    name, description = _named(function, what)
    if entry.get("defer_loading"):
        request.warn(f"The tool {name} is visible at once: only OpenAI's API loads tools later.")
    strict = reading.flag(function.get("strict"), f"{what}.strict")
    return [Tool(name, description, function.get("parameters"), strict)]


def _named(entry: dict[str, Any], what: str) -> tuple[str, str]:
    name = reading.text(entry.get("name"), f"{what}.name")
    return name, reading.text(entry.get("description"), f"{what}.description")


def _namespace(entry: dict[str, Any], request: Request, what: str) -> list[Tool | ServerTool]:
    """A group of tools becomes tools of its own, whose names begin with the group's."""
    group = reading.text(entry.get("name"), f"{what}.name")
    members = parse(entry.get("tools"), request, f"{what}.tools")
    for tool in members:
        if isinstance(tool, Tool):
            tool.name, tool.namespace = f"{group}{_SEPARATOR}{tool.name}", group
    return members


def flat_name(entry: Mapping[str, Any], what: str) -> str:
    """The name of a call's or a choice's tool, as the list of tools has it."""
    name = reading.text(entry.get("name"), f"{what}.name")
    group = reading.text(entry.get("namespace"), f"{what}.namespace")
    return f"{group}{_SEPARATOR}{name}" if group else name


def parse_choice(choice: Any, request: Request) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        word = "required" if choice == "any" else choice
        if word not in ("auto", "none", "required"):
            raise BadRequest(f"tool_choice “{choice}” is unknown. Use auto, none, required or name a function.")
        return ToolChoice(Choice(word))
    choice = reading.mapping(choice, "tool_choice")
    kind = choice.get("type") or "function"
    if kind == "allowed_tools":
        mode = Choice.REQUIRED if choice.get("mode") == "required" else Choice.AUTO
        return ToolChoice(mode, allowed=_allowed(choice))
    if kind in ("function", "custom"):
        inner = reading.mapping(choice.get("function"), "tool_choice.function") or choice
        return ToolChoice(Choice.TOOL, flat_name(inner, "tool_choice"))
    if kind in ("auto", "none", "required", "any"):
        return parse_choice(kind, request)
    request.warn(f"tool_choice {kind} was left out: it names a tool that only OpenAI's API can run.")
    return None


def _allowed(choice: dict[str, Any]) -> list[str]:
    entries = reading.objects(choice.get("tools"), "tool_choice.tools")
    return [flat_name(entry, "tool_choice.tools") or str(entry.get("type")) for entry in entries]


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    tools = [_rendered(tool, of) if isinstance(tool, Tool) else _web_search(tool) for tool in request.tools]
    if not tools:
        return {}
    said: dict[str, Any] = {"tools": tools}
    choice = request.tool_choice
    if choice is not None and choice.mode is Choice.TOOL:
        said["tool_choice"] = _chosen(choice.name, request)
    elif choice is not None:
        said["tool_choice"] = choice.mode.value
    if request.parallel_tool_calls is False:
        said["parallel_tool_calls"] = False
    return said


def _chosen(name: str, request: Request) -> dict[str, Any]:
    tool = next((tool for tool in request.functions() if tool.name == name), None)
    if tool is None:  # one that the upstream runs
        return {"type": name}
    return {"type": "custom" if tool.custom else "function", "name": name}


def _rendered(tool: Tool, of: Capabilities) -> dict[str, Any]:
    rendered: dict[str, Any] = {"type": "custom" if tool.custom else "function", "name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    if tool.custom:
        return {**rendered, "format": tool.format} if tool.format else rendered
    rendered["parameters"] = object_schema(tool.schema)
    if of.strict_tools:  # said either way: what is left out counts as true here, unlike in the other dialects
        rendered["strict"] = tool.strict is True
    return rendered


def _web_search(tool: ServerTool) -> dict[str, Any]:
    """The one tool of other dialects that exists here too."""
    raw = tool.raw if isinstance(tool.raw, dict) else {}
    domains, place = raw.get("allowed_domains"), raw.get("user_location")
    said: dict[str, Any] = {"type": "web_search"}
    if place:
        said["user_location"] = place
    if domains:
        said["filters"] = {"allowed_domains": domains}
    if size := raw.get("search_context_size"):
        said["search_context_size"] = size
    return said
