"""What repeats at the end of a text that grows.

Works on UTF-8 without ASCII digits, so that items which differ in their number only are repeats too; `Run` then looks
at the text itself.  The previous place of the last 32 bytes is a candidate for a period; while what comes next equals
what stood a period before, a step costs one comparison.  Memory: at most 32 kB of bytes and 32 k characters of text.
"""

from dataclasses import dataclass
from typing import TypeVar

from validation.detectors.units import COUNTED, counts_up, needed

ANCHOR = 32
NEAR, FAR = 2048, 16384
FAR_EVERY = 1024  # characters
KEPT = 16384
GLANCE = 640  # characters whose words tell whether a closer look is worth it
TRIES = 3
WORTH_HOLDING = 48
STEP, CLOSE_STEP = 160, 32  # characters of a piece: mostly, and where a run may soon be garbage
LATEST_LOOK, LATEST_LOOK_AT_DATA = 256, 1024  # bytes of a run that grow without anybody looking at the text
MOST_PIECES = 50
FIRST_STEP = 64  # of how much is compared at once
WIDE = 4  # bytes of a character, where all are of one width
DIGITS = b"0123456789"
LONGEST_NUMBER = 40
LONGEST_FIGURE, LONGEST_FRACTION = 250, 700  # digits that are all the same, or that repeat

Tape = TypeVar("Tape", str, bytearray)


def repeated(tape: Tape, period: int) -> int:
    """How much of the end of the tape equals what stands one period before it."""
    size = len(tape)
    known, step, room = 0, FIRST_STEP, size - period
    while known < room:
        step, end = min(step, room - known), size - known
        here, there = tape[end - step : end], tape[end - step - period : end - period]
        if here != there:
            return known + common_ending(here, there)
        known += step
        step *= 2
    return known


def common_ending(here: str | bytearray, there: str | bytearray) -> int:
    """How much the ends of two tapes of one size have in common; as numbers, they are compared at once."""
    width = WIDE if isinstance(here, str) else 1
    different = number(here) ^ number(there)
    return len(here) - -(-different.bit_length() // (8 * width))


def number(tape: str | bytearray) -> int:
    held = tape.encode("utf-32-le", "surrogatepass") if isinstance(tape, str) else tape
    return int.from_bytes(held, "little")


def digits_before(text: str, end: int) -> int:
    before = text[max(0, end - LONGEST_NUMBER) : end]
    return len(before) - len(before.rstrip("0123456789"))


@dataclass(slots=True)
class Run:
    """What the end of the text repeats: `length` characters that equal those `period` before them."""

    period: int
    length: int
    copies: float
    kind: str  # "exact", "counter", or "" while it is neither yet
    unit: str


class Tail:
    def __init__(self) -> None:
        self.position = 0  # characters read
        self.restless = 0  # scans whose anchor was found at no lasting distance
        self.suspected: int | None = None
        self.step = STEP  # characters of the next piece
        self._text = ""
        self._pieces: list[str] = []  # not in `_text` yet
        self._bytes = bytearray()
        self._period = 0
        self._length = 0  # in bytes
        self._look_at = 0  # bytes of run from which looking at the text is worth it
        self._far = FAR_EVERY
        self._glanced_at = 0
        self._words: list[str] = []

    @property
    def text(self) -> str:
        """The end of the text, put together only when somebody looks at it."""
        if self._pieces:
            self._text = ("".join((self._text, *self._pieces)))[-2 * KEPT :]
            self._pieces.clear()
        return self._text

    def end(self, size: int) -> str:
        """The last characters, which are mostly in the latest pieces."""
        count = -(-size // STEP)
        text = "".join(self._pieces[-count:])
        return text[-size:] if len(text) >= size else self.text[-size:]

    def glance(self) -> list[str]:
        """The words at the end; whoever looks at the same place is shown the same."""
        if self._glanced_at != self.position:
            self._words = self.end(GLANCE).split()
            self._glanced_at = self.position
        return self._words

    def scan(self, piece: str, code: bool) -> Run | None:
        """Read on; the run at the end if it has become garbage."""
        self.position += len(piece)
        self._pieces.append(piece)
        if len(self._pieces) > MOST_PIECES:
            _ = self.text
        fresh = piece.encode("utf-8", "surrogatepass").translate(None, DIGITS)
        self._follow(fresh)
        self.step = STEP
        if not fresh:
            return self._digits()
        if not self._period:
            self.suspected = None
            return None
        if self._length < max(self._period, 64):
            self.suspected = self.position - self._length
            self._expect(self._period - self._length)
        elif self._length >= self._look_at:
            return self._look(code)
        elif self.suspected is not None:
            self._expect(self._look_at - self._length)
        return None

    def _expect(self, characters: float) -> None:
        """The next piece ends about where the run may be garbage."""
        self.step = max(CLOSE_STEP, min(STEP, int(characters) + 1))

    def _follow(self, fresh: bytes) -> None:
        tape, size = self._bytes, len(fresh)
        tape += fresh
        if len(tape) > 2 * KEPT:
            del tape[:-KEPT]
        if self._period and fresh == tape[-size - self._period : -self._period]:
            self._length += size
            return
        if self._period:
            self.restless += 1
            self._period = self._length = self._look_at = 0
        self._search()

    def _search(self) -> None:
        tape = self._bytes
        if len(tape) <= ANCHOR:
            return
        reach = NEAR
        if self.position >= self._far:
            reach, self._far = FAR, self.position + FAR_EVERY
        anchor, end = tape[-ANCHOR:], len(tape) - 1
        start = len(tape) - reach if len(tape) > reach else 0
        for _ in range(TRIES):
            found = tape.rfind(anchor, start, end)
            if found < 0:
                return
            period = len(tape) - ANCHOR - found
            longer = max(self._length + 1, WORTH_HOLDING)  # shorter ones are not worth a closer look
            if tape[-longer:] == tape[-longer - period : -period]:
                self._period, self._length = period, repeated(tape, period)
            end = found + ANCHOR - 1

    def _look(self, code: bool) -> Run | None:
        """At the text itself, which costs more; so the next look waits until the run can have become garbage."""
        period = self._characters(self._period)
        text = self.text
        length = repeated(text, period)
        self.suspected = self.position - length if length >= ANCHOR // 2 else None
        unit, filled = text[-period:], length + period
        need = needed(unit, code=code, before=text[-filled - 80 : -filled])
        if filled >= need:
            return Run(period, length, filled / period, "exact", unit)
        width = self._period / period  # bytes without digits, per character
        if self._length > 2 * width * length and self._length >= 2 * self._period:  # only digits can differ then
            return self._counter(code)
        missing = need - filled
        self._look_at = self._length + min(LATEST_LOOK, int(0.9 * missing * width))
        self._expect(missing)
        return None

    def _counter(self, code: bool) -> Run | None:
        """Three items that count up are suspected, ten are garbage; other numbers are data, and data may be long."""
        whole = min(self._length + self._period, KEPT // 2)
        copies = whole // self._period
        end = len(self.text) - digits_before(self.text, len(self.text))
        run = self.text[end - self._characters(copies * self._period) : end]
        if not counts_up(run, copies, 2, code=code):
            self._look_at = self._length + min(self._length // 2, LATEST_LOOK_AT_DATA)
            return None
        missing = max(1, COUNTED - copies) * self._period
        self._look_at = self._length + missing
        self._expect(missing)
        period = len(run) // copies
        length = self._characters(whole) - period
        self.suspected = self.position - length
        if not counts_up(run, copies, code=code):
            return None
        return Run(period, length, copies, "counter", run[-period:])

    def _characters(self, size: int) -> int:
        """How many characters hold the last `size` bytes without digits, and the digits before them.

        Digits at the very end are left out: they may go on, and stand before what comes next.
        """
        text, taken = self.text, 0
        end = len(text) - digits_before(text, len(text))
        wanted = len(self._bytes[-size:].decode("utf-8", "ignore"))
        while wanted and taken < end:
            part = text[max(0, end - taken - wanted) : end - taken].encode("utf-8", "surrogatepass")
            taken += wanted
            wanted = len(part) - len(part.translate(None, DIGITS))  # as many more, for the digits among these
        start = max(0, end - taken)
        return max(1, end - start + digits_before(text, start))

    def _digits(self) -> Run | None:
        """Nothing but digits: the one thing that the tape does not hold."""
        anchor = self.text[-ANCHOR:]
        found = self.text.rfind(anchor, -NEAR, -1)
        if found < 0:
            self.suspected = None
            return None
        period = len(self.text) - len(anchor) - found
        length = repeated(self.text, period)
        self.suspected = self.position - length
        unit = self.text[-period:]
        enough = length + period >= (LONGEST_FIGURE if period == 1 else LONGEST_FRACTION)
        return Run(period, length, length / period + 1, "exact", unit) if enough and unit.isdecimal() else None
