"""The channels of an answer, and one as it came: its text, what looks at it, and how much of it may go on."""

from enum import StrEnum
from typing import Protocol

from routing.dialects.events import Event
from validation.verdict import Verdict

LONGEST_WINDOW = 192  # characters: what detectors have not looked at yet, and some to recognise a repeat by
FIRST_WINDOW = 24  # at the beginning: a few tokens
FULL_WINDOW = 4 * (LONGEST_WINDOW - FIRST_WINDOW)  # characters after which it has grown to its size
ANCHOR = 12  # characters by which a repeat is recognised where the detectors have not looked yet
LONGEST_HOLD = 6000  # a suspicion that is not confirmed by then does not hold the answer any longer


class Channel(StrEnum):
    TEXT = "text"
    REASONING = "reasoning"
    ARGUMENTS = "arguments"


class Detectors(Protocol):
    """What looks at one channel.  `suspicion` is the offset at which what may become a loop begins, and holds the text;
    `doubt` is where something odd begins, a suspicion or less, and only makes the validator model be asked.
    Unless they seek repeats nothing is held back for being one."""

    seeks_repeats: bool

    @property
    def suspicion(self) -> int | None: ...

    @property
    def doubt(self) -> int | None: ...

    def feed(self, text: str) -> Verdict | None: ...

    def close(self, finish_reason: str = "") -> Verdict | None: ...


class Stream:
    """One channel as it came: its text, how much of that went on, and what looks at it."""

    __slots__ = ("channel", "custom", "detectors", "doubted", "name", "pieces", "released", "size")

    def __init__(self, channel: Channel, detectors: Detectors, name: str = "", *, custom: bool = False) -> None:
        self.channel = channel
        self.name = name  # of the tool, where this is a call's arguments
        self.custom = custom  # those are free text
        self.detectors = detectors
        self.pieces: list[str] = []
        self.size = 0
        self.released = 0
        self.doubted: int | None = None  # the doubt that the validator model was asked about

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def feed(self, text: str) -> Verdict | None:
        self.pieces.append(text)
        self.size += len(text)
        return self.detectors.feed(text)

    @property
    def safe(self) -> int:
        """How many characters may go on while more is to come.

        While the window is small, text would go on that the detectors have not looked at: then what repeats up to the
        end of it is suspect.  Where that is nearly all there is, nothing goes on, and another answer can still begin.
        """
        behind = self.size - min(LONGEST_WINDOW, FIRST_WINDOW + self.size // 4)
        suspect = self.detectors.suspicion
        if suspect is None or self.size - suspect > LONGEST_HOLD:
            if self.size > FULL_WINDOW or not self.detectors.seeks_repeats:
                return behind
            suspect = repeating(self.text)
        return 0 if suspect < FIRST_WINDOW else min(suspect, behind)

    def tail(self, size: int) -> str:
        """Its last characters, without joining all that came."""
        found, length = [], 0
        for piece in reversed(self.pieces):
            found.append(piece)
            length += len(piece)
            if length >= size:
                break
        return "".join(reversed(found))[-size:]


def repeating(text: str) -> int:
    """Where the end of a text begins to be said again; its length, if it is new."""
    size, anchor = len(text), text[-ANCHOR:]
    last = text.rfind(anchor, 0, size - 1)
    if last < 0:
        return size
    found = size
    for at in {last, text.find(anchor, 0, size - 1)}:
        start = size - len(anchor)
        distance = start - at
        while start > distance and text[start - 1] == text[start - 1 - distance]:
            start -= 1
        found = min(found, start)
    return found


class Condemned(Event):
    """Garbage was found in what may be held on its way to the gate.  What came before that goes there first."""

    __slots__ = ("stream", "verdict")

    def __init__(self, verdict: Verdict, stream: Stream) -> None:
        self.verdict = verdict
        self.stream = stream
