"""The arguments of tool calls: a JSON text in OpenAI's dialects, an object in Anthropic's."""

from typing import Any

from routing.dialects.json import dumps_text, loads

RAW = "raw"  # the name under which text that is no object travels
INPUT = "input"  # the one property of a custom tool that went upstream as a function


def as_object(text: str) -> tuple[dict[str, Any], bool]:
    """The object, and whether the text was one; nothing at all is an empty object."""
    if not text.strip():
        return {}, True
    try:
        value = loads(text)
    except ValueError:
        return {RAW: text}, False
    return (value, True) if isinstance(value, dict) else ({RAW: value}, False)


def as_text(text: str) -> str:
    """Always the text of an object: servers parse the arguments of the history, and fail on anything else."""
    value, is_object = as_object(text)
    return (text if text.strip() else "{}") if is_object else dumps_text(value)


def wrapped(text: str) -> str:
    """The free text of a custom call, as the arguments of a function."""
    return dumps_text({INPUT: text})


def unwrapped(text: str) -> str:
    """And back.  A model that wrote something else is taken by its word."""
    value, is_object = as_object(text)
    inner = value.get(INPUT)
    if is_object and isinstance(inner, str):
        return inner
    return text


def escaped(text: str) -> str:
    """A piece of a JSON string, without its quotes."""
    return dumps_text(text)[1:-1]


WRAP_PREFIX, WRAP_SUFFIX = '{"input":"', '"}'
