"""The neutral request to the body of a chat request."""

from typing import Any

from routing.dialects import arguments
from routing.dialects.capabilities import Capabilities, Prefill, ThinkingForm
from routing.dialects.chat.content import rendered_parts, text_of, written_out
from routing.dialects.names import short
from routing.dialects.prepare import leading_text, sampling, trailing_assistant
from routing.dialects.request import (
    Choice,
    Document,
    Image,
    Reasoning,
    Refusal,
    Request,
    Role,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)

NO_TEXT = "(see the attached content)"  # stands in a tool message whose result was images alone


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    """`request` has been through `prepare`."""
    body: dict[str, Any] = {"model": request.model, "messages": _messages(request, of)}
    if request.max_tokens is not None:
        body[of.max_tokens_field] = max(1, request.max_tokens)
    body |= sampling(request, of)
    if request.stop:
        body["stop"] = request.stop
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    body |= _tools(request, of)
    body |= _effort(request, of, body)
    if (wanted := response_format(request)) is not None:
        body["response_format"] = wanted
    if request.user and of.user_field:
        official = of.user_field == "safety_identifier"
        body[of.user_field] = short(request.user, 64) if official else request.user
    body |= {name: value for name, value in request.openai.items() if name in of.openai_fields}
    if request.service_tier and "service_tier" in of.openai_fields:
        body["service_tier"] = request.service_tier
    if "verbosity" in request.openai and "verbosity" not in of.openai_fields:
        request.warn("verbosity was left out: this upstream does not take it.")
    if request.compact_at is not None:
        request.warn("context_management was left out: this upstream shortens no conversation.")
    return body | _prefill(request, of, body["messages"])


def _messages(request: Request, of: Capabilities) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.system:
        messages.append({"role": _system_role(request, of), "content": leading_text(request.system)})
    for turn in request.turns:
        if turn.role is Role.ASSISTANT:
            messages += _assistant(turn, request, of)
        elif turn.role is Role.SYSTEM:
            messages += _system(turn, request, of)
        else:
            messages += _user(turn, request, of)
    return messages


def _system_role(request: Request, of: Capabilities) -> str:
    """Models that think, and instructions of a Responses client, have the word of that API, where it is known."""
    return "developer" if of.developer_role and (request.instructed or of.max_stops == 0) else "system"


def _system(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    text = text_of(turn.parts)
    return [{"role": _system_role(request, of) if of.late_system else "user", "content": text}] if text else []


def _assistant(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    calls = turn.calls()
    text = "".join(part.text for part in turn.parts if isinstance(part, Text))
    refusal = "".join(part.text for part in turn.parts if isinstance(part, Refusal))
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if refusal:
        message["refusal"] = refusal
    _drop_unknown(turn, request)
    message |= _reasoning(turn, of, bool(calls), request)
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    elif not text and not refusal:
        if "reasoning" not in message and "reasoning_content" not in message:
            return []
        message["content"] = ""
    return [message]


def _call(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": arguments.as_text(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _reasoning(turn: Turn, of: Capabilities, has_calls: bool, request: Request) -> dict[str, Any]:
    """The thinking of the turn, where the upstream wants it.  It never becomes part of the content."""
    if not of.reasoning_field:
        return {}
    text = "".join(part.text for part in turn.parts if isinstance(part, Reasoning))
    if text:
        return {of.reasoning_field: text}
    if of.reasoning_required and has_calls and request.thinking is not Thinking.DISABLED:
        return {of.reasoning_field: " "}
    return {}


def _user(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    """One message for each result, nothing between them, and what is left in one user message after them."""
    messages: list[dict[str, Any]] = []
    rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
    moved: list[Any] = []
    for result in turn.results():
        message, attachments = _tool_message(result, request, of)
        messages.append(message)
        moved += attachments
    content = rendered_parts([*moved, *rest], request, of)
    if content:
        messages.append({"role": "user", "content": content})
    return messages


def _tool_message(result: ToolResult, request: Request, of: Capabilities) -> tuple[dict[str, Any], list[Any]]:
    """The message, and the images and files that it cannot hold."""
    parts = [found for part in result.parts for found in written_out(part)]
    attachments = [part for part in parts if isinstance(part, Image | Document)]
    if of.tool_result_images and attachments:
        content, attachments = rendered_parts(parts, request, of), []
    else:
        content = text_of(parts) or (NO_TEXT if attachments else "")
        if attachments:
            request.warn("Images and files of tool results were sent in a user message after them.")
    for part in parts:
        if not isinstance(part, Image | Document | Text):
            request.warn("A part of a tool result was left out: this upstream takes text and images there.")
    return {"role": "tool", "tool_call_id": result.id, "content": content}, attachments


def _drop_unknown(turn: Turn, request: Request) -> None:
    for part in turn.parts:
        if not isinstance(part, Text | Refusal | Reasoning | ToolCall):
            kind = getattr(part, "kind", type(part).__name__.lower())
            request.warn(f"A part of type {kind} in an assistant turn was left out: this upstream does not know it.")


def _tools(request: Request, of: Capabilities) -> dict[str, Any]:
    tools = [_tool(tool, of) for tool in request.functions()]
    searching: dict[str, Any] = {}
    for tool in request.tools:
        if isinstance(tool, ServerTool):
            searching["web_search_options"] = _search(tool)
    if not tools:
        return searching
    said: dict[str, Any] = {"tools": tools, **searching}
    choice = request.tool_choice
    if choice is not None:
        said["tool_choice"] = _choice(choice.mode, choice.name, request)
    if request.parallel_tool_calls is False:
        said["parallel_tool_calls"] = False
    return said


def _tool(tool: Tool, of: Capabilities) -> dict[str, Any]:
    if tool.custom:
        return {"type": "custom", "custom": _custom(tool)}
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = object_schema(tool.schema)
    if tool.strict is not None and of.strict_tools:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _search(tool: ServerTool) -> dict[str, Any]:
    """Only models that search have this, and it is no tool here."""
    place = tool.raw.get("user_location") if isinstance(tool.raw, dict) else None
    if not isinstance(place, dict):
        return {}
    inner = {name: value for name, value in place.items() if name != "type"}
    return {"user_location": {"type": "approximate", "approximate": inner}}


def _custom(tool: Tool) -> dict[str, Any]:
    custom: dict[str, Any] = {"name": tool.name}
    if tool.description:
        custom["description"] = tool.description
    if isinstance(tool.format, dict):
        format = dict(tool.format)
        kind = format.pop("type", "text")
        custom["format"] = {"type": "grammar", "grammar": format} if kind == "grammar" else {"type": kind}
    return custom


def object_schema(schema: Any) -> dict[str, Any]:
    """A schema that every server takes: of type object, with properties."""
    if not isinstance(schema, dict) or not schema:
        return {"type": "object", "properties": {}}
    if schema.get("type") in (None, "object") and "properties" not in schema:
        return {"type": "object", "properties": {}, **schema}
    return schema if "type" in schema else {"type": "object", **schema}


def _choice(mode: Choice, name: str, request: Request) -> Any:
    if mode is not Choice.TOOL:
        return mode.value
    custom = any(tool.name == name and tool.custom for tool in request.functions())
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}


def response_format(request: Request) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name or "structured_output", "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    if wanted.description:
        schema["description"] = wanted.description
    return {"type": "json_schema", "json_schema": schema}


def effort_word(request: Request, of: Capabilities) -> str:
    """The effort that was asked for, or that a budget of thinking amounts to, in the upstream's words."""
    effort = request.effort
    if not effort and request.thinking is Thinking.ENABLED and request.budget is not None:
        effort = _of_budget(request.budget)
    if effort in of.efforts:
        request.warn(f"The effort “{effort}” was sent as “{of.efforts[effort]}”, the nearest this upstream knows.")
        return of.efforts[effort]
    return effort


def _of_budget(budget: int) -> str:
    steps = ((2000, "minimal"), (5000, "low"), (10000, "medium"))
    return next((word for below, word in steps if budget < below), "high")


def _effort(request: Request, of: Capabilities, body: dict[str, Any]) -> dict[str, Any]:
    word = effort_word(request, of)
    off = word == "none" or (request.thinking is Thinking.DISABLED and not word)
    if of.thinking is ThinkingForm.SWITCH:
        if off:
            return {"thinking": {"type": "disabled"}}
        return {"thinking": {"type": "enabled"}} if word or request.thinking is not None else {}
    said: dict[str, Any] = {"reasoning_effort": word} if word else {}
    if of.thinking is ThinkingForm.TEMPLATE and of.thinking_switch:
        on = word or request.thinking in (Thinking.ENABLED, Thinking.ADAPTIVE)
        given = body.get("chat_template_kwargs")
        kwargs = given if isinstance(given, dict) else {}
        if (word == "none" or on) and of.thinking_switch not in kwargs:
            said["chat_template_kwargs"] = {**kwargs, of.thinking_switch: word != "none"}
    return said


def _prefill(request: Request, of: Capabilities, messages: list[dict[str, Any]]) -> dict[str, Any]:
    if trailing_assistant(request) is None or not messages or messages[-1]["role"] != Role.ASSISTANT:
        return {}
    if of.prefill is Prefill.FLAGGED:
        return {"continue_final_message": True, "add_generation_prompt": False}
    if of.prefill is Prefill.FINISHED:
        request.warn("The conversation ends with an assistant turn, which this upstream may not continue.")
    return {}
