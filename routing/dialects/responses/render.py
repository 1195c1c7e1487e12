"""The neutral request to the body of a Responses request."""

from typing import Any

from routing.dialects import arguments
from routing.dialects.capabilities import Capabilities
from routing.dialects.chat.render import effort_word, object_schema
from routing.dialects.names import short
from routing.dialects.prepare import leading_text, sampling, trailing_assistant
from routing.dialects.request import (
    Audio,
    Choice,
    Document,
    Image,
    Part,
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
from routing.errors import BadRequest


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    """`request` has been through `prepare`."""
    body: dict[str, Any] = {"model": request.model}
    if request.system:
        body["instructions"] = leading_text(request.system)
    body["input"] = [item for turn in request.turns for item in _items(turn, request, of)]
    if request.max_tokens is not None:
        body[of.max_tokens_field] = max(1, request.max_tokens)
    body |= sampling(request, of)
    if request.stream:
        body["stream"] = True
    body |= _tools(request, of)
    body |= _reasoning_wanted(request, of)
    body |= _text(request)
    if request.user:
        official = of.user_field == "safety_identifier"
        body[of.user_field] = short(request.user, 64) if official else request.user
    body |= {name: value for name, value in request.openai.items() if name in of.openai_fields and name != "verbosity"}
    if request.service_tier and "service_tier" in of.openai_fields:
        body["service_tier"] = request.service_tier
    body.setdefault("store", False)
    if trailing_assistant(request) is not None:
        request.warn("The conversation ends with an assistant turn, which this upstream may not continue.")
    return body


def _items(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    if turn.role is Role.SYSTEM:
        texts = [{"type": "input_text", "text": part.text} for part in turn.parts if isinstance(part, Text)]
        return [{"type": "message", "role": "developer" if of.developer_role else "system", "content": texts}]
    if turn.role is Role.ASSISTANT:
        return _assistant(turn, request, of)
    items: list[dict[str, Any]] = [_result(result, request, of) for result in turn.results()]
    rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
    content = [found for part in rest for found in _input(part, request, of)]
    if content:
        items.append({"type": "message", "role": "user", "content": content})
    return items


def _assistant(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for part in turn.parts:
        match part:
            case Text() | Refusal():
                kind, member = ("output_text", "text") if isinstance(part, Text) else ("refusal", "refusal")
                if part.text:
                    content = [{"type": kind, member: part.text}]
                    items.append({"type": "message", "role": "assistant", "content": content})
            case ToolCall():
                items.append(_call(part))
            case Reasoning():
                items += _reasoning(part, of)
            case _:
                kind = getattr(part, "kind", type(part).__name__.lower())
                request.warn(f"A part of type {kind} in an assistant turn was left out: it has no form there.")
    return items


def _call(call: ToolCall) -> dict[str, Any]:
    base = {"call_id": call.id, "name": call.name}
    if call.custom:
        return {"type": "custom_tool_call", **base, "input": call.arguments}
    return {"type": "function_call", **base, "arguments": arguments.as_text(call.arguments)}


def _reasoning(part: Reasoning, of: Capabilities) -> list[dict[str, Any]]:
    """OpenAI takes its own sealed reasoning alone; others take the text."""
    if part.encrypted and part.id:
        return [{"type": "reasoning", "id": part.id, "summary": [], "encrypted_content": part.encrypted}]
    if part.text and of.reasoning_field:
        return [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": part.text}]}]
    return []


def _result(result: ToolResult, request: Request, of: Capabilities) -> dict[str, Any]:
    kind = "custom_tool_call_output" if result.custom else "function_call_output"
    output: Any
    if all(isinstance(part, Text) for part in result.parts):
        output = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    else:
        output = [found for part in result.parts for found in _input(part, request, of)]
    return {"type": kind, "call_id": result.id, "output": output}


def _input(part: Part, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    match part:
        case Text() | Refusal():
            return [{"type": "input_text", "text": part.text}] if part.text else []
        case Image():
            return [_image(part)]
        case Document():
            return _file(part, request, of)
        case Audio():
            raise BadRequest("The part input_audio cannot be sent to this upstream: Responses have no audio.")
    kind = getattr(part, "kind", type(part).__name__.lower())
    request.warn(f"A part of type {kind} was left out: this upstream does not know it.")
    return []


def _image(image: Image) -> dict[str, Any]:
    if image.file_id:
        raise BadRequest("An image by file id cannot be sent to this upstream: the id belongs to another provider.")
    detail = {"detail": image.detail} if image.detail else {}
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "input_image", "image_url": url, **detail}


def _file(part: Document, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    if part.file_id:
        raise BadRequest("A file by its id cannot be sent to this upstream: the id belongs to another provider.")
    if part.parts:
        return [found for item in part.parts for found in _input(item, request, of)]
    if part.text:
        return [{"type": "input_text", "text": "\n".join(said for said in (part.title, part.text) if said)}]
    if part.url:
        return [{"type": "input_file", "file_url": part.url}]
    data = f"data:{part.media_type};base64,{part.data}"
    return [{"type": "input_file", "filename": part.title or "document.pdf", "file_data": data}]


def _tools(request: Request, of: Capabilities) -> dict[str, Any]:
    tools = [_tool(tool, of) if isinstance(tool, Tool) else _server_tool(tool) for tool in request.tools]
    if not tools:
        return {}
    said: dict[str, Any] = {"tools": tools}
    choice = request.tool_choice
    if choice is not None:
        said["tool_choice"] = choice.mode.value
        if choice.mode is Choice.TOOL:
            custom = any(tool.name == choice.name and tool.custom for tool in request.functions())
            said["tool_choice"] = {"type": "custom" if custom else "function", "name": choice.name}
    if request.parallel_tool_calls is False:
        said["parallel_tool_calls"] = False
    return said


def _tool(tool: Tool, of: Capabilities) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    if tool.custom:
        format = {"format": tool.format} if tool.format else {}
        return {"type": "custom", "name": tool.name, **described, **format}
    # Left out, `strict` would mean true there.
    strict = bool(tool.strict) and of.strict_tools
    schema = object_schema(tool.schema)
    return {"type": "function", "name": tool.name, **described, "parameters": schema, "strict": strict}


def _server_tool(tool: ServerTool) -> dict[str, Any]:
    raw = tool.raw if isinstance(tool.raw, dict) else {}
    said: dict[str, Any] = {"type": "web_search"}
    if raw.get("user_location"):
        said["user_location"] = raw["user_location"]
    if raw.get("allowed_domains"):
        said["filters"] = {"allowed_domains": raw["allowed_domains"]}
    return said


def _reasoning_wanted(request: Request, of: Capabilities) -> dict[str, Any]:
    """A summary must be asked for, or a client that shows thinking has nothing to show."""
    word = effort_word(request, of)
    wanted: dict[str, Any] = {"effort": word} if word else {}
    thinks = request.thinking in (Thinking.ENABLED, Thinking.ADAPTIVE)
    if request.summary or thinks:
        wanted["summary"] = request.summary or "auto"
    return {"reasoning": wanted} if wanted else {}


def _text(request: Request) -> dict[str, Any]:
    said: dict[str, Any] = {}
    wanted = request.response_format
    if wanted is not None and wanted.kind == "json_schema":
        named = {"name": wanted.name or "structured_output", "schema": wanted.schema}
        extra = {"strict": wanted.strict} if wanted.strict is not None else {}
        described = {"description": wanted.description} if wanted.description else {}
        said["format"] = {"type": "json_schema", **named, **extra, **described}
    elif wanted is not None:
        said["format"] = {"type": wanted.kind}
    if "verbosity" in request.openai:
        said["verbosity"] = request.openai["verbosity"]
    return {"text": said} if said else {}
