"""MiniMax M3: a prefix marks each tag, a parameter's name is its tag, and elements nest.

A call within a parameter is text that the parameter has: somebody writes down what a call looks like.
"""

import re
from collections.abc import Mapping
from typing import Any

from validation.repair.calls import Found, typed
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools, properties_of
from validation.repair.values import typed_value, types_of

PREFIX = "]<]minimax[>["
OPENERS = (PREFIX,)
CLOSERS = (PREFIX + "</tool_call>",)
_INVOKE_END = PREFIX + "</invoke>"
_INVOKE = re.compile(r"""<invoke\s+name=["']?([^"'<>]+)["']?>""")
_TAG = re.compile(r"<(/?)([^<>/\s]+)>")
_CALL = re.compile(r"<(/?)(?:tool_call>|invoke[\s>])")


def minimax_m3(source: Source, tools: Tools) -> Steps[Found]:
    yield from source.accept(PREFIX)
    if (yield from source.accept("<tool_call>")):
        yield from source.spaces()
        if not (yield from source.accept(PREFIX)):
            return None
    header, ended = yield from source.until(">", longest=256)
    match = _INVOKE.fullmatch(header + ended)
    name = tools.resolve(match[1]) if match else None
    if name is None:
        return None
    body = yield from _body(source)
    values = None if body is None else _elements(body, tools.properties(name))
    if values is None:
        return None
    return [typed(name, _typed(values, tools.schema(name)))]


def _body(source: Source) -> Steps[str | None]:
    """Up to the end of the call: that of one within a parameter comes while the parameter is open."""
    pieces: list[str] = []
    unclosed = 0
    while True:
        text, ended = yield from source.until(_INVOKE_END)
        if not ended:
            return None
        pieces.append(text)
        unclosed += sum(-1 if match[1] else 1 for piece in text.split(PREFIX) if (match := _TAG.match(piece)))
        if unclosed <= 0:
            return _INVOKE_END.join(pieces)


def _elements(body: str, declared: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters as a tree: an element is its text, or a list of its named elements."""
    root: list[tuple[str, Any]] = []
    stack: list[tuple[str, list[tuple[str, Any]], list[str]]] = [("", root, [])]
    first, *pieces = body.split(PREFIX)
    if first.strip():  # models forget to open the first parameter
        match = _TAG.match(pieces[0]) if pieces else None
        if match is None or not match[1] or match[2] not in declared:
            return None
        root.append((match[2], first))
        pieces = pieces[1:]
    calls = 0  # that are open within the parameter
    for piece in pieces:
        call = _CALL.match(piece) if len(stack) > 1 else None
        if call or calls:
            calls += (-1 if call[1] else 1) if call else 0
            stack[-1][2].append(PREFIX + piece)
            continue
        match = _TAG.match(piece)
        if match is None:
            return None
        closing, tag, text = match[1], match[2], piece[match.end() :]
        if not closing:
            stack.append((tag, [], [text]))
        elif len(stack) == 1 or stack[-1][0] != tag:
            return None
        else:
            _, children, own = stack.pop()
            stack[-1][1].append((tag, children or "".join(own)))
    return dict(root) if len(stack) == 1 else None


def _typed(values: dict[str, Any], schema: Any) -> dict[str, Any]:
    properties = properties_of(schema)
    return {key: _element(value, properties.get(key)) for key, value in values.items()}


def _element(value: Any, schema: Any) -> Any:
    if isinstance(value, str):
        return [] if not value.strip() and "array" in types_of(schema) else typed_value(value, schema)
    if all(key == "item" for key, _ in value):
        items = schema.get("items") if isinstance(schema, dict) else None
        return [_element(item, items) for _, item in value]
    return _typed(dict(value), schema)
