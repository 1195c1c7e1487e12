"""The content blocks of Anthropic's messages, both ways."""

from typing import Any

from routing.dialects import arguments, reading, seals
from routing.dialects.capabilities import Capabilities
from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
)
from routing.errors import BadRequest


def parse(content: Any, request: Request, what: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts: list[Part] = []
    for index, block in enumerate(reading.items(content, f"{what}.content")):
        if isinstance(block, str):
            parts.append(Text(block))
        elif isinstance(block, dict):
            parts += _block(block, request, f"{what}.content[{index}]")
        else:
            raise BadRequest(f"{what}.content[{index}] must be an object.")
    return parts


def _block(block: dict[str, Any], request: Request, what: str) -> list[Part]:
    kind, cache = block.get("type", "text"), block.get("cache_control")
    match kind:
        case "text":
            return [Text(reading.text(block.get("text"), f"{what}.text"), cache)]
        case "image":
            return [_image(reading.mapping(block.get("source"), f"{what}.source"), cache, what)]
        case "document":
            return [_document(block, request, what)]
        case "thinking":
            text = reading.text(block.get("thinking"), f"{what}.thinking")
            return [seals.of_signature(text, reading.text(block.get("signature"), f"{what}.signature"))]
        case "redacted_thinking":
            return [Reasoning(redacted=reading.text(block.get("data"), f"{what}.data"))]
        case "tool_use":
            given = dumps_text(block.get("input") or {})
            id, name = (reading.text(block.get(key), f"{what}.{key}") for key in ("id", "name"))
            return [ToolCall(id, name, given, cache=cache)]
        case "tool_result":
            id = reading.text(block.get("tool_use_id"), f"{what}.tool_use_id")
            inner = parse(block.get("content"), request, what)
            return [ToolResult(id, inner, block.get("is_error") is True, cache=cache)]
        case "compaction":  # Anthropic's summary of all that stood before it
            return [Text(reading.text(block.get("content"), f"{what}.content"), cache)]
        case "search_result":
            request.warn("A search result was written out as text.")
            return [Text(_search_result(block))]
        case "tool_reference":
            request.warn("A reference to a tool was written out as text.")
            return [Text(f"[tool: {block.get('tool_name')}]")]
    return [Unknown(str(kind), block)]


def _image(source: dict[str, Any], cache: Any, what: str) -> Image:
    match source.get("type"):
        case "base64":
            media_type = reading.text(source.get("media_type"), f"{what}.source.media_type") or "image/jpeg"
            return Image(media_type, reading.text(source.get("data"), f"{what}.source.data"), cache=cache)
        case "url":
            return Image(url=reading.text(source.get("url"), f"{what}.source.url"), cache=cache)
        case "file":
            return Image(file_id=reading.text(source.get("file_id"), f"{what}.source.file_id"), cache=cache)
    raise BadRequest(f"{what}.source.type must be base64, url or file.")


def _document(block: dict[str, Any], request: Request, what: str) -> Document:
    source = reading.mapping(block.get("source"), f"{what}.source")
    document = Document(
        title=reading.text(block.get("title"), f"{what}.title"),
        context=reading.text(block.get("context"), f"{what}.context"),
        cache=block.get("cache_control"),
    )
    match source.get("type"):
        case "base64":
            document.media_type = reading.text(source.get("media_type"), what) or "application/pdf"
            document.data = reading.text(source.get("data"), f"{what}.source.data")
        case "text":
            document.media_type, document.text = "text/plain", reading.text(source.get("data"), f"{what}.source.data")
        case "content":
            document.parts = parse(source.get("content"), request, f"{what}.source")
        case "url":
            document.url = reading.text(source.get("url"), f"{what}.source.url")
        case "file":
            document.file_id = reading.text(source.get("file_id"), f"{what}.source.file_id")
        case _:
            raise BadRequest(f"{what}.source.type must be base64, text, content, url or file.")
    return document


def _search_result(block: dict[str, Any]) -> str:
    inner = block.get("content")
    texts = [item.get("text") for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []
    said = (block.get("title"), block.get("source"), *texts)
    return "\n".join(text for text in said if isinstance(text, str) and text)


def render(part: Part, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    """The blocks of a part; none for what Anthropic refuses or has no word for."""
    match part:
        case Text():
            # Empty text and white space alone are refused.
            return [_cached({"type": "text", "text": part.text}, part.cache)] if part.text.strip() else []
        case Refusal():
            return [{"type": "text", "text": part.text}] if part.text.strip() else []
        case Image():
            return [_cached({"type": "image", "source": _image_source(part, of)}, part.cache)]
        case Document():
            return _document_block(part, request, of)
        case Reasoning():
            return _thinking(part, of)
        case ToolCall():
            return [_cached(_tool_use(part, request), part.cache)]
        case ToolResult():
            return [_cached(_tool_result(part, request, of), part.cache)]
        case Audio():
            raise BadRequest(
                "The part input_audio cannot be sent to this upstream: Anthropic's Messages have no audio."
            )
    request.warn(f"A part of type {part.kind} was left out: this upstream does not know it.")
    return []


def _cached(block: dict[str, Any], cache: Any) -> dict[str, Any]:
    return {**block, "cache_control": cache} if cache else block


def _image_source(image: Image, of: Capabilities) -> dict[str, Any]:
    if image.file_id:
        raise BadRequest("An image by file id cannot be sent to this upstream: the id belongs to another provider.")
    if image.url:
        return {"type": "url", "url": image.url}
    if of.image_types is not None and image.media_type not in of.image_types:
        allowed = ", ".join(sorted(of.image_types))
        raise BadRequest(f"Images of type {image.media_type} cannot be sent to this upstream. It takes {allowed}.")
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _document_block(part: Document, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    if part.file_id:
        raise BadRequest("A file by its id cannot be sent to this upstream: the id belongs to another provider.")
    if part.parts:
        inner = [block for item in part.parts for block in render(item, request, of)]
        source: dict[str, Any] = {"type": "content", "content": inner}
    elif part.url:
        source = {"type": "url", "url": part.url}
    elif part.text:
        source = {"type": "text", "media_type": "text/plain", "data": part.text}
    else:
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    named = {name: text for name, text in (("title", part.title), ("context", part.context)) if text}
    return [_cached({"type": "document", "source": source, **named}, part.cache)]


def _thinking(part: Reasoning, of: Capabilities) -> list[dict[str, Any]]:
    """Only what its maker sealed: Anthropic refuses thinking without a genuine signature."""
    if part.redacted:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    if part.signature or (part.text and not of.keeps_signatures and of.reasoning_field):
        return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]
    return []


def _tool_use(part: ToolCall, request: Request) -> dict[str, Any]:
    given, is_object = arguments.as_object(part.arguments)
    if not is_object:
        request.warn(f"The arguments of the call {part.id} are no JSON object; they were sent as “{arguments.RAW}”.")
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}


def _tool_result(part: ToolResult, request: Request, of: Capabilities) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.id}
    inner = [block for item in part.parts for block in render(item, request, of)]
    match inner:
        case []:
            pass
        case [{"type": "text", "text": text, **rest}] if not rest:
            block["content"] = text
        case _:
            block["content"] = inner
    return {**block, "is_error": True} if part.is_error else block
