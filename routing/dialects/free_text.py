"""The free text of a custom tool, out of the JSON that it was wrapped in, while that is still arriving.

Agents give up on a stream that is silent for minutes, and a long patch takes minutes, so the text is passed on piece
by piece.  It is read as models write it: line breaks inside of the string and escapes that JSON does not know stay
what they are.
"""

import re

from routing.dialects import arguments

_HEAD = re.compile(r'\s*\{\s*"' + arguments.INPUT + r'"\s*:\s*"')
_HEAD_LENGTH = 64  # more than any head, however it is indented
# The string up to its end, or up to an escape that is not complete yet.
_INSIDE = re.compile(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u]|\\u(?![0-9a-fA-F]{0,3}\Z))*+')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[^u])")
_MEANING = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class FreeText:
    """`feed` gives the text that a piece of JSON adds; `was_found` says whether there is a text at all."""

    __slots__ = ("_half", "_is_over", "_rest", "was_found")

    def __init__(self) -> None:
        self.was_found = False
        self._is_over = False
        self._rest = ""  # what cannot be read before more comes
        self._half = ""  # of a character that is written as two escapes

    def feed(self, piece: str) -> str:
        if self._is_over:
            return ""
        piece = self._rest + piece
        self._rest = ""
        if not self.was_found:
            head = _HEAD.match(piece)
            if head is None:
                self._rest = piece
                self._is_over = len(piece) > _HEAD_LENGTH
                return ""
            self.was_found = True
            piece = piece[head.end() :]
        inside = _INSIDE.match(piece)
        assert inside is not None
        self._rest = piece[inside.end() :]
        self._is_over = self._rest.startswith('"')
        return self._characters(inside.group())

    def _characters(self, text: str) -> str:
        text = self._half + _ESCAPE.sub(_character, text)
        self._half = ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if _SURROGATE.search(text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _MEANING.get(code, escape[0])


def of(text: str) -> str:
    """The free text of a whole JSON, or the JSON itself if it holds none."""
    free = FreeText()
    said = free.feed(text)
    return said if free.was_found else arguments.unwrapped(text)
