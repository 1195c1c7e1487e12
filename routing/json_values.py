"""JSON values as Python has them: compared, copied, laid over each other, and checked for what JSON cannot say."""

import json
from collections.abc import Mapping
from typing import Any

import orjson


def same(one: Any, other: Any) -> bool:
    """Equal as JSON, at every depth: 1 and true differ, and so do 1 and 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def copied(value: Any) -> Any:
    """The same value in containers of its own."""
    if isinstance(value, Mapping):
        return {name: copied(item) for name, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def deep_merge(below: Any, above: Any) -> Any:
    """`above` laid over `below`: objects key by key, anything else replaced.  Neither argument is changed."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        merged = dict(below)
        for name, value in above.items():
            merged[name] = deep_merge(below[name], value) if name in below else value
        return merged
    return above


def obstacle(value: Any) -> str | None:
    """Why a value cannot be sent as JSON, None if it can.  A row that holds one would break every request."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return "must be a finite number"
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return "holds a number that is too big or a text that is not Unicode"
    return None
