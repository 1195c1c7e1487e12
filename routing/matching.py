"""Which pattern a model's name matches: exact names first, then globs in the order of their position.

Names compare case-insensitively, everywhere.  `[1m]`, the context marker that hand-made Claude Code configurations
append to a name, is not part of it.
"""

import fnmatch
import re
from collections.abc import Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")

_GLOB = re.compile(r"[*?\[]")
_CONTEXT_MARKER = re.compile(r"\[1m\]$", re.IGNORECASE)


def fold(name: str) -> str:
    return name.casefold()


def is_glob(pattern: str) -> bool:
    return _GLOB.search(pattern) is not None


def without_context_marker(name: str) -> str:
    return _CONTEXT_MARKER.sub("", name)


class PatternTable(Generic[Value]):
    """(pattern, value) pairs in order of position, asked for the value, or all values, of a name."""

    def __init__(self, pairs: Iterable[tuple[str, Value]]) -> None:
        self._exact: dict[str, list[Value]] = {}
        self._globs: list[tuple[re.Pattern[str], Value]] = []
        for pattern, value in pairs:
            if is_glob(pattern):
                self._globs.append((re.compile(fnmatch.translate(fold(pattern))), value))
            self._exact.setdefault(fold(pattern), []).append(value)

    def all(self, name: str) -> list[Value]:
        """Every value whose pattern matches, the most specific first."""
        folded = fold(name)
        matches = list(self._exact.get(folded, ()))
        matches += [value for pattern, value in self._globs if pattern.match(folded) and value not in matches]
        if not matches and (shorter := without_context_marker(name)) != name:
            return self.all(shorter)
        return matches

    def first(self, name: str) -> Value | None:
        return next(iter(self.all(name)), None)
