"""Families that write a call's name between markers, and its arguments as an object behind it."""

import re
from dataclasses import dataclass

from validation.repair.calls import Call, Found, as_object, dumps, of_json
from validation.repair.families.json_calls import FENCES, NAME, named_object
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools, is_counter

_ID = re.compile(r"[^<{]*")
_KIMI_SECTIONS = ("<|tool_calls_section_begin|>", "<|tool_call_section_begin|>")
_KIMI_CALL, _KIMI_ARGUMENTS, _KIMI_END = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
KIMI_OPENERS = (*_KIMI_SECTIONS, _KIMI_CALL)
KIMI_CLOSERS = (_KIMI_END, "<|tool_calls_section_end|>", "<|tool_call_section_end|>")


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


@dataclass(frozen=True, slots=True)
class Spelling:
    """DeepSeek's markers: small models and other servers have other bars, and other spaces between words."""

    bar: str = "｜"
    space: str = "▁"

    def of(self, words: str) -> str:
        return f"<{self.bar}{words.replace(' ', self.space)}{self.bar}>"

    @property
    def openers(self) -> tuple[str, str]:
        return self.of("tool calls begin"), self.of("tool call begin")

    @property
    def closers(self) -> tuple[str, str, str]:
        return self.of("tool call end"), self.of("tool calls end"), self.of("end of sentence")


SPELLINGS = tuple(Spelling(bar, space) for bar in ("｜", "|") for space in ("▁", "_", " "))


def deepseek(spelling: Spelling) -> Parser:
    (calls, begin), separator, end = spelling.openers, spelling.of("tool sep"), spelling.closers[0]

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        if (yield from source.accept(calls)):
            yield from source.spaces()
        if not (yield from source.accept(begin)):
            return None
        yield from source.spaces()
        name = yield from source.run(NAME)
        yield from source.spaces()
        if (yield from source.accept(separator)):
            yield from source.spaces()
            if name == "function" and (yield from source.peek()) != "{":
                name = yield from source.run(NAME)
                yield from source.spaces()
        elif name == "function" and (yield from source.accept("<")):
            name = yield from source.run(NAME)
            yield from source.accept(">")
        elif name == "function":
            return (yield from _deepseek_tools(source, tools, end))
        else:
            return None
        resolved = tools.resolve(name)
        if resolved is None:
            return None
        source.grows(resolved)
        text = yield from _fenced_object(source)
        ended = yield from source.closer(end)
        return [Call(name, text, complete=bool(ended))] if text else None

    return parse


def _deepseek_tools(source: Source, tools: Tools, end: str) -> Steps[Found]:
    """An object that says its tools itself: {"tools": [{"name", "arguments"}]}."""
    text = yield from _fenced_object(source)
    wrapped = as_object(text) if text else None
    calls = of_json(dumps(wrapped.get("tools")), tools) if wrapped else None
    ended = yield from source.closer(end)
    for call in calls or ():
        call.complete = bool(ended)
    return calls


def _fenced_object(source: Source) -> Steps[str]:
    yield from source.spaces()
    fence = yield from source.accept(*FENCES)
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
    yield from source.closer("<|constrain|>")
    yield from source.closer("json", "code")
    yield from source.closer("<|message|>")
    yield from source.spaces()
    if (yield from source.peek()) != "{":
        return None
    found = yield from named_object(source, name)
    yield from source.closer("<|call|>")
    for call in found if isinstance(found, list) else ():
        call.complete = False
    return found


def harmony_channel(source: Source, tools: Tools) -> Steps[Found]:
    """The same behind the name of its channel, which an answer begins with."""
    yield from source.accept("assistant")
    yield from source.accept("commentary")
    yield from source.spaces()
    return (yield from harmony_bare(source, tools))


def qwen_agent(source: Source, tools: Tools) -> Steps[Found]:
    """`✿FUNCTION✿: NAME`, `✿ARGS✿: {…}`, each on its line."""
    yield from source.accept("✿FUNCTION✿:")
    yield from source.spaces()
    name = yield from source.run(NAME)
    if tools.resolve(name) is None or not (yield from source.closer("✿ARGS✿:")):
        return None
    return (yield from named_object(source, name))
