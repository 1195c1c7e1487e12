"""A call whose arguments leave as they come.

A short call is judged when it is whole: then it is a call, or stays the text it was.  One with long arguments (a
file's content) would keep the client waiting, so it begins to leave when it has grown beyond doubt.  How long that is
depends on the text alone, never on its pieces; if such a call breaks off, the client has the beginning of its
arguments, as it would have from an upstream that recognises calls itself.
"""

from collections.abc import Callable
from typing import Any, Protocol

LONG = 256  # characters of arguments


class Stream(Protocol):
    """Mends arguments while they pass."""

    changes: list[str]

    def feed(self, piece: str) -> str: ...

    def close(self, *, cut: bool = False) -> str: ...


class Growing:
    """`stream` is what mends the arguments; None: they pass as they are."""

    __slots__ = ("_pending", "given", "id", "key", "name", "size", "stream")

    def __init__(self, name: str, id: str, stream: Any) -> None:
        self.name = name
        self.id = id
        self.key = -1  # until it begins for the client
        self.size = 0
        self.given: list[str] = []
        self.stream: Stream | None = stream
        self._pending: list[str] = []

    def feed(self, text: str) -> None:
        self._pending.append(text)
        self.size += len(text)

    def is_long(self) -> bool:
        return self.size >= LONG

    def next(self) -> str:
        """What has come and may leave."""
        text = "".join(self._pending)
        self._pending.clear()
        return self._given(self.stream.feed(text) if self.stream else text)

    def last(self, cut: bool) -> str:
        return self._given(self.stream.close(cut=cut)) if self.stream else ""

    def _given(self, text: str) -> str:
        self.given.append(text)
        return text


Grow = Callable[[str, str], Growing | None]
