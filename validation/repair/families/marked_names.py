"""Families that write a call's name between markers, and its arguments as an object behind it."""

import re

from validation.repair.calls import Call, Found, as_object, dumps, of_json
from validation.repair.families.json_calls import NAME, named_object
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools, is_counter

_ID = re.compile(r"[^<{]*")
_KIMI_SECTIONS = ("<|tool_calls_section_begin|>", "<|tool_call_section_begin|>")
_KIMI_CALL, _KIMI_ARGUMENTS, _KIMI_END = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
KIMI_OPENERS = (*_KIMI_SECTIONS, _KIMI_CALL)
KIMI_CLOSERS = (_KIMI_END, "<|tool_calls_section_end|>", "<|tool_call_section_end|>")

_BEGIN, _SEPARATOR, _END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
DEEPSEEK_OPENERS = ("<｜tool▁calls▁begin｜>", _BEGIN)
DEEPSEEK_CLOSERS = (_END, "<｜tool▁calls▁end｜>", "<｜end▁of▁sentence｜>")
_FENCES = ("```json", "```")


def kimi(source: Source, tools: Tools) -> Steps[Found]:
    if (yield from source.accept(*_KIMI_SECTIONS)):
        _, begun = yield from source.until(_KIMI_CALL, longest=256)  # what stands between is noise
        if not begun:
            return None
    else:
        yield from source.accept(_KIMI_CALL)
    id = "".join((yield from source.run(_ID)).split())  # white space in it is the detokeniser's
    yield from source.accept(_KIMI_ARGUMENTS)
    yield from source.spaces()
    if named := tools.of_kimi_id(id):
        source.grows(named, id)
    text = yield from _kimi_arguments(source)
    if text is None:
        return None
    ended = yield from source.closer(_KIMI_END)
    call = _of_kimi(id, text, tools)
    if call is None or not (text or ended):
        return None
    call.complete = bool(ended)
    return [call]


def _kimi_arguments(source: Source) -> Steps[str | None]:
    """An object, a JSON string that holds one, or nothing."""
    first = yield from source.peek()
    if first == "{":
        return (yield from source.json_text()) or None
    if first == '"':
        text, ended = yield from source.until(_KIMI_END)
        if ended:
            source.at -= len(ended)
        return text
    return "" if first == "<" else None


def _of_kimi(id: str, text: str, tools: Tools) -> Call | None:
    name = tools.of_kimi_id(id)
    if name is not None:
        return Call(name, text, id)
    arguments = as_object(text)
    if arguments is None:
        return None
    if is_counter(id):
        name = tools.of_keys(arguments)
        return Call(name, text, "") if name else None
    inner = arguments.get("name")
    if isinstance(inner, str) and tools.resolve(inner) == inner and "name" not in tools.properties(inner):
        return Call(inner, dumps({key: value for key, value in arguments.items() if key != "name"}), id)
    return None


def kimi_bare(source: Source, tools: Tools) -> Steps[Found]:
    """`functions.NAME:N{…}` from which the markers were stripped."""
    yield from source.accept("functions.")
    name = yield from source.run(NAME)
    if tools.resolve(name) != name or not (yield from source.accept(":")):
        return None
    counter = yield from source.run(NAME)
    if not counter.isdigit():
        return None
    yield from source.accept(_KIMI_ARGUMENTS)
    yield from source.spaces()
    if (yield from source.peek()) != "{":
        return None
    text = yield from source.json_text()
    return [Call(name, text, f"functions.{name}:{counter}", complete=False)] if text else None


def deepseek(source: Source, tools: Tools) -> Steps[Found]:
    if (yield from source.accept(DEEPSEEK_OPENERS[0])):
        yield from source.spaces()
    if not (yield from source.accept(_BEGIN)):
        return None
    yield from source.spaces()
    name = yield from source.run(NAME)
    yield from source.spaces()
    if (yield from source.accept(_SEPARATOR)):
        yield from source.spaces()
        if name == "function" and (yield from source.peek()) != "{":
            name = yield from source.run(NAME)
            yield from source.spaces()
    elif name == "function" and (yield from source.accept("<")):
        name = yield from source.run(NAME)
        yield from source.accept(">")
    elif name == "function":
        return (yield from _deepseek_tools(source, tools))
    else:
        return None
    resolved = tools.resolve(name)
    if resolved is None:
        return None
    source.grows(resolved)
    text = yield from _fenced_object(source)
    ended = yield from source.closer(_END)
    return [Call(name, text, complete=bool(ended))] if text else None


def _deepseek_tools(source: Source, tools: Tools) -> Steps[Found]:
    """An object that says its tools itself: {"tools": [{"name", "arguments"}]}."""
    text = yield from _fenced_object(source)
    wrapped = as_object(text) if text else None
    calls = of_json(dumps(wrapped.get("tools")), tools) if wrapped else None
    ended = yield from source.closer(_END)
    for call in calls or ():
        call.complete = bool(ended)
    return calls


def _fenced_object(source: Source) -> Steps[str]:
    yield from source.spaces()
    fence = yield from source.accept(*_FENCES)
    yield from source.spaces()
    if (yield from source.peek()) != "{":
        return ""
    text = yield from source.json_text()
    if fence:
        yield from source.closer("```")
    return text


def harmony_bare(source: Source, tools: Tools) -> Steps[Found]:
    """`to=functions.NAME {…}` from which the markers were stripped."""
    yield from source.accept("to=functions.")
    name = yield from source.run(NAME)
    if tools.resolve(name) is None:
        return None
    yield from source.closer("commentary", "analysis")
    yield from source.closer("json", "code")
    yield from source.spaces()
    if (yield from source.peek()) != "{":
        return None
    found = yield from named_object(source, name)
    for call in found if isinstance(found, list) else ():
        call.complete = False
    return found
