"""JSON as upstreams and models write it."""

import json
import re
from typing import Any

import orjson

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_STRUCTURE = re.compile(r'["\\{}\[\]]')


def loads(data: bytes | str) -> Any:
    """Like orjson, but half of a surrogate pair becomes U+FFFD instead of an error.  Raises ValueError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        try:
            return _whole_text(json.loads(text, parse_constant=_refuse, parse_int=_integer))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def object_of(data: bytes) -> dict[str, Any] | None:
    """The object that the data is; None if it is anything else, or no JSON."""
    try:
        value = loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def dumps_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _integer(digits: str) -> int | float:
    """What 64 bits do not hold is a float, as in orjson, which could not write it again."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _whole_text(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole_text(item) for item in value]
    if isinstance(value, dict):
        return {_whole_text(name): _whole_text(item) for name, item in value.items()}
    return value


class ObjectScanner:
    """Says whether text that arrives in pieces is one complete JSON object by now.

    It only counts brackets outside strings, looks at each character once, and only when somebody asks.
    """

    __slots__ = ("_depth", "_escaped", "_in_string", "_pending", "_seen")

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the last piece ended with a backslash inside a string
        self._seen = False

    def feed(self, text: str) -> None:
        self._pending.append(text)

    def is_complete(self) -> bool:
        for text in self._pending:
            self._scan(text)
        self._pending.clear()
        return self._seen and self._depth == 0 and not self._in_string

    def _scan(self, text: str) -> None:
        skip = 0  # position of a character that a backslash before it took its meaning from
        if self._escaped and text:
            self._escaped = False
            skip = 1
        position = skip
        while found := _STRUCTURE.search(text, position):
            mark = found.group()
            position = found.end()
            if mark == "\\":
                if self._in_string:
                    if position == len(text):
                        self._escaped = True
                    position += 1
            elif mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._seen = True
                self._depth += 1 if mark in "{[" else -1
