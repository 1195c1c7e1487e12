"""What a row of the reference's tables says of a conversion: what is sent, and what is warned of."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects.conversion import Conversion
from routing.kinds import Kind
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    RESPONSES,
    SONNET_45,
    assistant,
    call,
    converted,
    tool_message,
    tool_result,
    tool_use,
    user,
)

ABSENT = "(absent)"
GPT, O3 = "gpt-4.1", "o3"
Build = Callable[[], Conversion]


def a_to_r(kind: Kind = Kind.OPENAI, model: str = GPT, **fields: Any) -> Conversion:
    """A Messages request at a Responses upstream."""
    body = {"model": "asked", "max_tokens": 100, "messages": [user("hi")], **fields}
    return converted(body, MESSAGES, RESPONSES, kind, model)


def c_to_r(kind: Kind = Kind.OPENAI, model: str = GPT, **fields: Any) -> Conversion:
    return converted({"model": "asked", "messages": [user("hi")], **fields}, CHAT, RESPONSES, kind, model)


def r_to_a(model: str = SONNET_45, kind: Kind = Kind.ANTHROPIC, **fields: Any) -> Conversion:
    return converted({"model": "asked", "input": "hi", **fields}, RESPONSES, MESSAGES, kind, model)


def a_tool_turns(*content: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Messages in which a call of `t1` was answered."""
    return [user("q"), assistant([tool_use("t1")]), user([tool_result("t1", **more), *content])]


def c_tool_turns(*more: dict[str, Any], arguments: Any = "{}") -> list[dict[str, Any]]:
    return [user("q"), assistant(None, tool_calls=[call("t1", arguments=arguments)]), tool_message("t1"), *more]


def at(body: Any, path: str) -> Any:
    """What stands at a path such as `messages.1.content`; ABSENT when there is no such place."""
    for step in path.split("."):
        try:
            body = body[int(step) if isinstance(body, list) else step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return body


def holds(conversion: Conversion, expected: Mapping[str, Any], warned: str = "") -> None:
    """`warned` is part of a warning, and blank when nothing may be warned of."""
    assert {path: at(conversion.body, path) for path in expected} == expected
    if warned:
        assert any(warned in warning for warning in conversion.warnings), conversion.warnings
    else:
        assert conversion.warnings == []
