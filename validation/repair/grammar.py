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
# HTML around what is shown, which counts as a fence or as inline code does.
TAGS = ("<pre>", "<pre ", "</pre>", "<code>", "<code ", "</code>")
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
        literals = sorted({*self.openers, *ends, *TAGS}, key=len, reverse=True)
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
        self.at_start = {
            first: tuple(one for one in at_start if one[0] == first) for first in {one[0] for one in at_start}
        }
        self.start_prefixes = _prefixes(at_start)
        self.suspect = re.compile("|".join((*beginnings(self.suspects), *_CONTEXT)))
        words, signs = words_and_signs(self.suspects)
        self._words = re.compile("|".join(map(re.escape, words)) or "(?!)")
        self._signs = re.compile("|".join(beginnings(signs, end="")))

    def mark(self, text: str, at: int, everything: bool) -> re.Match[str] | None:
        """The next mark: of those that are suspected, which are found much faster, or of all."""
        if everything:
            return self.marks.search(text, at)
        suspect = self.suspect.search(text, at)
        return self.marks.search(text, suspect.start()) if suspect else None

    def leaves(self, text: str) -> bool:
        """Whether nothing could be found in a whole answer of this text."""
        return not (self._signs.search(text) or self._words.search(text) or self._starts(text.lstrip()))

    def begins(self, text: str) -> bool:
        """Whether it is settled what an answer with this first text begins with: nothing that is looked for."""
        said = text.lstrip()
        is_settled = said != "" and said not in self.start_prefixes and "\n" not in text
        return is_settled and self.suspect.search(text) is None and not self._starts(said)

    def _starts(self, said: str) -> bool:
        return said.startswith(self.at_start.get(said[:1], ()))

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


def _by_opener(chosen: list[Row]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for row in chosen:
        for opener in row.openers:
            found[opener] = (*found.get(opener, ()), row)
    return found


def _prefixes(literals: Iterable[str]) -> frozenset[str]:
    return frozenset(literal[:size] for literal in literals for size in range(1, len(literal)))


Spell = Callable[[str], str]


def beginnings(
    literals: Iterable[str], first: Spell = re.escape, spell: Spell = re.escape, end: str = r"\Z"
) -> list[str]:
    """Alternatives that match the beginning of each literal: five characters, or, where `end` says what that is, those
    before the end of the text.

    `first` spells the first character, which has to be a literal, `spell` the others.
    """
    by_first: dict[str, list[str]] = {}
    for literal in literals:
        by_first.setdefault(_begun(literal, first), []).append(literal[1:_DEPTH])
    return [_branch(begun, rests, spell, end) for begun, rests in sorted(by_first.items())]


def endings(literals: Iterable[str], spell: Spell = re.escape) -> list[str]:
    """Alternatives that match what each literal begins with, if they match up to the end of the text: all but the last
    character of a word, and of what is no word less than `beginnings` tell of."""
    by_first: dict[str, list[str]] = {}
    for literal in literals:
        shown = len(literal) if literal[0].isalpha() else _DEPTH
        by_first.setdefault(_begun(literal, spell), []).append(literal[1 : min(shown, len(literal)) - 1])
    return [_any_of(begun, rests, spell) for begun, rests in sorted(by_first.items())]


def words_and_signs(literals: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The literals that begin with a letter, but for those that contain another; and those that do not."""
    words = [literal for literal in literals if literal[0].isalpha()]
    least = tuple(word for word in words if not any(other in word for other in words if other != word))
    return least, tuple(literal for literal in literals if literal not in words)


def _begun(literal: str, spell: Spell) -> str:
    """A word begins behind no letter, unless it is that of an escape in JSON."""
    first = literal[0]
    if literal in WORDS:
        return rf"{first}(?:(?<![A-Za-z]{first})|(?<=\\[nrt]{first}))"
    return spell(first)


def _branch(first: str, rests: list[str], spell: Spell, end: str) -> str:
    following = _by_first(rests)
    if "" in following:
        return first
    branches = [_branch(spell(character), inner, spell, end) for character, inner in sorted(following.items())]
    return f"{first}(?:{'|'.join((*branches, end) if end else branches)})"


def _any_of(first: str, rests: list[str], spell: Spell) -> str:
    branches = [
        _any_of(spell(character), inner, spell) for character, inner in sorted(_by_first(rests).items()) if character
    ]
    return f"{first}(?:{'|'.join(branches)})?" if branches else first


def _by_first(rests: list[str]) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for rest in rests:
        following.setdefault(rest[:1], []).append(rest[1:])
    return following


@lru_cache(maxsize=64)
def grammar(families: frozenset[str] | None, with_tools: bool) -> Grammar:
    return Grammar(rows(families, with_tools))
