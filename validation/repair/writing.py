"""Arguments whose values come as bare text, written as the JSON they are while they come.

What a value means is known from its schema alone: where any text will do its characters leave one by one, all other
values wait for their end.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from validation.repair.calls import dumps
from validation.repair.growing import Growing

CDATA, CDATA_END = "<![CDATA[", "]]>"
_HEAD = 64  # characters in which a frame around a value would show


class Trimmed(Enum):
    """Which line breaks at the ends of a value belong to the format."""

    NONE = "none"
    EACH = "one at either end"
    PAIR = "one at each end, where one is at the beginning"  # a file that is written tightly ends with its own


def trim(text: str, how: Trimmed) -> str:
    if how is Trimmed.NONE or (how is Trimmed.PAIR and not text.startswith("\n")):
        return text
    return text.removeprefix("\n").removesuffix("\n")


class Writing:
    """The object of one call.  Where the call may not grow, nothing is written, for nobody would read it."""

    def __init__(self, growing: Growing | None) -> None:
        self._growing = growing
        self._separator = "{"
        self._text: WrittenText | None = None

    def begin(self, key: str, trimmed: Trimmed = Trimmed.NONE) -> "WrittenText | None":
        """A text whose pieces are fed to what is returned; then `member` ends it."""
        if self._growing is not None:
            self._say(self._separator, dumps(key), ': "')
            self._text = WrittenText(self._growing.feed, trimmed)
        return self._text

    def member(self, key: str, value: Any) -> None:
        if self._text is None:
            self._say(self._separator, dumps(key), ": ", dumps(value))
        else:
            self._text.end(value)
            self._text = None
        self._separator = ", "

    def close(self) -> None:
        self._say("{}" if self._separator == "{" else "}")

    def _say(self, *pieces: str) -> None:
        if self._growing is not None:
            for piece in pieces:
                self._growing.feed(piece)


class WrittenText:
    """What has left is always the beginning of the value."""

    def __init__(self, say: Callable[[str], None], trimmed: Trimmed) -> None:
        self._say = say
        self._trimmed = trimmed
        self._head: str | None = ""  # until it is clear that no frame is around the value
        self._ends = False  # with a line break that is none of it
        self._tail = ""
        self._given = 0
        self._is_framed = False

    def feed(self, piece: str) -> None:
        if self._is_framed:
            return
        if self._head is not None:
            piece = self._head = self._head + piece
            start = piece[:_HEAD].lstrip()
            self._is_framed = start.startswith(CDATA)
            if self._is_framed or (len(piece) < _HEAD and CDATA.startswith(start)):
                return
            self._head = None
            self._ends = self._trimmed is Trimmed.EACH or (self._trimmed is Trimmed.PAIR and piece.startswith("\n"))
            piece = piece.removeprefix("\n") if self._ends else piece
        piece = self._tail + piece
        self._tail = "\n" if self._ends and piece.endswith("\n") else ""
        self._give(piece.removesuffix(self._tail))

    def end(self, value: str) -> None:
        self._give(value[self._given :])
        self._say('"')

    def _give(self, text: str) -> None:
        self._given += len(text)
        self._say(dumps(text)[1:-1])
