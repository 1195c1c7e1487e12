"""The content parts of Responses messages and tool results, both ways."""

from typing import Any

from routing.dialects import reading
from routing.dialects.chat.content import file, image
from routing.dialects.request import Audio, Document, Image, Part, Refusal, Request, Text, Unknown
from routing.errors import BadRequest


def parse(content: Any, what: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts: list[Part] = []
    for index, part in enumerate(reading.items(content, what)):
        if isinstance(part, str):
            parts.append(Text(part))
        elif isinstance(part, dict):
            parts.append(_part(part, f"{what}[{index}]"))
        else:
            raise BadRequest(f"{what}[{index}] must be an object.")
    return parts


def _part(part: dict[str, Any], what: str) -> Part:
    match part.get("type", "text"):
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return Text(reading.text(part.get("text"), f"{what}.text"))
        case "input_image" | "image_url":
            return _image(part, what)
        case "input_file":
            return file(part, what)
        case "refusal":
            return Refusal(reading.text(part.get("refusal"), f"{what}.refusal"))
        case "input_audio":
            audio = reading.mapping(part.get("input_audio"), f"{what}.input_audio")
            return Audio(reading.text(audio.get("data"), what), reading.text(audio.get("format"), what))
        case kind:
            return Unknown(str(kind), part)


def _image(part: dict[str, Any], what: str) -> Image:
    file_id = reading.text(part.get("file_id"), f"{what}.file_id")
    if file_id:
        return Image(file_id=file_id)
    found = image(part.get("image_url"), what)
    found.detail = found.detail or reading.text(part.get("detail"), f"{what}.detail")
    return found


def rendered(parts: list[Part], request: Request) -> list[dict[str, Any]]:
    """What a user says, or a tool answers."""
    return [found for part in parts for found in _rendered(part, request)]


def _rendered(part: Part, request: Request) -> list[dict[str, Any]]:
    match part:
        case Text() | Refusal():
            return [{"type": "input_text", "text": part.text}] if part.text else []
        case Image():
            return [_input_image(part)]
        case Document():
            return _input_file(part, request)
        case Audio():
            raise BadRequest("The part input_audio cannot be sent to this upstream: Responses take no audio there.")
    request.warn(f"A part of type {kind_of(part)} was left out: this upstream does not know it.")
    return []


def kind_of(part: Part) -> str:
    return part.kind if isinstance(part, Unknown) else type(part).__name__.lower()


def _input_image(image: Image) -> dict[str, Any]:
    if image.file_id:
        raise BadRequest("An image by file id cannot be sent to this upstream: the id belongs to another provider.")
    detail = {"detail": image.detail} if image.detail else {}
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "input_image", "image_url": url, **detail}


def _input_file(part: Document, request: Request) -> list[dict[str, Any]]:
    if part.file_id:
        raise BadRequest("A file by its id cannot be sent to this upstream: the id belongs to another provider.")
    if part.parts:
        return rendered(part.parts, request)
    if part.text:
        said = "\n".join(text for text in (part.title, part.context, part.text) if text)
        return [{"type": "input_text", "text": said}]
    if part.url:
        return [{"type": "input_file", "file_url": part.url}]
    data = f"data:{part.media_type};base64,{part.data}"
    return [{"type": "input_file", "filename": part.title or "document.pdf", "file_data": data}]
