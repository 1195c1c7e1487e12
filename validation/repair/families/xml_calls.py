"""Families that write each parameter between tags: `<function=NAME><parameter=KEY>…` and `<invoke name="NAME">…`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from validation.repair.calls import Call, Found, parsed, typed
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools
from validation.repair.values import typed_value

_HEADER = re.compile(
    r"""[\sĠ]*(?:name\s*=?\s*)?(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))(?:\s+string\s*=\s*"(true|false)")?\s*"""
)
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
_LONGEST_HEADER = 256


@dataclass(frozen=True, slots=True)
class Tags:
    """`nested`: parameters of a call that is quoted in a value are data; else the first closing tag counts."""

    call: str
    call_end: str
    parameter: str
    parameter_end: str
    closers: tuple[str, ...] = ()
    trimmed: bool = True  # a newline on either side of a value belongs to the format
    nested: bool = True


def parameters(tags: Tags, *wrappers: str) -> Parser:
    """Any of the wrappers, then one call."""

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        while wrappers and (yield from source.accept(*wrappers)):
            yield from source.spaces()
        if not (yield from source.accept(tags.call)):
            return None
        header = yield from _header(source)
        name = tools.resolve(header[0]) if header else None
        if name is None:
            return None
        yield from source.spaces()
        if (yield from source.peek()) == "{":
            return (yield from _json_body(source, name, tags))
        return (yield from _Parameters(source, tags, name, tools.schema(name), tools.properties(name)).read())

    return parse


def _header(source: Source) -> Steps[tuple[str, str] | None]:
    """What stands in an opening tag: the name, and the word of DSML about the value's type."""
    header, closed = yield from source.until(">", longest=_LONGEST_HEADER)
    match = _HEADER.fullmatch(header) if closed else None
    if match is None:
        return None
    return (match[1] or match[2] or match[3] or "", match[4] or "")


def _json_body(source: Source, name: str, tags: Tags) -> Steps[Found]:
    text = yield from source.json_text()
    ended = yield from source.closer(tags.call_end)
    return [Call(name, text)] if text and ended else None


class _Parameters:
    def __init__(self, source: Source, tags: Tags, name: str, schema: Any, declared: Any) -> None:
        self._source = source
        self._tags = tags
        self._name = name
        self._schema = schema
        self._declared = declared
        self._values: dict[str, Any] = {}
        self._next = ""  # a tag that was read with the value before it

    def read(self) -> Steps[Found]:
        tags, source = self._tags, self._source
        ends = (tags.call_end, *tags.closers)
        while True:
            yield from source.spaces()
            tag = self._next or (yield from source.accept(tags.parameter, *ends))
            self._next = ""
            if tag == tags.call_end:
                return [typed(self._name, self._values)]
            if tag != tags.parameter:
                return self._unclosed(tag, (yield from source.peek()))
            header = yield from _header(source)
            if header is None or not header[0]:
                return None
            value = yield from self._value()
            if value is None:
                return None
            self._values[header[0]] = self._typed(*header, value)

    def _unclosed(self, tag: str, following: str) -> Found:
        """The end of the wrapper or of the answer stands in for the end of the call, if no parameter can be missing."""
        if tag or (not following and not self._source.cut):
            return [typed(self._name, self._values, complete=False)]
        return None

    def _typed(self, key: str, is_string: str, text: str) -> Any:
        if cdata := _CDATA.fullmatch(text):
            text = cdata[1]
        elif self._tags.trimmed:
            text = text.removeprefix("\n").removesuffix("\n")
        if is_string == "true":
            return text
        schema = self._declared.get(key)
        if is_string == "false" or (schema is None and "DSML" in self._tags.call):
            try:
                return parsed(text)
            except ValueError:
                return text
        return typed_value(text, schema)

    def _value(self) -> Steps[str | None]:
        """The text up to the closing tag that is this parameter's own."""
        source, tags = self._source, self._tags
        inner_call = tags.call
        stops = (tags.parameter, tags.parameter_end, tags.call_end, *((inner_call,) if tags.nested else ()))
        pieces: list[str] = []
        calls = inner = 0
        while True:
            text, stop = yield from source.until(*stops)
            pieces.append(text)
            if not stop:
                return None
            if stop == inner_call and tags.nested:
                calls += 1
            elif stop == tags.call_end and not calls:
                self._next = stop
                return "".join(pieces)
            elif stop == tags.call_end:
                calls -= 1
            elif stop == tags.parameter and not calls:
                key = yield from self._key_of_tag()
                if not inner and key in self._declared and key not in self._values:
                    self._next = stop  # the closing tag of the value before it was lost
                    return "".join(pieces)
                inner += bool(key) and tags.nested
            elif stop == tags.parameter_end and not calls:
                if inner:
                    inner -= 1
                elif (yield from self._is_end()):
                    return "".join(pieces)
            pieces.append(stop)

    def _key_of_tag(self) -> Steps[str]:
        """The key in an opening tag inside a value; empty if it is no tag."""
        source = self._source
        while ">" not in source.text[source.at :] and not source.ended:
            if len(source.text) - source.at > _LONGEST_HEADER:
                break
            yield
        header, closed, _ = source.text[source.at : source.at + _LONGEST_HEADER].partition(">")
        match = _HEADER.fullmatch(header) if closed else None
        return (match[1] or match[2] or match[3]) if match else ""

    def _is_end(self) -> Steps[bool]:
        """A closing tag that nothing of the format follows is part of the value."""
        source, tags = self._source, self._tags
        followers = (tags.parameter, tags.call_end, *tags.closers)
        return (yield from _follows(source, followers))


def _follows(source: Source, followers: tuple[str, ...]) -> Steps[bool]:
    """Whether one of the tags, or the end, comes next; nothing is read."""
    while True:
        rest = source.text[source.at :].lstrip()
        if rest.startswith(followers):
            return True
        if source.ended:
            return not rest
        if rest and not any(follower.startswith(rest) for follower in followers):
            return False
        yield


QWEN = Tags("<function=", "</function>", "<parameter=", "</parameter>", ("</tool_call>",))
SEED = Tags("<function=", "</function>", "<parameter=", "</parameter>", ("</seed:tool_call>",), trimmed=False)
MINICPM = Tags("<function", "</function>", "<param", "</param>")


def invoke(prefix: str = "", *closers: str, space: str = "") -> Tags:
    """The tags of `<invoke name="NAME">`, each with the same prefix."""
    return Tags(
        f"<{prefix}{space}invoke",
        f"</{prefix}{space}invoke>",
        f"<{prefix}{space}parameter",
        f"</{prefix}{space}parameter>",
        closers,
        trimmed=not closers or "minimax" not in closers[0],
    )


Flat = Callable[[Tags], Tags]


def flat(tags: Tags) -> Tags:
    """For values that name tags without closing them."""
    return Tags(tags.call, tags.call_end, tags.parameter, tags.parameter_end, tags.closers, tags.trimmed, nested=False)
