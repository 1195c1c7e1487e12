"""How the tests say what an answer should become, and how they feed one."""

import json
from dataclasses import dataclass, field
from typing import Any

from routing.dialects.events import (
    End,
    Event,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
)
from validation.repair import Repair


def takes(**properties: Any) -> dict[str, Any]:
    """A tool's schema: a type's name for each parameter, or a schema of its own."""
    return {
        "type": "object",
        "properties": {key: {"type": value} if isinstance(value, str) else value for key, value in properties.items()},
    }


def needs(schema: dict[str, Any], *required: str) -> dict[str, Any]:
    return {**schema, "required": list(required)}


TOOLS = {
    "book_room": needs(takes(room="string", hours="integer"), "room"),
    "mcp.read-file": takes(path="string", limit="integer"),
    "shell": needs(takes(command="string", cwd="string"), "command"),
    "exec": takes(cmd="string"),
    "get_x": takes(x="integer"),
    "ping": takes(n="number"),
    "noop": takes(),
    "convert": takes(**{"from": "string", "to": "string", "v": "number"}),
    "resize": takes(
        px="integer",
        ratio="number",
        keep="boolean",
        name="string",
        note={"type": ["string", "null"]},
        size={"anyOf": [{"type": "integer"}, {"type": "string"}]},
        tags="array",
        options="object",
        mode={"enum": ["fast", "1"]},
    ),
    "write": takes(path="string", content="string"),
    "add_note": takes(text="string", pin="boolean", tags="array"),
    "dim": takes(lamp="integer"),
    "roll": takes(sides="integer"),
    "seek": takes(t="number", label="string"),
    "trim": takes(clip="integer", name="string"),
    "mute": takes(ch="integer"),
    "wake": takes(at="string"),
    "fan": takes(speed="integer", label="string"),
    "rain": takes(day="string"),
    "scan": takes(deep="boolean"),
    "paint": takes(wall="string", coats="integer", on="boolean"),
    "forecast": takes(
        city="string",
        days={"type": "array", "items": {"type": "integer"}},
        place={"type": "object", "properties": {"lat": {"type": "number"}, "name": {"type": "string"}}},
    ),
}

Calls = list[tuple[str, Any]]


@dataclass(frozen=True)
class Case:
    """`text` as the model wrote it becomes `calls`, with `says` as the text left and `thinks` as the reasoning."""

    name: str
    text: str
    calls: Calls = field(default_factory=list)
    says: str = ""
    thinks: str = ""
    ids: tuple[str, ...] = ()
    opened: bool = False
    finish: FinishReason = FinishReason.STOP


def call_id(number: int) -> str:
    return f"call_{number}"


def repair(tools: Any = None, families: Any = None, **options: Any) -> Repair:
    return Repair(TOOLS if tools is None else tools, families, call_id=call_id, **options)


def answer(pieces: list[Event] | list[str], repair: Repair, finish: FinishReason = FinishReason.STOP) -> list[Event]:
    """Everything that comes out, when texts (of the answer) or events go in."""
    events: list[Event] = []
    for piece in pieces:
        events += repair.feed(Text(piece) if isinstance(piece, str) else piece)
    return [*events, *repair.feed(Finish(finish)), *repair.feed(End()), *repair.close()]


def told(events: list[Event]) -> list[Any]:
    """The answer whatever its pieces: texts joined, calls with their arguments."""
    said: list[Any] = []
    calls: dict[int, list[Any]] = {}
    for event in events:
        if isinstance(event, Text | Reasoning):
            kind = type(event).__name__
            if said and said[-1][0] == kind:
                said[-1] = (kind, said[-1][1] + event.text)
            else:
                said.append((kind, event.text))
        elif isinstance(event, ToolStart):
            calls[event.key] = [event.id, event.name, ""]
            said.append(calls[event.key])
        elif isinstance(event, ToolArguments):
            calls[event.key][2] += event.text
        elif not isinstance(event, ToolEnd):
            said.append(event)
    return said


def calls_of(events: list[Event]) -> Calls:
    return [(item[1], json.loads(item[2])) for item in told(events) if isinstance(item, list)]


def text_of(events: list[Event], kind: type[Event] = Text) -> str:
    return "".join(event.text for event in events if type(event) is kind)


def ids_of(events: list[Event]) -> tuple[str, ...]:
    return tuple(item[0] for item in told(events) if isinstance(item, list))
