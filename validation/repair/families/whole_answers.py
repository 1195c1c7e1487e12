"""Calls without a marker of their own: they count only where they are the whole answer and name an offered tool."""

import re

from validation.repair.calls import Call, Found, of_json, of_python
from validation.repair.families.json_calls import NAME
from validation.repair.families.quoting import unquoted
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools

_NAMED = ('"name"', '"tool_name"', '"tool"', '"recipient_name"')
_UNDECIDED = ('"type"', '"id"', '"function"', '"arguments"', '"parameters"', '"tool_calls"', '"tool_uses"')
END_TOKENS = ("<|eot_id|>", "<|eom_id|>", "<|im_end|>", "</s>", "<|endoftext|>", "<end_of_turn>")
_WORD = re.compile(r'[^"\\]*')
_FENCE = re.compile(r"[a-z_]*")


def answer(source: Source, tools: Tools) -> Steps[Found]:
    """JSON objects, perhaps in a list or with semicolons between, or a list of Python calls; then the end."""
    if not (yield from _names_a_tool(source, tools)):
        return None
    source.rewind()
    found = yield from _calls(source, tools)
    yield from source.closer(*END_TOKENS)
    yield from source.spaces()
    return found if not (yield from source.peek()) else None


def fenced(source: Source, tools: Tools) -> Steps[Found]:
    """The same in a fence that begins and ends the answer."""
    yield from source.accept("```")
    language = yield from source.run(_FENCE)
    yield from source.spaces()
    found: list[Call] | None
    if (yield from source.peek()) in ("{", "["):
        found = yield from _calls(source, tools)
    elif language == "tool_code":  # Gemma's
        text, fence = yield from unquoted(source, "```")
        source.at -= len(fence)
        found = of_python(text)
    else:
        return None
    yield from source.spaces()
    fence = yield from source.accept("```")
    yield from source.spaces()
    return found if fence and not (yield from source.peek()) else None


def command_r(source: Source, tools: Tools) -> Steps[Found]:
    """Command R+: `Action:` and a fenced list."""
    yield from source.accept("Action:")
    yield from source.spaces()
    if not (yield from source.accept("```")):
        return None
    yield from source.run(_FENCE)
    yield from source.spaces()
    if (yield from source.peek()) != "[":
        return None
    calls = of_json((yield from source.json_text()), tools)
    return calls if (yield from source.closer("```")) else None


def python_tag(source: Source, tools: Tools) -> Steps[Found]:
    """Llama's marker, and the calls up to the end of the answer."""
    yield from source.accept("<|python_tag|>")
    yield from source.spaces()
    if (yield from source.peek()) == "{":
        return (yield from _calls(source, tools))
    name = (yield from source.run(NAME)).removesuffix(".call")
    if tools.resolve(name) is None or (yield from source.peek()) != "(":
        return None
    text, _ = yield from unquoted(source, "<|eom_id|>", "<|eot_id|>")
    return None if source.cut else of_python(name + text)


def _names_a_tool(source: Source, tools: Tools) -> Steps[bool]:
    """Reads only as far as it can still be a call."""
    is_list = bool((yield from source.accept("[")))
    yield from source.spaces()
    if not (yield from source.accept("{")):
        name = (yield from source.run(NAME)) if is_list else ""
        return tools.resolve(name) == name and (yield from source.accept("(")) == "("
    yield from source.spaces()
    key = yield from source.accept(*_NAMED, *_UNDECIDED)
    if key not in _NAMED:
        return bool(key)
    yield from source.spaces()
    yield from source.accept(":")
    yield from source.spaces()
    if not (yield from source.accept('"')):
        return False
    name = (yield from source.run(_WORD)).removeprefix("functions.")
    return tools.resolve(name) == name


def _calls(source: Source, tools: Tools) -> Steps[list[Call] | None]:
    calls: list[Call] = []
    while (yield from source.peek()) in ("{", "["):
        text = yield from source.json_text()
        found = of_json(text, tools, marked=False) or of_python(text)
        if found is None:
            return None
        calls += found
        if (yield from source.closer(";")):
            yield from source.spaces()
        elif (yield from source.closer("{")):
            source.at -= 1
        else:
            break
    for call in calls:
        call.complete = False
    return calls or None
