"""What the demo's model `demo-leaky` says: a call as a model writes it, left in its reasoning as servers leave it."""

from typing import Any

import orjson

_EXAMPLES = {"string": "demo", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}


def thought(body: dict[str, Any]) -> str:
    """A call of the request's first tool, in Kimi's markup, inside reasoning that does not end."""
    name, schema = _first_tool(body)
    arguments = orjson.dumps({key: _example(value) for key, value in _required(schema)}).decode()
    return (
        f"I should use {name} for this. <|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0"
        f"<|tool_call_argument_begin|>{arguments}<|tool_call_end|><|tool_calls_section_end|>"
    )


def pieces(text: str) -> list[str]:
    """As tokens come: a few characters each, and markers in pieces."""
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def is_answered(body: dict[str, Any]) -> bool:
    """The last turn brings the tool's result."""
    turns = body.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns and isinstance(turns[-1], dict) else {}
    content = last.get("content")
    blocks = content if isinstance(content, list) else []
    return last.get("role") == "tool" or any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks
    )


def _first_tool(body: dict[str, Any]) -> tuple[str, Any]:
    for tool in body.get("tools") or ():
        if isinstance(tool, dict):
            function = tool.get("function") if isinstance(tool.get("function"), dict) else tool
            if isinstance(name := function.get("name"), str):
                return name, function.get("parameters") or function.get("input_schema")
    return "get_weather", {"properties": {"city": {"type": "string"}}, "required": ["city"]}


def _required(schema: Any) -> list[tuple[str, Any]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    required = schema.get("required") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not isinstance(required, list):
        return []
    return [(name, properties.get(name)) for name in required if isinstance(name, str)]


def _example(schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    return _EXAMPLES.get(kind, "demo") if isinstance(kind, str) else "demo"
