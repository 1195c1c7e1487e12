"""Which pattern a model's name matches: exact names first, then globs in the order of their position.

Names compare case-insensitively, everywhere.  `[1m]`, the context marker that hand-made Claude Code configurations
append to a name, is not part of it.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Generic, TypeVar

Value = TypeVar("Value")

MOST_KNOWN = 4096
remembered = lru_cache(maxsize=MOST_KNOWN)
"""For answers to names: the same few come again and again, but clients make names up, and never fill the memory."""

_GLOB = re.compile(r"[*?\[]")
_CONTEXT_MARKER = re.compile(r"\[1m\]$", re.IGNORECASE)


def fold(name: str) -> str:
    return name.casefold()


def is_glob(pattern: str) -> bool:
    return _GLOB.search(pattern) is not None


def picks_models(name: str) -> bool:
    """Whether a target's name for a model is a glob.  Brackets are none here: names hold them."""
    return "*" in name or "?" in name


def pick(glob: str, wanted: str, names: Iterable[str]) -> str:
    """The one that is wanted, in its own spelling, else the first, of the names that match; blank if none does."""
    matches = re.compile(fnmatch.translate(fold(glob))).match
    found = [name for name in names if matches(fold(name))]
    wanted = fold(without_context_marker(wanted))
    return next((name for name in found if fold(name) == wanted), found[0] if found else "")


def without_context_marker(name: str) -> str:
    return _CONTEXT_MARKER.sub("", name)


class PatternTable(Generic[Value]):
    """(pattern, value) pairs in order of position, asked for the value, or all values, of a name."""

    def __init__(self, pairs: Iterable[tuple[str, Value]]) -> None:
        self._values: list[Value] = []
        self._exact: dict[str, list[int]] = {}  # globs are here too: a name may hold brackets itself
        self._globs: list[tuple[re.Pattern[str], int]] = []
        for index, (pattern, value) in enumerate(pairs):
            self._values.append(value)
            self._exact.setdefault(fold(pattern), []).append(index)
            if is_glob(pattern):
                self._globs.append((re.compile(fnmatch.translate(fold(pattern))), index))
        self.first: Callable[[str], Value | None] = remembered(self._first)

    def all(self, name: str) -> list[Value]:
        """Every value whose pattern matches the name, with or without its context marker; the most specific first."""
        names = dict.fromkeys((fold(name), fold(without_context_marker(name))))
        exact = [index for spelling in names for index in self._exact.get(spelling, ())]
        globs = [index for pattern, index in self._globs if any(map(pattern.match, names))]
        return [self._values[index] for index in dict.fromkeys((*exact, *globs))]

    def _first(self, name: str) -> Value | None:
        return next(iter(self.all(name)), None)
