"""Families that write keys and values in turn: `<tool_call>NAME<arg_key>K</arg_key><arg_value>V</arg_value>…`."""

import re
from collections.abc import Mapping
from typing import Any

from validation.repair.calls import Call, Found, typed
from validation.repair.families import quoting
from validation.repair.families.json_calls import NAME
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools
from validation.repair.values import is_string, typed_value, typed_values
from validation.repair.writing import Writing

_MARKUP = re.compile(r"</?[\w|]*arg_(?:key|value)(?::[\w.\-]*)?>")
_LONGEST_KEY = 256
_SUFFIX = re.compile(r"[\w.\-]*")
_LONGEST_SUFFIX = 40


def key_values(opener: str, closer: str, *wrappers: str, prefix: str = "") -> Parser:
    def parse(source: Source, tools: Tools) -> Steps[Found]:
        while wrappers and (yield from source.accept(*wrappers)):
            yield from source.spaces()
        if not (yield from source.accept(opener)):
            return None
        return (yield from _Pairs(source, tools, opener, closer, prefix=prefix).read())

    return parse


def hunyuan_suffixed(source: Source, tools: Tools) -> Steps[Found]:
    """All calls of `<tool_calls:SUFFIX>`: some checkpoints end each of their tags with a word of their own."""
    yield from source.accept("<tool_calls:")
    suffix = ":" + (yield from source.run(_SUFFIX, _LONGEST_SUFFIX))
    if not (yield from source.accept(">")):
        return None
    opener, closer, end = f"<tool_call{suffix}>", f"</tool_call{suffix}>", f"</tool_calls{suffix}>"
    calls: list[Call] = []
    yield from source.spaces()
    while (yield from source.accept(opener)):
        found = yield from _Pairs(source, tools, opener, closer, suffix=suffix, may_grow=False).read()
        if not isinstance(found, list):
            return None
        calls += found
        yield from source.spaces()
    yield from source.accept(end)
    return calls or None


class _Pairs:
    """Reads past each of the tags that models leave out or write twice."""

    def __init__(
        self,
        source: Source,
        tools: Tools,
        opener: str,
        closer: str,
        *,
        prefix: str = "",
        suffix: str = "",
        may_grow: bool = True,  # one call at a time can
    ) -> None:
        self._source = source
        self._tools = tools
        self._opener = opener
        self._closer = closer
        self._separator = f"<tool_sep{suffix}>"
        self._key, self._key_end = f"<{prefix}arg_key{suffix}>", f"</{prefix}arg_key{suffix}>"
        self._value, self._value_end = f"<{prefix}arg_value{suffix}>", f"</{prefix}arg_value{suffix}>"
        self._type, self._type_end = f"<{prefix}arg_type{suffix}>", f"</{prefix}arg_type{suffix}>"
        self._pairs: list[tuple[str, str]] = []
        self._may_grow = may_grow
        self._writing = Writing(None)
        self._declared: Mapping[str, Any] = {}

    def read(self) -> Steps[Found]:
        source = self._source
        yield from self._gap()
        written = yield from source.run(NAME)
        name = self._tools.resolve(written)
        first_key = ""
        if name is None:
            name = self._tools.beginning(written)
            first_key = written.removeprefix(name) if name else ""
        if name is None:
            return None
        self._begin(name)
        yield from self._gap()
        yield from source.accept(self._separator)
        yield from self._gap()
        if first_key:
            if not (yield from source.accept(self._key_end)) or not (yield from self._read_value(first_key)):
                return None
        elif (yield from source.accept(self._value_end)):
            yield from self._gap()
        return (yield from self._read_pairs(name))

    def _begin(self, name: str) -> None:
        self._declared = self._tools.properties(name)
        if self._may_grow:
            self._source.grows(name)
            self._writing = Writing(self._source.growing)

    def _read_pairs(self, name: str) -> Steps[Found]:
        source = self._source
        while True:
            yield from self._gap()
            alias = () if self._pairs else (self._opener,)
            tag = yield from source.accept(self._key, self._closer, *alias)
            if tag == self._closer:
                return self._found(name, complete=True)
            if not tag:
                is_over = not (yield from source.peek()) and not source.cut
                return self._found(name, complete=False) if is_over else None
            key, ended = yield from source.until(self._key_end, self._value, longest=_LONGEST_KEY)
            if not ended:
                return None
            if not (yield from self._read_value(key, opened=ended == self._value)):
                return None

    def _read_value(self, key: str, opened: bool = False) -> Steps[bool]:
        source = self._source
        while not opened:
            yield from self._gap()
            if (yield from source.accept(self._type)):
                yield from source.until(self._type_end, longest=_LONGEST_KEY)
            elif not (yield from source.accept(self._key_end)):
                yield from source.accept(self._value)
                opened = True
        key = key.replace(self._key, "").strip()
        if not key or _MARKUP.search(key):
            return False
        text = self._writing.begin(key) if is_string(self._declared.get(key)) else None
        ends = (self._value_end, self._key, self._key_end, self._value)
        feed = text.feed if text else None
        value, ended = yield from quoting.value(source, ends, (self._opener,), (self._closer,), feed)
        if ended != self._value_end:  # a call with markup in a value is broken
            return False
        self._pairs.append((key, value))
        self._writing.member(key, typed_value(value, self._declared.get(key)))
        return True

    def _found(self, name: str, complete: bool) -> Found:
        values = typed_values(self._pairs, self._tools.schema(name))
        if complete or set(self._tools.required(name)) <= values.keys():
            self._writing.close()
        return [typed(name, values, complete=complete)]

    def _gap(self) -> Steps[None]:
        """White space, which some detokenisers write as the two characters \\n."""
        yield from self._source.spaces()
        while (yield from self._source.accept("\\n")):
            yield from self._source.spaces()
