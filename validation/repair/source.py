"""Text that arrives in pieces, read by parsers that are generators.

A parser asks for what it expects (`accept`, `until`, `json_text`); where the text at hand does not decide it, the
reader yields, and goes on when more has come or the text has ended.  So no parser can see how the text was cut.
Nothing is read twice, whatever its length; `rewind` gives everything back for another parser, or for the text it was.
"""

import re
from collections.abc import Callable, Generator
from functools import cache
from typing import TypeVar

from validation.repair.growing import Grow, Growing

T = TypeVar("T")
Steps = Generator[None, None, T]

SPACE = re.compile(r"\s*")
LONGEST_MARKER = 64
LONGEST_GAP = 256  # white space between two markers
_WHOLE_VALUES = ('"', "}", "]", "true", "false", "null")
_STRUCTURE = re.compile(r"""["'\\{}\[\]]""")


class Source:
    """What is unread is `text[at:]`; `cut` says that the text ended because the model ran out of tokens.

    `growing` is the call whose arguments are being read, if they may leave before it is whole.  What was read since
    `taken` is kept for `rewind`: in `text`, from `_start` on, and before that in `_read`.
    """

    __slots__ = ("_before", "_grow", "_read", "_start", "at", "cut", "ended", "growing", "may_grow", "text")

    def __init__(self, grow: Grow | None = None) -> None:
        self._grow = grow
        self.growing: Growing | None = None
        self.may_grow = True
        self.text = ""
        self.at = 0
        self.ended = False
        self.cut = False
        self._read: list[str] = []
        self._before = 0  # characters of these
        self._start = 0

    def feed(self, text: str) -> None:
        if self.at:
            if self.at > self._start:
                self._read.append(self.text[self._start : self.at])
                self._before += self.at - self._start
            self.text = self.text[self.at :] + text
            self._start = self.at = 0
        else:
            self.text += text

    def grows(self, name: str, id: str = "") -> None:
        """What is read next are the arguments of this call."""
        self.growing = self._grow(name, id) if self._grow and self.may_grow else None

    @property
    def is_read(self) -> bool:
        return self.at == len(self.text)

    @property
    def is_leaving(self) -> bool:
        """Whether the client has the beginning of the call, so that it can be nothing else any more."""
        return self.growing is not None and self.growing.is_long()

    def rewind(self) -> None:
        self.go_back(0)
        self.growing = None

    def place(self) -> int:
        """How much was read, for `go_back`."""
        return self._before + self.at - self._start

    def go_back(self, place: int) -> None:
        if self._read:
            self.text = self.whole()
            self._start = self._before = 0
            self._read.clear()
        self.at = self._start + place

    def whole(self) -> str:
        """What was read and what is unread."""
        return "".join(self._read) + self.text[self._start :]

    def taken(self) -> str:
        """What was read, which is forgotten by this."""
        taken = "".join(self._read) + self.text[self._start : self.at]
        self._start = self.at
        self._before = 0
        self.growing = None
        self._read.clear()
        return taken

    def spaces(self) -> Steps[str]:
        """Skips white space."""
        skipped: list[str] = []
        while True:
            match = SPACE.match(self.text, self.at)
            assert match is not None
            skipped.append(match.group())
            self.at = match.end()
            if self.at < len(self.text) or self.ended:
                return "".join(skipped)
            yield

    def accept(self, *literals: str) -> Steps[str]:
        """The longest of the literals that stands here, and behind it; an empty text when none does."""
        while True:
            best = ""
            undecided = False
            left = len(self.text) - self.at
            for literal in literals:
                if self.text.startswith(literal, self.at):
                    best = max(best, literal, key=len)
                elif left < len(literal) and literal.startswith(self.text[self.at :]):
                    undecided = True
            if not undecided or self.ended:
                self.at += len(best)
                return best
            yield

    def peek(self) -> Steps[str]:
        """The next character, empty at the end."""
        while self.at == len(self.text) and not self.ended:
            yield
        return self.text[self.at : self.at + 1]

    def run(self, pattern: re.Pattern[str], longest: int = 256) -> Steps[str]:
        """As much as the pattern (of the form `[…]*`) covers, which is a name: text that goes on longer is none."""
        while True:
            match = pattern.match(self.text, self.at, self.at + longest + 1)
            assert match is not None
            if match.end() < len(self.text) or self.ended or match.end() - self.at > longest:
                self.at = match.end()
                return match.group()
            yield

    def closer(self, *literals: str) -> Steps[str]:
        """Like `accept`, behind white space that stays unread when none of them follows."""
        while True:
            match = SPACE.match(self.text, self.at)
            assert match is not None
            rest = self.text[match.end() : match.end() + LONGEST_MARKER]
            best = max((literal for literal in literals if rest.startswith(literal)), key=len, default="")
            undecided = any(len(rest) < len(literal) and literal.startswith(rest) for literal in literals)
            if not undecided or self.ended or match.end() - self.at > LONGEST_GAP:
                self.at = match.end() + len(best) if best else self.at
                return best
            yield

    def until(self, *stops: str, longest: int = 0, text: Callable[[str], None] | None = None) -> Steps[tuple[str, str]]:
        """The text before the first of the stops, and which it was: none at the end, or after `longest` characters.

        `text` is given each piece of it as it comes.
        """
        pattern = any_of(stops)
        found: list[str] = []
        size = 0
        while True:
            match = pattern.search(self.text, self.at)
            end = match.start() if match else len(self.text) - (0 if self.ended else held(self.text, self.at, stops))
            size += end - self.at
            if longest and size > longest:
                return "", ""
            found.append(self.text[self.at : end])
            if text is not None:
                text(found[-1])
            if match or self.ended:
                self.at = match.end() if match else end
                return "".join(found), match.group() if match else ""
            self.at = end
            yield

    def json_text(self) -> Steps[str]:
        """The object or list that begins here, up to the bracket that closes it; empty if it never does.

        Python's quotes count as quotes too: outside a string JSON has no use for them.  Closing brackets that are
        missing when the model stopped of itself are added where nothing else can be missing.
        """
        found: list[str] = []
        open_brackets: list[str] = []
        quote = ""
        while True:
            position = self.at
            end = len(self.text)
            while match := _STRUCTURE.search(self.text, position):
                mark = match.group()
                position = match.end()
                if mark == "\\":
                    position += 1
                    if position > len(self.text):
                        end = match.start()
                        break
                elif quote:
                    quote = "" if mark == quote else quote
                elif mark in "\"'":
                    quote = mark
                elif mark in "{[":
                    open_brackets.append("}" if mark == "{" else "]")
                elif not open_brackets or open_brackets.pop() != mark:
                    self._take(match.start(), found)
                    return ""
                elif not open_brackets:
                    self._take(position, found)
                    return "".join(found)
            self._take(len(self.text) if self.ended else end, found)
            if self.ended:
                missing = "" if quote or self.cut else _missing("".join(found), open_brackets)
                if missing and self.growing:
                    self.growing.feed(missing)
                return "".join(found) + missing if missing else ""
            yield

    def _take(self, end: int, found: list[str]) -> None:
        piece = self.text[self.at : end]
        self.at = end
        found.append(piece)
        if self.growing:
            self.growing.feed(piece)


def _missing(text: str, brackets: list[str]) -> str:
    """The last brackets, behind a value that cannot have been longer."""
    return "".join(reversed(brackets)) if text.rstrip().endswith(_WHOLE_VALUES) else ""


@cache
def any_of(literals: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(literals, key=len, reverse=True))))


def held(text: str, at: int, stops: tuple[str, ...]) -> int:
    """How many of the last characters could be the beginning of a stop."""
    longest = min(max(map(len, stops)) - 1, len(text) - at)
    for size in range(longest, 0, -1):
        if any(stop.startswith(text[-size:]) for stop in stops):
            return size
    return 0
