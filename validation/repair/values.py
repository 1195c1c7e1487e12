"""Values that markup carries as bare text, in the type that the tool's schema gives them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from validation.repair.calls import parsed
from validation.repair.tools import properties_of

_INTEGER = re.compile(r"-?\d+")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_ORDER = ("null", "boolean", "integer", "number", "array", "object")  # and string last
_MISSING = object()


def typed_values(pairs: Iterable[tuple[str, str]], schema: Any) -> dict[str, Any]:
    properties = properties_of(schema)
    return {key: typed_value(text, properties.get(key)) for key, text in pairs}


def typed_value(text: str, schema: Any) -> Any:
    """The text in the first of the schema's types that it is a spelling of; the text itself otherwise."""
    types = types_of(schema)
    for type in _ORDER:
        if type in types:
            value = _READERS[type](text.strip())
            if value is not _MISSING:
                return value
    if not types and not is_string(schema):
        return _undeclared(text)
    return text


def is_string(schema: Any) -> bool:
    """A string and nothing else: its text is its value."""
    return types_of(schema) == {"string"}


def types_of(schema: Any) -> set[str]:
    """Every type the schema allows, as far as it says; an enum without a type is one of strings."""
    if not isinstance(schema, Mapping):
        return set()
    said = schema.get("type")
    types = {said} if isinstance(said, str) else {type for type in said or () if isinstance(type, str)}
    for choice in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(choice) or ():
            types |= types_of(inner)
    if not types and isinstance(schema.get("enum"), list):
        types = {"string"}
    if not types and "properties" in schema:
        types = {"object"}
    return types


def _undeclared(text: str) -> Any:
    """Of a parameter that no schema describes: JSON's own words and structures, else text."""
    if text.strip()[:1] in ("{", "["):
        value = _structure(text.strip(), (dict, list))
        return text if value is _MISSING else value
    return text


def _null(text: str) -> Any:
    return None if text in ("null", "None") else _MISSING


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), _MISSING)


def _integer(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole else _MISSING


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else _MISSING


def _array(text: str) -> Any:
    return _structure(text, list)


def _object(text: str) -> Any:
    return _structure(text, dict)


def _structure(text: str, wanted: type | tuple[type, ...]) -> Any:
    try:
        value = parsed(text)
        if isinstance(value, str):
            value = parsed(value)  # the list inside a JSON string
    except ValueError:
        return _MISSING
    return value if isinstance(value, wanted) else _MISSING


_READERS = {
    "null": _null,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "object": _object,
}
