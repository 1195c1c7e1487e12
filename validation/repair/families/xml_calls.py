"""Families that write each parameter between tags: `<function=NAME><parameter=KEY>…` and `<invoke name="NAME">…`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from validation.repair.calls import Call, Found, parsed, typed
from validation.repair.families.row import Parser
from validation.repair.source import LONGEST_GAP, LONGEST_MARKER, SPACE, Source, Steps
from validation.repair.tools import Tools
from validation.repair.values import is_string, typed_value
from validation.repair.writing import CDATA, CDATA_END, Trimmed, Writing, WrittenText, trim

_HEADER = re.compile(
    r"""[\sĠ]*(?:name\s*=?\s*)?(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))(?:\s+string\s*=\s*"(true|false)")?\s*"""
)
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
_LONGEST_HEADER = 256


@dataclass(frozen=True, slots=True)
class Tags:
    """`nested`: parameters of a call that is quoted in a value are data; else the first closing tag counts.

    `trimmed` says which line breaks at the ends of a value belong to the format.
    """

    call: str
    call_end: str
    parameter: str
    parameter_end: str
    closers: tuple[str, ...] = ()
    trimmed: Trimmed = Trimmed.EACH
    nested: bool = True

    @property
    def openers(self) -> tuple[str, ...]:
        """Of the wrapper, whose closers these are."""
        return tuple(closer.replace("</", "<", 1) for closer in self.closers)


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
        source.grows(name)
        if (yield from source.peek()) == "{":
            return (yield from _json_body(source, name, tags))
        return (yield from _Parameters(source, tags, name, tools).read())

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
    def __init__(self, source: Source, tags: Tags, name: str, tools: Tools) -> None:
        self._source = source
        self._tags = tags
        self._name = name
        self._declared = tools.properties(name)
        self._required = tools.required(name)
        self._is_nested = tags.nested
        self._values: dict[str, Any] = {}
        self._writing = Writing(source.growing)
        self._next = ""  # a tag that was read with the value before it
        self._doubt: tuple[int, list[str]] | None = None  # where tags in a value began, and the text up to there

    def read(self) -> Steps[Found]:
        tags, source = self._tags, self._source
        ends = (tags.call_end, *tags.closers)
        while True:
            yield from source.spaces()
            tag = self._next or (yield from source.accept(tags.parameter, *ends))
            self._next = ""
            if tag == tags.call_end:
                self._writing.close()
                return [typed(self._name, self._values)]
            if tag != tags.parameter:
                return self._unclosed(tag, (yield from source.peek()))
            header = yield from _header(source)
            if header is None or not header[0]:
                return None
            key = header[0]
            is_text = header[1] == "true" or (not header[1] and is_string(self._declared.get(key)))
            text = self._writing.begin(key, tags.trimmed) if is_text else None
            value = yield from self._value(text)
            if value is None:
                return None
            self._values[key] = self._typed(*header, value)
            self._writing.member(key, self._values[key])

    def _unclosed(self, tag: str, following: str) -> Found:
        """The end of the wrapper or of the answer stands in for the end of the call, if no parameter can be missing."""
        if not tag and (following or self._source.cut):
            return None
        if set(self._required) <= self._values.keys():
            self._writing.close()
        return [typed(self._name, self._values, complete=False)]

    def _typed(self, key: str, is_string: str, text: str) -> Any:
        cdata = _CDATA.fullmatch(text)
        text = cdata[1] if cdata else trim(text, self._tags.trimmed)
        if is_string == "true":
            return text
        schema = self._declared.get(key)
        if is_string == "false" or (schema is None and "DSML" in self._tags.call):
            try:
                return parsed(text)
            except ValueError:
                return text
        return typed_value(text, schema)

    def _value(self, written: WrittenText | None) -> Steps[str | None]:
        """The text up to the closing tag that is this parameter's own.

        `written` gets what is surely its beginning.  If that has left, and tags in the text turn out not to nest, then
        the call can be nothing else any more, and they are text.
        """
        source = self._source
        self._doubt = None
        if framed := (yield from self._cdata()):
            return (yield from self._text(None, [framed]))
        value = yield from self._text(written, [])
        if value is None and self._doubt and source.is_leaving:
            place, pieces = self._doubt
            source.go_back(place)
            self._is_nested = False
            value = yield from self._text(None, pieces)
        return value

    def _cdata(self) -> Steps[str]:
        """What stands in a frame, and the frame: whatever tags are in there are text."""
        source = self._source
        place = source.place()
        pieces = [(yield from source.closer(CDATA))]
        while pieces[-1]:
            text, end = yield from source.until(CDATA_END)
            pieces += (text, end)
            if end and (yield from self._precedes(self._tags.parameter_end)):
                return "".join(pieces)
        source.go_back(place)
        return ""

    def _text(self, written: WrittenText | None, pieces: list[str]) -> Steps[str | None]:
        source, tags = self._source, self._tags
        stops = (tags.parameter, tags.parameter_end, tags.call_end, *((tags.call,) if self._is_nested else ()))
        feed = written.feed if written else None
        calls = inner = 0
        while True:
            text, stop = yield from source.until(*stops, text=feed)
            pieces.append(text)
            if not stop:
                return None
            if stop == tags.call:
                calls += 1
            elif stop == tags.call_end and calls:
                calls -= 1
            elif stop == tags.call_end:
                if (yield from self._precedes(tags.call, *tags.closers, *tags.openers)):
                    self._next = stop
                    return "".join(pieces)
            elif stop == tags.parameter and not calls:
                key = yield from self._key_of_tag()
                if not inner and key in self._declared and key not in self._values:
                    self._next = stop  # the closing tag of the value before it was lost
                    return "".join(pieces)
                inner += bool(key) and self._is_nested
            elif stop == tags.parameter_end and not calls:
                if inner:
                    inner -= 1
                elif (yield from self._precedes(tags.parameter, tags.call_end, *tags.closers)):
                    return "".join(pieces)
            pieces.append(stop)
            if (calls or inner) and self._doubt is None:
                self._doubt = (source.place(), pieces.copy())
                feed = None
            if feed:
                feed(stop)

    def _key_of_tag(self) -> Steps[str]:
        """The key in an opening tag inside a value; empty if it is no tag."""
        source = self._source
        while True:
            longest = source.at + _LONGEST_HEADER
            end = source.text.find(">", source.at, longest)
            if end >= 0 or len(source.text) >= longest or source.ended:
                break
            yield
        match = _HEADER.fullmatch(source.text, source.at, end) if end >= 0 else None
        return (match[1] or match[2] or match[3]) if match else ""

    def _precedes(self, *followers: str) -> Steps[bool]:
        """Whether one of these, or the end, comes next: else a closing tag is part of the value."""
        source = self._source
        while True:
            match = SPACE.match(source.text, source.at)
            assert match is not None
            if match.end() - match.start() > LONGEST_GAP:
                return False
            rest = source.text[match.end() : match.end() + LONGEST_MARKER]
            if rest.startswith(followers):
                return True
            if source.ended:
                return not rest
            if rest and not any(follower.startswith(rest) for follower in followers):
                return False
            yield


QWEN = Tags("<function=", "</function>", "<parameter=", "</parameter>", ("</tool_call>",))
SEED = Tags("<function=", "</function>", "<parameter=", "</parameter>", ("</seed:tool_call>",), Trimmed.NONE)
# MiniMax, quantised, loses the brackets and slashes inside its wrapper.
UNBRACKETED = Tags(
    "invoke name=",
    "invoke>",
    "parameter name=",
    "parameter>",
    ("</minimax:tool_call>",),
    Trimmed.PAIR,
    nested=False,
)
MINICPM = Tags("<function", "</function>", "<param", "</param>")


def invoke(prefix: str = "", *closers: str, space: str = "", trimmed: Trimmed = Trimmed.PAIR) -> Tags:
    """The tags of `<invoke name="NAME">`, each with the same prefix."""
    return Tags(
        f"<{prefix}{space}invoke",
        f"</{prefix}{space}invoke>",
        f"<{prefix}{space}parameter",
        f"</{prefix}{space}parameter>",
        closers,
        trimmed,
    )


Flat = Callable[[Tags], Tags]


def flat(tags: Tags) -> Tags:
    """For values that name tags without closing them."""
    return Tags(tags.call, tags.call_end, tags.parameter, tags.parameter_end, tags.closers, tags.trimmed, nested=False)
