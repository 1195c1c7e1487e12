"""The neutral request to the body of a Responses request."""

from typing import Any

from routing.dialects import arguments
from routing.dialects.capabilities import Capabilities, accepts
from routing.dialects.chat.content import text_of
from routing.dialects.chat.render import effort_word
from routing.dialects.names import short
from routing.dialects.prepare import leading_text, sampling, trailing_assistant
from routing.dialects.request import (
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Request,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from routing.dialects.responses import tools
from routing.dialects.responses.content import kind_of, rendered

_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    """`request` has been through `prepare`."""
    body: dict[str, Any] = {"model": request.model}
    if request.system:
        body["instructions"] = leading_text(request.system)
    body["input"] = [item for turn in request.turns for item in _items(turn, request, of)]
    if request.max_tokens is not None:
        body[of.max_tokens_field] = max(1, request.max_tokens)
    logprobs = request.sampling.pop("logprobs", None) is True
    body |= sampling(request, of)
    if request.stream:
        body["stream"] = True
    body |= tools.render(request, of)
    if reasoning := _reasoning(request, of):
        body["reasoning"] = reasoning
    if text := _text(request, of):
        body["text"] = text
    if request.user and of.user_field:
        official = of.user_field == "safety_identifier"
        body[of.user_field] = short(request.user, 64) if official else request.user
    body |= _openai_fields(request, of, logprobs)
    if request.compact_at is not None and of.compaction:
        body["context_management"] = [{"type": "compaction", "compact_threshold": request.compact_at}]
    elif request.compact_at is not None:
        request.warn("context_management was left out: this upstream shortens no conversation.")
    if trailing_assistant(request) is not None:
        request.warn("The conversation ends with an assistant turn, which this upstream does not continue.")
    return body


def _openai_fields(request: Request, of: Capabilities, logprobs: bool) -> dict[str, Any]:
    known = of.openai_fields
    said = {name: value for name, value in request.openai.items() if name in known and name != "verbosity"}
    said.setdefault("store", False)  # its default is true here, and false in the dialects that clients come from
    if request.service_tier and "service_tier" in known:
        said["service_tier"] = request.service_tier
    include = []
    if "include" in known and not accepts("temperature", of):  # the models that think take no temperature
        include.append(_ENCRYPTED)
    if logprobs and accepts("top_logprobs", of):
        include.append(_LOGPROBS)
    elif logprobs:
        request.warn(f"logprobs was left out: the model {of.model} does not take it.")
    return {**said, "include": include} if include else said


def _items(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    if turn.role is Role.ASSISTANT:
        return _assistant(turn, request, of)
    if turn.role is Role.SYSTEM:
        role = "developer" if of.developer_role else "system"
        return _message(role, rendered(turn.parts, request))
    items = [_output(result, request, of) for result in turn.results()]
    rest: list[Part] = [part for part in turn.parts if not isinstance(part, ToolResult)]
    return items + _message("user", rendered(rest, request))


def _message(role: str, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "message", "role": role, "content": content}] if content else []


def _output(result: ToolResult, request: Request, of: Capabilities) -> dict[str, Any]:
    kind = "custom_tool_call_output" if result.custom else "function_call_output"
    output: Any = text_of(result.parts)
    if any(not isinstance(part, Text) for part in result.parts):
        output = rendered(result.parts, request)
    return {"type": kind, "call_id": result.id, "output": output}


def _assistant(turn: Turn, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for part in turn.parts:
        if isinstance(part, Text | Refusal):
            said += _said(part)
            continue
        items += _message("assistant", said)
        said = []
        items += _item(part, request, of)
    items += _message("assistant", said)
    while items and items[-1]["type"] == "reasoning":
        del items[-1]
        request.warn("Reasoning that nothing follows was left out: this upstream refuses it alone.")
    return items


def _said(part: Text | Refusal) -> list[dict[str, Any]]:
    if isinstance(part, Refusal):
        return [{"type": "refusal", "refusal": part.text}]
    return [{"type": "output_text", "text": part.text}] if part.text else []


def _item(part: Part, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    match part:
        case ToolCall(custom=True):
            called = {"call_id": part.id, "name": part.name}
            return [{"type": "custom_tool_call", **called, "input": part.arguments}]
        case ToolCall():
            called = {"call_id": part.id, "name": part.name}
            return [{"type": "function_call", **called, "arguments": arguments.as_text(part.arguments)}]
        case Reasoning():
            return _thought(part, of)
        case Image() | Document():
            request.warn("An image or file in an assistant turn was left out: this upstream takes text there.")
            return []
    request.warn(f"A part of type {kind_of(part)} was left out: this upstream does not know it.")
    return []


def _thought(part: Reasoning, of: Capabilities) -> list[dict[str, Any]]:
    """OpenAI takes back only what it sealed itself; servers that keep no seals take the text."""
    if part.encrypted:
        named = {"id": part.id} if part.id else {}
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        return [{"type": "reasoning", **named, "summary": summary, "encrypted_content": part.encrypted}]
    if part.text and of.reasoning_field:
        raw = [{"type": "reasoning_text", "text": part.text}]
        return [{"type": "reasoning", "summary": [], "content": raw}]
    return []


def _reasoning(request: Request, of: Capabilities) -> dict[str, Any]:
    """Without `summary` a model that thinks says nothing of it, so it is asked for where a client reads thinking."""
    said: dict[str, Any] = {}
    if word := effort_word(request, of):
        said["effort"] = word
    wants = request.thinking in (Thinking.ENABLED, Thinking.ADAPTIVE) and request.display != "omitted"
    if request.summary or wants:
        said["summary"] = request.summary or "auto"
    return said


def _text(request: Request, of: Capabilities) -> dict[str, Any]:
    said: dict[str, Any] = {}
    wanted = request.response_format
    if wanted is not None and wanted.kind == "json_schema":
        format: dict[str, Any] = {"type": "json_schema", "name": wanted.name or "structured_output"}
        format["schema"] = wanted.schema
        if wanted.description:
            format["description"] = wanted.description
        if wanted.strict is not None:
            format["strict"] = wanted.strict
        said["format"] = format
    elif wanted is not None:
        said["format"] = {"type": wanted.kind}
    if "verbosity" in request.openai:
        if "verbosity" in of.openai_fields:
            said["verbosity"] = request.openai["verbosity"]
        else:
            request.warn("verbosity was left out: this upstream does not take it.")
    return said
