"""One kind of text of an answer (what it says, or its reasoning) and the markup found in it.

A lane knows where markup does not count: in a fence or HTML's `<pre>`, in inline code or `<code>`, behind a quotation
mark, in a quoted line.  It
holds back what could still become a marker, and a marker's text for as long as a parser is undecided; what turns out
to be none is scanned again from its second character on, so it comes out byte for byte.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from validation.repair.calls import Call, Found, Thinking
from validation.repair.families.row import Row
from validation.repair.grammar import LONGEST_TICKS, QUOTES, TAGS, THINK_CLOSERS, THINK_OPENERS, WORDS, Grammar
from validation.repair.growing import Grow, Growing
from validation.repair.source import SPACE, Source, Steps
from validation.repair.tools import Tools


@dataclass(slots=True)
class Piece:
    text: str
    thinking: bool


@dataclass(slots=True)
class Markup:
    """Text that is taken out, unless what it belongs to is given back."""

    raw: str
    thinking: bool
    ends: bool = False  # it ends reasoning, so no call before it was the last thing said there


@dataclass(slots=True)
class Recognised:
    calls: list[Call]
    raw: str
    family: str
    thinking: bool


@dataclass(slots=True)
class Grown:
    """A long call went on; `raw` is all of its text when it is over."""

    call: Growing
    family: str
    raw: str = ""
    is_over: bool = False
    is_cut: bool = False


Item = Piece | Markup | Recognised | Grown
Accept = Callable[[Found, Row], bool]

_LONE_TAG = re.compile(r"<[^<>\s]+>\s*")
_LONGEST_START = 64
MOST_WASTED = 500_000
_LONGEST_BLANKS = 256  # that can be held: an answer that begins with more begins with them, and may be a flood of them
_FRESH, _QUOTED, _BUSY = range(3)  # of a line: nothing but its beginning yet, a quotation (>), other text
_LINE_START = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)]?)?\s*")  # blanks, and the mark of a list's item
_LONGEST_LINE_START = 256
_CODE_INDENT = 4
_TAGGED = -1  # in the place of a number of backticks


class Lane:
    """`reasoning` says which text it is, `thinking` that an answer begins with reasoning whose opener nobody sees.

    It is fresh as long as nothing was said since it began, since reasoning ended, or since the last call.
    """

    def __init__(
        self, grammar: Grammar, tools: Tools, accept: Accept, grow: Grow, *, reasoning: bool, thinking: bool = False
    ) -> None:
        self.begun = False
        self._grammar = grammar
        self._tools = tools
        self._accept = accept
        self._grow = grow
        self._source = Source(grow)
        self._parser: Steps[Found] | None = None
        self._row: Row | None = None
        self._rows: Iterator[Row] = iter(())
        self._is_reasoning = reasoning
        self._thinking = thinking or reasoning
        self._ends: tuple[str, ...] = THINK_CLOSERS if self._thinking else ()
        self._closers: frozenset[str] = frozenset()
        self._watches = False  # for an end that no text is suspected of: it is an ordinary word
        self.is_fresh = True
        self._has_thought = False
        self._behind_call = False
        self._blanks = ""
        self._drops_blanks = self._thinking
        self._line = _FRESH
        self._line_start = ""
        self._fence = ""
        self._ticks = 0
        self._last = ""
        self._wasted = 0  # characters that were read for nothing

    def is_idle(self) -> bool:
        """Text in which no marker begins passes as it is."""
        return (
            self.begun
            and self._thinking == self._is_reasoning
            and not self.is_fresh
            and not self._watches
            and self._parser is None
            and self._source.is_read
        )

    def is_quiet(self) -> bool:
        """Text in which the grammar suspects nothing passes as it is, and changes nothing here."""
        return self.is_idle() and self._line == _BUSY and not self._ticks and not (self._last and self._last in QUOTES)

    def feed(self, text: str) -> Iterator[Item]:
        """To be acted on one by one: whether a call may grow depends on the calls before it."""
        self.begun = True
        if self.is_quiet():
            self._last = ""  # what passed since then, nobody knows
        self._source.feed(text)
        yield from self._run()

    def close(self, cut: bool = False, native: bool = False) -> Iterator[Item]:
        """Nothing follows: what is held back is decided.  More text, if it comes, begins in the middle of a line.

        `native`: the upstream found a call itself, so a lone opening tag is what it left of the call's markup.
        """
        self._source.ended = True
        self._source.cut = cut
        if native and self._parser is not None and _LONE_TAG.fullmatch(whole := self._source.whole()):
            yield Markup(self._blanks + whole, self._thinking)
            self._blanks = ""
            self._parser = None
        else:
            yield from self._run()
        if self._blanks:
            is_markup = self._behind_call or self._drops_blanks
            yield Markup(self._blanks, self._thinking) if is_markup else self._piece(self._blanks)
            self._blanks = ""
        self._source = Source(self._grow)
        self._line = _FRESH if self.is_fresh else _BUSY
        self._fence = self._last = self._line_start = ""
        self._ticks = 0

    def join(self) -> None:
        """Begins in the middle of a line: what went around the transform could have been the beginning."""
        self.is_fresh = False
        self._line = _BUSY

    def after_native_call(self) -> None:
        """Markup that closes calls may follow a call that the upstream found itself."""
        self.is_fresh = self._behind_call = True
        self._closers = self._grammar.closers

    def _run(self) -> Iterator[Item]:
        items: list[Item] = []
        while self._parse(items) if self._parser else self._scan(items):
            yield from items
            items.clear()
        yield from items
        if self._parser is None:
            self._source.taken()

    # A candidate

    def _open(self, rows: tuple[Row, ...]) -> None:
        self._source.taken()
        self._source.may_grow = not self._thinking  # there it may be a draft: nothing leaves before that is known
        self._rows = iter(rows)
        self._next_row()

    def _next_row(self) -> bool:
        self._row = next(self._rows, None)
        self._parser = self._row.parse(self._source, self._tools) if self._row else None
        return self._parser is not None

    def _parse(self, items: list[Item]) -> bool:
        """Lets the parser go on; False when it waits for more."""
        assert self._parser is not None
        assert self._row is not None
        try:
            next(self._parser)
        except StopIteration as stopped:
            found: Found = stopped.value
        except RecursionError:  # nested as deeply as nobody needs
            found = None
        else:
            if (growing := self._source.growing) and growing.is_long():
                items.append(Grown(growing, self._row.family))
            return False
        growing = self._source.growing
        if growing and growing.is_long():
            self._end_growth(growing, not isinstance(found, list), self._row, items)
            return True
        if found is not None and self._honours(found):
            self._take(found, self._row, items)
            self._parser = None
            return True
        self._wasted += self._source.place()
        self._source.rewind()
        if self._gave_up() or not self._next_row():
            self._parser = None
            self._refuse(items)
        return True

    def _gave_up(self) -> bool:
        """Text that keeps opening what it does not close would be read again from each opener to its end."""
        return self._wasted > MOST_WASTED

    def _end_growth(self, call: Growing, is_cut: bool, row: Row, items: list[Item]) -> None:
        raw = self._blanks + self._source.taken()
        self._blanks = ""
        self._parser = None
        items.append(Grown(call, row.family, raw, is_over=True, is_cut=is_cut))
        self._begin_anew(behind_call=True)

    def _refuse(self, items: list[Item]) -> None:
        """It is text; only its first character, lest what follows hides another marker."""
        source = self._source
        is_opener = any(source.text.startswith(opener, source.at) for opener in self._grammar.openers)
        if self.is_fresh:
            self._leave_start(items)
        if is_opener:
            self._say(1, items)

    def _honours(self, found: Found) -> bool:
        assert self._row is not None
        if isinstance(found, list):
            return self._accept(found, self._row)
        return self.is_fresh

    def _take(self, found: Found, row: Row, items: list[Item]) -> None:
        raw = self._blanks + self._source.taken()
        self._blanks = ""
        assert found is not None
        if isinstance(found, list):
            items.append(Recognised(found, raw, row.family, self._thinking))
            self._begin_anew(behind_call=True)
            return
        items.append(Markup(raw, self._thinking))
        self._thinking = isinstance(found, Thinking)
        self._ends = found.closers
        self._watches = any(end[0].isalpha() for end in found.closers)
        self._begin_anew()

    def _begin_anew(self, *, behind_call: bool = False) -> None:
        self.is_fresh = True
        self._behind_call = behind_call
        self._closers = self._grammar.closers if behind_call else frozenset()
        self._drops_blanks = not behind_call
        self._line = _FRESH
        self._fence = self._line_start = ""
        self._ticks = 0
        self._last = ""

    # Between candidates

    def _scan(self, items: list[Item]) -> bool:
        """Up to the next mark; False when there is none in the text at hand."""
        if self.is_fresh:
            return self._start(items)
        source, grammar = self._source, self._grammar
        match = grammar.mark(source.text, source.at, self._watches)
        if match is None:
            held = 0 if source.ended else grammar.held(source.text, source.at, self._watches)
            self._say(len(source.text) - source.at - held, items)
            return False
        self._say(match.start() - source.at, items)
        mark = match.group()
        is_last = match.end() == len(source.text) and not source.ended and len(mark) < LONGEST_TICKS
        if mark[0] in "`~":
            if not is_last:
                self._tick(mark, items)
            return not is_last
        if mark in TAGS:
            self._tag(mark, items)
        elif mark in self._ends and self._is_plain():
            self._end(mark, items)
        elif mark in THINK_OPENERS:
            self._has_thought = self._has_thought or not self._thinking  # in so many words: its closer is a word, too
            self._say(1, items)
        elif mark in THINK_CLOSERS and self._is_plain() and not (self._thinking or self._has_thought or self._fence):
            if is_last and self._line != _FRESH:
                return False
            if self._line == _FRESH or source.text[match.end() : match.end() + 1] in ("", "\n"):
                self._end(mark, items)
            else:
                self._say(1, items)
        elif mark in grammar.openers and self._may_open(mark):
            self._open(grammar.openers[mark])
        else:
            self._say(1, items)
        return True

    def _start(self, items: list[Item]) -> bool:
        """Decides what the answer begins with; False when that takes more text."""
        source, grammar = self._source, self._grammar
        match = SPACE.match(source.text, source.at, source.at + _LONGEST_BLANKS - len(self._blanks))
        assert match is not None
        self._blanks += match.group()
        source.at = match.end()
        if len(self._blanks) == _LONGEST_BLANKS:
            self._leave_start(items)
            return True
        rest = source.text[source.at : source.at + _LONGEST_START]
        if not rest or (rest in grammar.start_prefixes and not source.ended):
            return False
        literals = [literal for literal in grammar.at_start.get(rest[0], ()) if rest.startswith(literal)]
        for literal in literals:
            if literal in self._closers or literal in self._ends or self._is_orphan(literal):
                self._end(literal, items)
                return True
        found = [row for literal in literals for row in self._rows_of(literal)]
        if found and not self._gave_up():
            self._open(tuple(found))
        else:
            self._leave_start(items)
        return True

    def _leave_start(self, items: list[Item]) -> None:
        self._say(0, items)
        self.is_fresh = self._behind_call = False

    def _rows_of(self, literal: str) -> tuple[Row, ...]:
        return (*self._grammar.starters.get(literal, ()), *self._grammar.openers.get(literal, ()))

    def _is_orphan(self, literal: str) -> bool:
        """The closer of reasoning that was empty, or went elsewhere."""
        return literal in THINK_CLOSERS and not self._thinking

    def _end(self, mark: str, items: list[Item]) -> None:
        """Swallows a closer: of reasoning, of a frame, of the call before it."""
        self._source.at += len(mark)
        is_end = mark not in self._closers
        items += [Markup(self._blanks, self._thinking), Markup(mark, self._thinking, ends=is_end)]
        self._blanks = ""
        if is_end:
            self._has_thought = True
            self._ends = () if self._thinking else self._ends
            self._thinking = self._watches = False
            self._begin_anew()

    def _is_plain(self) -> bool:
        """Neither inline code nor quoted."""
        return not self._ticks and not (self._last and self._last in QUOTES)

    def _may_open(self, mark: str) -> bool:
        """Also: a word that counts only by itself is not the end of another."""
        is_end_of_word = mark in WORDS and self._last.isalnum()
        if self._line == _FRESH and len(self._line_start.expandtabs()) >= _CODE_INDENT:
            self._line = _QUOTED  # all of it
        counts = self._is_plain() and not self._fence and self._line != _QUOTED and not is_end_of_word
        return counts and not self._gave_up()

    def _tick(self, mark: str, items: list[Item]) -> None:
        """A run of backticks or tildes, which may open or close a fence, or inline code."""
        is_fence = self._line == _FRESH and len(mark) >= 3
        self._say(len(mark), items)
        if self._fence:
            if is_fence and mark.startswith(self._fence):
                self._fence = ""
        elif is_fence:
            self._fence = mark
        elif mark[0] == "`":
            if not self._ticks:
                self._ticks = len(mark)
            elif self._ticks == len(mark):
                self._ticks = 0

    def _tag(self, mark: str, items: list[Item]) -> None:
        """`<pre>` is a fence where a line begins with it; elsewhere it is inline code to the end of its line, as
        `<code>` is: people speak of these tags, and do not close them."""
        is_fence = self._line == _FRESH and mark.startswith("<pre")
        self._say(len(mark), items)
        if self._fence:
            if mark == self._fence:
                self._fence = ""
        elif is_fence:
            self._fence = "</pre>"
        elif not self._ticks and not mark.startswith("</"):
            self._ticks = _TAGGED
        elif self._ticks == _TAGGED and mark.startswith("</"):
            self._ticks = 0

    def _say(self, size: int, items: list[Item]) -> None:
        """The next characters are text."""
        source = self._source
        text = source.text[source.at : source.at + size]
        source.at += size
        if self._blanks:
            items.append(Markup(self._blanks, self._thinking) if self._drops_blanks else self._piece(self._blanks))
            self._blanks = ""
        if not text:
            return
        items.append(self._piece(text))
        self._last = text[-1]
        _, newline, line = text.rpartition("\n")
        if newline:
            self._line = _FRESH
            self._line_start = ""
            self._ticks = 0
        if self._line == _FRESH:
            start = self._line_start = self._line_start + line
            if len(start) > _LONGEST_LINE_START or not _LINE_START.fullmatch(start):
                self._line = _QUOTED if start.lstrip()[:1] == ">" else _BUSY

    def _piece(self, text: str) -> Piece:
        return Piece(text, self._thinking)
