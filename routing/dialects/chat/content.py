"""The content parts of chat messages, both ways."""

from typing import Any

from routing.dialects import reading
from routing.dialects.capabilities import Capabilities
from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Part,
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
    for index, part in enumerate(reading.items(content, f"{what}.content")):
        if isinstance(part, str):
            parts.append(Text(part))
        elif isinstance(part, dict):
            parts.append(_part(part, request, f"{what}.content[{index}]"))
        else:
            raise BadRequest(f"{what}.content[{index}] must be an object.")
    return parts


def _part(part: dict[str, Any], request: Request, what: str) -> Part:
    match part.get("type", "text"):
        case "text" | "input_text" | "output_text":
            return Text(reading.text(part.get("text"), f"{what}.text"))
        case "image_url":
            return image(part.get("image_url"), what)
        case "file":
            return file(reading.mapping(part.get("file"), f"{what}.file"), what)
        case "input_audio":
            audio = reading.mapping(part.get("input_audio"), f"{what}.input_audio")
            return Audio(reading.text(audio.get("data"), what), reading.text(audio.get("format"), what))
        case "refusal":
            return Refusal(reading.text(part.get("refusal"), f"{what}.refusal"))
        case "tool_use":  # some editors mix Anthropic's blocks in
            id, name = (reading.text(part.get(key), f"{what}.{key}") for key in ("id", "name"))
            return ToolCall(id, name, dumps_text(part.get("input") or {}))
        case "tool_result":
            id = reading.text(part.get("tool_use_id"), f"{what}.tool_use_id")
            return ToolResult(id, parse(part.get("content"), request, what), part.get("is_error") is True)
        case kind:
            return Unknown(str(kind), part)


def image(value: Any, what: str) -> Image:
    """Of {"url", "detail"}, or of the address alone."""
    detail = ""
    if isinstance(value, dict):
        detail = reading.text(value.get("detail"), f"{what}.detail")
        value = value.get("url")
    url = reading.text(value, f"{what}.image_url")
    inline = reading.data_uri(url)
    return Image(*inline, detail=detail) if inline else Image(url=url, detail=detail)


def file(file: dict[str, Any], what: str) -> Document:
    data = reading.text(file.get("file_data"), f"{what}.file_data")
    title = reading.text(file.get("filename"), f"{what}.filename")
    if not data:
        id, url = reading.text(file.get("file_id"), what), reading.text(file.get("file_url"), what)
        return Document(file_id=id, url=url, title=title)
    media_type, content = reading.data_uri(data) or ("application/pdf", data)
    return Document(media_type, content, title=title)


def text_of(parts: list[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def written_out(part: Part) -> list[Part]:
    """A document of text, or of parts, is what it consists of."""
    if isinstance(part, Document) and part.parts:
        return [found for inner in part.parts for found in written_out(inner)]
    if isinstance(part, Document) and part.text:
        return [Text("\n".join(said for said in (part.title, part.context, part.text) if said))]
    return [part]


def rendered_parts(parts: list[Part], request: Request, of: Capabilities) -> Any:
    """A list of parts, or one string where there is only text and the upstream likes it flat."""
    whole = [found for part in parts for found in written_out(part)]
    rendered = [found for part in whole for found in _rendered(part, request, of)]
    only_text = all(part["type"] == "text" for part in rendered)
    if only_text and (of.flat_text or len(rendered) == 1):
        return "\n".join(part["text"] for part in rendered)
    return rendered


def _rendered(part: Part, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    match part:
        case Text():
            return [{"type": "text", "text": part.text}] if part.text else []
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Image():
            return [{"type": "image_url", "image_url": _image_url(part, of)}]
        case Document():
            return _file(part, request, of)
        case Audio():
            return [{"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}]
    kind = getattr(part, "kind", type(part).__name__.lower())
    request.warn(f"A part of type {kind} was left out: this upstream does not know it.")
    return []


def _image_url(image: Image, of: Capabilities) -> dict[str, Any]:
    if image.file_id:
        raise BadRequest("An image by file id cannot be sent to this upstream: the id belongs to another provider.")
    if image.url and not of.image_urls:
        raise BadRequest("This upstream takes images as base64 data alone, no addresses. Send the image itself.")
    detail = {"detail": image.detail} if image.detail else {}
    return {"url": image.url or f"data:{image.media_type};base64,{image.data}", **detail}


def _file(part: Document, request: Request, of: Capabilities) -> list[dict[str, Any]]:
    if part.file_id:
        raise BadRequest("A file by its id cannot be sent to this upstream: the id belongs to another provider.")
    if part.url:
        raise BadRequest("A document by address cannot be sent to this upstream. Send its content.")
    if not of.documents:
        raise BadRequest(
            f"This upstream takes no documents of type {part.media_type}. Send the text or images of them."
        )
    data = f"data:{part.media_type};base64,{part.data}"
    return [{"type": "file", "file": {"filename": part.title or "document.pdf", "file_data": data}}]
