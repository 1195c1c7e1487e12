"""What repeats at the end of a text that grows.

Works on UTF-8 without ASCII digits, so that items which differ in their number only are repeats too; `Run` then looks
at the text itself.  The previous place of the last 32 bytes is a candidate for a period; while what comes next equals
what stood a period before, a step costs one comparison.  Memory: at most 32 kB of bytes and 32 k characters of text.
"""

import re
from dataclasses import dataclass
from typing import TypeVar

from validation.detectors.units import counts_up, needed

ANCHOR = 32
NEAR, FAR = 2048, 16384
FAR_EVERY = 1024  # characters
KEPT = 16384
GLANCE = 640  # characters whose words tell whether a closer look is worth it
TRIES = 3
WORTH_HOLDING = 48
SHORTEST_STEP = 160  # characters of most pieces
MOST_PIECES = 50
DIGITS = b"0123456789"
HAS_DIGIT = re.compile(r"[0-9]")

Tape = TypeVar("Tape", str, bytearray)


def repeated(tape: Tape, period: int) -> int:
    """How much of the end of the tape equals what stands one period before it."""
    size = len(tape)
    known, step, room = 0, ANCHOR, size - period
    while step:
        end = size - known
        if known + step <= room and tape[end - step : end] == tape[end - step - period : end - period]:
            known += step
            step *= 2
        else:
            room = min(room, known + step - 1)
            step //= 2
    return known


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
        self._text = ""
        self._pieces: list[str] = []  # not in `_text` yet
        self._bytes = bytearray()
        self._period = 0
        self._length = 0  # in bytes
        self._look_at = 0  # bytes of run from which looking at the text is worth it
        self._far = FAR_EVERY
        self._glanced_at = 0
        self._words: list[str] = []
        self._distinct: set[str] = set()

    @property
    def text(self) -> str:
        """The end of the text, put together only when somebody looks at it."""
        if self._pieces:
            self._text = ("".join((self._text, *self._pieces)))[-2 * KEPT :]
            self._pieces.clear()
        return self._text

    def end(self, size: int) -> str:
        """The last characters, which are mostly in the latest pieces."""
        count = -(-size // SHORTEST_STEP)
        text = "".join(self._pieces[-count:])
        return text[-size:] if len(text) >= size else self.text[-size:]

    def glance(self) -> tuple[list[str], set[str]]:
        """The words at the end, all and different ones; whoever looks at the same place is shown the same."""
        if self._glanced_at != self.position:
            self._words = self.end(GLANCE).split()
            self._distinct = set(self._words)
            self._glanced_at = self.position
        return self._words, self._distinct

    def scan(self, piece: str, *, code: bool) -> Run | None:
        """Read on; the run at the end if it has become garbage."""
        self.position += len(piece)
        self._pieces.append(piece)
        if len(self._pieces) > MOST_PIECES:
            _ = self.text
        fresh = piece.encode("utf-8", "surrogatepass").translate(None, DIGITS)
        self._follow(fresh)
        if not fresh:
            return self._digits()
        if self._length < WORTH_HOLDING:
            self.suspected = None
        elif self._length < max(self._period, 64):
            self.suspected = self.position - self._length
        elif self._length >= self._look_at:
            return self._look(code)
        return None

    def _follow(self, fresh: bytes) -> None:
        tape, size = self._bytes, len(fresh)
        tape += fresh
        if len(tape) > 2 * KEPT:
            del tape[:-KEPT]
        if self._period and fresh == tape[-size - self._period : -self._period]:
            self._length += size
            return
        self.restless += 1 if self._period else 0
        self._period = self._length = self._look_at = 0
        self._search()

    def _search(self) -> None:
        tape = self._bytes
        if len(tape) <= ANCHOR:
            return
        reach = NEAR
        if self.position >= self._far:
            reach, self._far = FAR, self.position + FAR_EVERY
        anchor, end = bytes(tape[-ANCHOR:]), len(tape) - 1
        for _ in range(TRIES):
            found = tape.rfind(anchor, max(0, len(tape) - reach), end)
            if found < 0:
                return
            period = len(tape) - ANCHOR - found
            length = repeated(tape, period)
            if length > self._length:
                self._period, self._length = period, length
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
        if HAS_DIGIT.search(unit) and self._length > 2 * length and self._length >= 2 * self._period:
            self._look_at = self._length + self._length // 8
            return self._counter(code)
        self._look_at = self._length + int(min(need - filled, 512)) // 2
        return None

    def _counter(self, code: bool) -> Run | None:
        """Three items that count up are suspected, ten are garbage."""
        whole = min(self._length + self._period, KEPT // 2)
        copies = whole // self._period
        run = self.text[-self._characters(copies * self._period) :]
        if copies < 3 or not counts_up(run, copies, 2, code=code):
            return None
        period = len(run) // copies
        length = self._characters(whole) - period
        self.suspected = self.position - length
        if not counts_up(run, copies, code=code):
            return None
        return Run(period, length, copies, "counter", run[-period:])

    def _characters(self, size: int) -> int:
        """How many characters at the end of the text hold the last `size` bytes without digits."""
        wanted = len(self._bytes[-size:].decode("utf-8", "ignore"))
        taken = wanted
        while taken < len(self.text):
            held = self.text[-taken:].encode("utf-8", "surrogatepass") if taken else b""
            digits = len(held) - len(held.translate(None, DIGITS))
            if taken - digits >= wanted:
                break
            taken = wanted + digits
        return max(1, min(taken, len(self.text)))

    def _digits(self) -> Run | None:
        """Nothing but digits: the one thing that the tape does not hold."""
        digit = self.text[-1:]
        length = len(self.text) - len(self.text.rstrip(digit)) - 1 if digit else 0
        self.suspected = self.position - length if length >= ANCHOR else None
        return Run(1, length, length + 1, "exact", digit) if length >= 250 else None
