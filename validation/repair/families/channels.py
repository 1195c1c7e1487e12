"""Families that write a whole answer in channels: gpt-oss (harmony), Kimi K3, Command, and what looks like them."""

import re

from validation.repair.calls import Found, Swallowed, Thinking, parsed, typed
from validation.repair.families import quoting
from validation.repair.families.json_calls import NAME, json_calls, named_object
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools
from validation.repair.writing import Writing

HARMONY_CLOSERS = ("<|call|>", "<|end|>", "<|return|>")
_HARMONY = re.compile(
    r"(?:<\|start\|>assistant)?\s*(?:to=(?P<early>[\w.\-/]+))?\s*"
    r"(?:<\|channel\|>\s*(?P<channel>analysis|commentary|final))?\s*(?:<\|constrain\|>\s*\w+\s*(?=to=))?"
    r"(?:to=(?P<late>[\w.\-/]+))?\s*"
    r"(?:<\|constrain\|>\s*\w+|json|code)?\s*"
)
_LONGEST_HEADER = 256

K3_CALL_CLOSERS = tuple(
    f"<|close|>{space}{tag}<|sep|>" for tag in ("tools", "message", "response") for space in ("", " ")
)
_K3_THINK_CLOSERS = ("<|close|>think<|sep|>", "<|close|> think<|sep|>")
K3_ENDS = (*_K3_THINK_CLOSERS, *K3_CALL_CLOSERS)
STRIPPED_ENDS = ("assistantfinal", "assistantcommentary")
_K3_VALUES = ("<|open|>argument", "<|open|> argument")
_K3_VALUE_ENDS = ("<|close|>argument<|sep|>", "<|close|> argument<|sep|>")
_K3_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def harmony(source: Source, tools: Tools) -> Steps[Found]:
    header, begun = yield from source.until("<|message|>", longest=_LONGEST_HEADER)
    match = _HARMONY.fullmatch(header) if begun else None
    if match is None:
        return None
    recipient = match["early"] or match["late"]
    if recipient:
        name = tools.resolve(recipient)
        if name:
            source.grows(name)
        found = (yield from named_object(source, name)) if name else None
        if found:
            yield from source.closer(*HARMONY_CLOSERS)
        return found
    return Thinking(HARMONY_CLOSERS) if match["channel"] == "analysis" else Swallowed(HARMONY_CLOSERS)


def harmony_stripped(source: Source, tools: Tools) -> Steps[Found]:
    """`analysisThe user …assistantfinalAn answer`: the markers are gone, the words between them are not."""
    yield from source.accept("analysis")
    following = yield from source.peek()
    return Thinking(STRIPPED_ENDS) if following.isupper() else None


def kimi_k3(source: Source, tools: Tools) -> Steps[Found]:
    tag = yield from _k3_open(source)
    if tag == "tools":
        yield from source.spaces()
        tag = yield from _k3_open(source)
    if tag == "think":
        return Thinking(_K3_THINK_CLOSERS)
    if tag == "response":
        return Swallowed(K3_CALL_CLOSERS)
    attributes = _k3_attributes(tag)
    name = tools.resolve(attributes.get("tool", "")) if tag.startswith("call ") else None
    return (yield from _k3_arguments(source, name, set(tools.required(name)))) if name else None


def _k3_open(source: Source) -> Steps[str]:
    """The tag that is opened here, with its attributes."""
    if not (yield from source.accept("<|open|>")):
        return ""
    tag, ended = yield from source.until("<|sep|>", longest=_LONGEST_HEADER)
    return tag.strip() if ended else ""


def _k3_attributes(tag: str) -> dict[str, str]:
    found = _K3_ATTRIBUTE.findall(tag)
    return {key: value.replace("&quot;", '"').replace("&amp;", "&") for key, value in found}


def _k3_arguments(source: Source, name: str, required: set[str]) -> Steps[Found]:
    values: dict[str, object] = {}
    source.grows(name)
    writing = Writing(source.growing)
    while True:
        yield from source.spaces()
        if (yield from source.accept("<|close|>")):
            tag, _ = yield from source.until("<|sep|>", longest=_LONGEST_HEADER)
            if tag.strip() != "call":
                return None
            writing.close()
            return [typed(name, values)]
        if not (yield from source.peek()):
            if source.cut:
                return None
            if required <= values.keys():
                writing.close()
            return [typed(name, values, complete=False)]
        attributes = _k3_attributes((yield from _k3_open(source)))
        if "key" not in attributes:
            return None
        key = attributes["key"]
        written = writing.begin(key) if attributes.get("type") == "string" else None
        feed = written.feed if written else None
        text, ended = yield from quoting.value(source, _K3_VALUE_ENDS, _K3_VALUES, _K3_VALUE_ENDS, feed)
        if not ended:
            return None
        values[key] = text if attributes.get("type") == "string" else _decoded(text)
        writing.member(key, values[key])


def _decoded(text: str) -> object:
    try:
        return parsed(text)
    except ValueError:
        return text


def frame(opener: str, *closers: str) -> Parser:
    """Markup around the answer itself."""

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        return Swallowed(closers)

    return parse


def thinking(opener: str, *closers: str) -> Parser:
    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        return Thinking(closers)

    return parse


def functionary(source: Source, tools: Tools) -> Steps[Found]:
    """`>>>NAME` and the object on the next line; what goes to `all` is text."""
    yield from source.accept(">>>")
    name = yield from source.run(NAME)
    if not (yield from source.accept("\n")):
        return None
    if name == "all":
        return Swallowed(())
    if tools.resolve(name) != name:
        return None
    return (yield from named_object(source, name))


def inkling(source: Source, tools: Tools) -> Steps[Found]:
    """The name stands before the marker and in the object too."""
    yield from source.accept("<|message_model|>")
    yield from source.run(NAME)
    if not (yield from source.accept("<|content_invoke_tool_json|>")):
        return None
    return (yield from json_calls(source, tools, ("<|end_message|>",)))
