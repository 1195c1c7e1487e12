"""JSON schemas as Anthropic takes them where it promises to follow them: in strict tools and structured output."""

from typing import Any

from routing.dialects.request import Request

MOST_STRICT_TOOLS = 20
_NOT_TAKEN = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    }
)
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties"})  # maps from names to schemas
_AS_IT_IS = frozenset({"enum", "const", "default", "examples"})  # values, not schemas


def followed(schema: Any, request: Request, what: str) -> Any:
    """Closed to further properties, as is demanded, and without limits that it refuses, which the warning names."""
    left_out: set[str] = set()
    fit = _fit(schema, left_out)
    if left_out:
        request.warn(f"The limits {', '.join(sorted(left_out))} in {what} were left out: Anthropic refuses them.")
    return fit


def _fit(schema: Any, left_out: set[str]) -> Any:
    if isinstance(schema, list):
        return [_fit(item, left_out) for item in schema]
    if not isinstance(schema, dict):
        return schema
    fit: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _NOT_TAKEN or (name == "minItems" and value not in (0, 1)):
            left_out.add(name)
        elif name in _NAMED and isinstance(value, dict):
            fit[name] = {inner: _fit(item, left_out) for inner, item in value.items()}
        else:
            fit[name] = value if name in _AS_IT_IS else _fit(value, left_out)
    if schema.get("type") == "object":
        fit.setdefault("additionalProperties", False)
    return fit
