"""What every renderer needs done first: a request made fit for one upstream, before it is spelled in a dialect.

Turns are put in order, tools and ids get names that the upstream accepts, and whatever it would refuse is left out
with a warning, or refused with a reason where leaving it out would change what was asked.
"""

from dataclasses import dataclass, field
from typing import Any

from routing.dialects import arguments, names, reading
from routing.dialects.capabilities import Capabilities, accepts
from routing.dialects.messages.parse import BILLING_HEADER
from routing.dialects.pairing import settled
from routing.dialects.request import Choice, Request, Role, ServerTool, Text, Tool, ToolCall, ToolResult, Turn, Unknown
from routing.errors import BadRequest

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict")


@dataclass(slots=True)
class Renamed:
    """What the answer must be told in the client's words again."""

    names: dict[str, str] = field(default_factory=dict)  # upstream's name → client's
    wrapped: set[str] = field(default_factory=set)  # custom tools, by the client's name, sent as functions
    namespaces: dict[str, tuple[str, str]] = field(default_factory=dict)
    search: str = ""


def prepare(request: Request, of: Capabilities) -> Renamed:
    """Changes the request, which belongs to this conversion alone."""
    if of.strip_billing_header:
        request.system = [part for part in request.system if not part.text.startswith(BILLING_HEADER)]
    _refuse_empty(request)
    request.turns = settled(request.turns, request.warnings)
    renamed = Renamed()
    _limit(request)
    _tools(request, of, renamed)
    _choice(request)
    _history(request, of)
    _stops(request, of)
    return renamed


def _refuse_empty(request: Request) -> None:
    """A message that would vanish: what is left out one by one is a warning, all of it is another question."""
    for turn in request.turns:
        if turn.role is Role.USER and turn.parts and all(isinstance(part, Unknown) for part in turn.parts):
            kinds = ", ".join(sorted({part.kind for part in turn.parts if isinstance(part, Unknown)}))
            raise BadRequest(f"A message holds only {kinds[:200]}, which this upstream does not know. Send it as text.")


def _limit(request: Request) -> None:
    """The longest answer has a name in each dialect and server, and clients mix them."""
    for name in _LIMITS:
        limit = reading.whole(request.sampling.pop(name, None), name)
        if limit is None:
            continue
        if request.max_tokens is None:
            request.max_tokens = limit
        else:
            request.warn(f"{name} was left out: it is another name of the limit of tokens, which is given too.")


def sampling(request: Request, of: Capabilities) -> dict[str, Any]:
    """The generation parameters that this upstream takes, under its own names."""
    kept: dict[str, Any] = {}
    for name, value in request.sampling.items():
        if value is None:
            continue
        own = of.aliases.get(name, name)
        if not accepts(own, of):
            request.warn(f"{name} was left out: {_who(of)} does not take it.")
        elif own in kept:
            request.warn(f"{name} was left out: it is another name of {own}, which is given too.")
        else:
            kept[own] = value
    _fit(kept, request, of)
    return kept


def _fit(kept: dict[str, Any], request: Request, of: Capabilities) -> None:
    temperature = kept.get("temperature")
    if of.max_temperature is not None and isinstance(temperature, int | float) and temperature > of.max_temperature:
        kept["temperature"] = of.max_temperature
        request.warn(
            f"temperature {temperature:g} was lowered to {of.max_temperature:g}, the most this upstream takes."
        )
    if not of.both_temperature_and_top_p and "temperature" in kept and "top_p" in kept:
        del kept["top_p"]
        request.warn("top_p was left out: this model does not take it beside temperature.")
    if of.top_k_off is not None and kept.get("top_k") in (0, -1) and kept["top_k"] is not False:
        kept["top_k"] = of.top_k_off


def _who(of: Capabilities) -> str:
    return f"the model {of.model}" if of.model else "this upstream"


def _tools(request: Request, of: Capabilities, renamed: Renamed) -> None:
    request.tools = [tool for tool in request.tools if _is_offered(tool, request)]
    kept: list[Tool | ServerTool] = []
    seen: dict[str, Tool] = {}
    for tool in request.tools:
        if isinstance(tool, ServerTool):
            if tool.kind in of.server_tools:
                kept.append(tool)
            else:
                request.warn(f"The tool {tool.kind} was left out: this upstream cannot run it.")
            continue
        if tool.namespace:
            renamed.namespaces[tool.name] = (tool.namespace, tool.own_name())
        original = tool.name
        if tool.searches:
            renamed.search = original
        if tool.custom and not of.custom_tools:
            renamed.wrapped.add(original)
            tool = _wrapped(tool, request)
        tool.name = names.tool_name(original)
        if tool.name != original:
            renamed.names[tool.name] = original
        if tool.name not in seen:
            seen[tool.name] = tool
            kept.append(tool)
        elif seen[tool.name] != tool:
            raise BadRequest(f"The tool {original} is there twice, with different definitions. Give each its own name.")
    request.tools = kept


def _is_offered(tool: Tool | ServerTool, request: Request) -> bool:
    """A choice among some of the tools is the list of those tools alone."""
    allowed = request.tool_choice.allowed if request.tool_choice else None
    return allowed is None or (tool.name if isinstance(tool, Tool) else tool.kind) in allowed


def _wrapped(tool: Tool, request: Request) -> Tool:
    description = tool.description
    format = tool.format if isinstance(tool.format, dict) else {}
    if format.get("type") == "grammar":
        request.warn(f"The grammar of the tool {tool.name} cannot be enforced; it was added to the description.")
        description += f"\n\nThe input must follow this {format.get('syntax')} grammar:\n{format.get('definition')}"
    schema = {
        "type": "object",
        "properties": {arguments.INPUT: {"type": "string"}},
        "required": [arguments.INPUT],
        "additionalProperties": False,
    }
    return Tool(tool.name, description.strip(), schema, namespace=tool.namespace)


def _choice(request: Request) -> None:
    if not request.tools:
        request.tool_choice = request.parallel_tool_calls = None
        return
    choice = request.tool_choice
    if choice is None or choice.mode is not Choice.TOOL:
        return
    if any(isinstance(tool, ServerTool) and tool.kind == choice.name for tool in request.tools):
        return
    choice.name = names.tool_name(choice.name)
    if all(tool.name != choice.name for tool in request.functions()):
        raise BadRequest(f"tool_choice names the tool {choice.name}, which is not among the tools.")


def _history(request: Request, of: Capabilities) -> None:
    ids = _Ids(of)
    custom: set[str] = set()  # ids of calls whose results have a form of their own too
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                part.id = ids.of_call(part.id, part.name)
                if part.custom and not of.custom_tools:
                    part.arguments, part.custom = arguments.wrapped(part.arguments), False
                part.name = names.tool_name(part.name)
                if part.custom:
                    custom.add(part.id)
            elif isinstance(part, ToolResult):
                part.id = ids.of_result(part.id)
                part.custom = part.id in custom


class _Ids:
    """Legal ids; and, where a server gives the same id in every turn, different ones where they must be unique."""

    def __init__(self, of: Capabilities) -> None:
        self._of = of
        self._times: dict[str, int] = {}
        self._latest: dict[str, str] = {}

    def of_call(self, id: str, name: str) -> str:
        legal = names.call_id(names.own_id(id, name), length=self._of.id_length, plain=self._of.plain_ids)
        times = self._times[id] = self._times.get(id, 0) + 1
        if times > 1 and self._of.keeps_signatures:
            legal = f"{legal}_{times}"
        self._latest[id] = legal
        return legal

    def of_result(self, id: str) -> str:
        return self._latest.get(id, id)


def _stops(request: Request, of: Capabilities) -> None:
    most = of.max_stops
    if most is None or len(request.stop) <= most:
        return
    request.warn(
        f"Only the first {most} stop sequences were sent: {_who(of)} takes no more."
        if most
        else f"The stop sequences were left out: {_who(of)} does not take any."
    )
    request.stop = request.stop[:most]


def leading_text(parts: list[Text]) -> str:
    return "\n".join(part.text for part in parts)


def trailing_assistant(request: Request) -> Turn | None:
    """The turn that the client wants continued, if the conversation ends with one."""
    last = request.turns[-1] if request.turns else None
    return last if last is not None and last.role is Role.ASSISTANT and not last.calls() else None
