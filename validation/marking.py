"""A bad answer cut into pieces for the eye: what was good, the first copy of what repeats, each repeat, the rest."""

from dataclasses import dataclass

MOST_PIECES = 200  # repeats shown one by one; a letter that comes ten thousand times is one piece


@dataclass(frozen=True, slots=True)
class Piece:
    kind: str  # "", "first", "repeat", "again" (every second repeat) or "rest"
    text: str


def pieces(text: str, onset: int | None, offset: int | None, period: int) -> list[Piece]:
    """`onset` is where the garbage begins, of a loop its first repeat; `offset` where it was noticed."""
    if onset is None or not 0 <= onset <= len(text):
        return [Piece("", text)] if text else []
    end = len(text) if offset is None else min(max(offset, onset), len(text))
    first = max(0, onset - period)
    found = [Piece("", text[:first]), Piece("first", text[first:onset])]
    found += _repeats(text[onset:end], period)
    found.append(Piece("rest", text[end:]))
    return [piece for piece in found if piece.text]


def _repeats(text: str, period: int) -> list[Piece]:
    if not period or len(text) > MOST_PIECES * period:
        return [Piece("repeat", text)]
    starts = range(0, len(text), period)
    return [Piece("again" if number % 2 else "repeat", text[at : at + period]) for number, at in enumerate(starts)]
