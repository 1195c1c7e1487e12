"""The rows of a request as what a lane looks for: which literals can begin something, and which rows they concern."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from validation.repair.families.row import Row
from validation.repair.families.table import THINKING, rows

# Closers of reasoning whose opener stood in the prompt, where nobody sees it.
THINK_OPENERS = frozenset(opener for opener, _ in THINKING)
THINK_CLOSERS = (*(closer for _, closer in THINKING), "[BEGIN FINAL RESPONSE]")
WORDS = frozenset({"to=functions."})  # openers that count only where a word begins
LONGEST_TICKS = 64  # that are looked at as one run
_LETTER = re.compile("[A-Za-z]")  # behind one, no word begins: `beginnings` says the same
QUOTES = "\"'“‘«„"


class Grammar:
    """`starters` count where an answer begins, `openers` anywhere, `closers` behind a call."""

    def __init__(self, chosen: list[Row]) -> None:
        self.starters = _by_opener([row for row in chosen if row.at_start])
        self.openers = _by_opener([row for row in chosen if not row.at_start])
        self.closers = frozenset(closer for row in chosen for closer in row.closers)
        ends = {*THINK_CLOSERS, *THINK_OPENERS, *(end for row in chosen for end in row.ends)}
        literals = sorted({*self.openers, *ends}, key=len, reverse=True)
        self.marks = re.compile(
            "|".join((f"`{{1,{LONGEST_TICKS}}}", f"~{{1,{LONGEST_TICKS}}}", *map(re.escape, literals)))
        )
        self.prefixes = _prefixes(literals)
        self.suspects = tuple(literal for literal in literals if literal in self.openers or not literal[0].isalpha())
        self.suspected_prefixes = _prefixes(self.suspects)
        self._of_words = _prefixes(WORDS) - _prefixes(set(literals) - WORDS)
        self.longest = len(literals[0])
        self.first = re.compile("[" + re.escape("".join(sorted({literal[0] for literal in literals}))) + "]")
        at_start = sorted({*literals, *self.starters, *self.closers}, key=len, reverse=True)
        self.at_start = {first: [one for one in at_start if one[0] == first] for first in {one[0] for one in at_start}}
        self.start_prefixes = _prefixes(at_start)
        self._start = re.compile(rf"\s*(?:{'|'.join(map(re.escape, at_start))})")
        self.suspect = re.compile("|".join((*beginnings(self.suspects), *_CONTEXT)))

    def mark(self, text: str, at: int, everything: bool) -> re.Match[str] | None:
        """The next mark: of those that are suspected, which are found much faster, or of all."""
        if everything:
            return self.marks.search(text, at)
        suspect = self.suspect.search(text, at)
        return self.marks.search(text, suspect.start()) if suspect else None

    def leaves(self, text: str) -> bool:
        """Whether nothing could be found in a whole answer of this text."""
        return self.suspect.search(text) is None and self._start.match(text) is None

    def begins(self, text: str) -> bool:
        """Whether it is settled what an answer with this first text begins with: nothing that is looked for."""
        said = text.lstrip()
        return said != "" and said not in self.start_prefixes and "\n" not in text and self.leaves(text)

    def held(self, text: str, at: int, everything: bool) -> int:
        """How many of the last characters could become a literal that is suspected, or any."""
        prefixes = self.prefixes if everything else self.suspected_prefixes
        at = max(at, len(text) - self.longest + 1)
        while match := self.first.search(text, at):
            start = match.start()
            tail = text[start:]
            if tail in prefixes and not (tail in self._of_words and _LETTER.match(text[start - 1 : start])):
                return len(text) - start
            at = match.end()
        return 0


# What is no marker but decides whether a marker that follows counts: see `Lane`.
# Each alternative begins with a literal: `re` then skips to the first of those characters.
_CONTEXT = ("`", "~", r"\n[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)]?)?[ \t]*\Z)", *(rf"{quote}\Z" for quote in QUOTES))
_DEPTH = 5
_MANY = 4


def _by_opener(chosen: list[Row]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for row in chosen:
        for opener in row.openers:
            found[opener] = (*found.get(opener, ()), row)
    return found


def _prefixes(literals: Iterable[str]) -> frozenset[str]:
    return frozenset(literal[:size] for literal in literals for size in range(1, len(literal)))


def beginnings(literals: Iterable[str], spell: Callable[[str], str] = re.escape, end: str = r"\Z") -> list[str]:
    """Alternatives that match the beginning of each literal: five characters, or those before the end of the text."""
    by_first: dict[str, list[str]] = {}
    for literal in literals:
        first = _word(literal[0]) if literal in WORDS else spell(literal[0])
        by_first.setdefault(first, []).append(literal[1:_DEPTH])
    return [_branch(first, rests, spell, end) for first, rests in sorted(by_first.items())]


def _word(first: str) -> str:
    """Where a word begins: behind no letter, unless it is that of an escape in JSON."""
    return rf"{first}(?:(?<![A-Za-z]{first})|(?<=\\[nrt]{first}))"


def _branch(first: str, rests: list[str], spell: Callable[[str], str], end: str) -> str:
    following: dict[str, list[str]] = {}
    for rest in rests:
        following.setdefault(rest[:1], []).append(rest[1:])
    if "" in following or len(following) > _MANY:  # what begins so many may stand for all of them
        return first
    branches = [_branch(spell(character), inner, spell, end) for character, inner in sorted(following.items())]
    return f"{first}(?:{'|'.join((*branches, end))})"


@lru_cache(maxsize=64)
def grammar(families: frozenset[str] | None, with_tools: bool) -> Grammar:
    return Grammar(rows(families, with_tools))
