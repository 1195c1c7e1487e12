"""Values of bare text that may quote calls of their own family: a file about the format, written by a call."""

from collections.abc import Callable

from validation.repair.source import Source, Steps

Say = Callable[[str], None]


def value(
    source: Source, ends: tuple[str, ...], openers: tuple[str, ...], closers: tuple[str, ...], say: Say | None = None
) -> Steps[tuple[str, str]]:
    """The text before the first of the ends that is in no quoted call, and which it was, as `Source.until` has it.

    Where quoted calls would make all the rest one text, so that the first end never comes, the opener was a mere word.
    `say` is given what is surely the beginning of the value.
    """
    pieces: list[str] = []
    doubt: tuple[int, list[str]] | None = None
    stops = (*ends, *openers)
    while True:
        text, stop = yield from source.until(*stops, text=say)
        pieces.append(text)
        if stop in openers:
            pieces.append(stop)
            if say:
                say(stop)
            say = None
            doubt = doubt or (source.place(), pieces.copy())
            pieces.append((yield from _rest_of_call(source, openers, closers)))
            stops = stops if pieces[-1] else ends
        elif stop != ends[0] and doubt:
            place, pieces = doubt
            source.go_back(place)
            doubt = None
            stops = ends
        else:
            return "".join(pieces), stop


def _rest_of_call(source: Source, openers: tuple[str, ...], closers: tuple[str, ...]) -> Steps[str]:
    """From behind its opener to its closer; nothing if it has none."""
    place = source.place()
    pieces: list[str] = []
    depth = 1
    while depth:
        text, mark = yield from source.until(*openers, *closers)
        if not mark:
            source.go_back(place)
            return ""
        pieces += (text, mark)
        depth += 1 if mark in openers else -1
    return "".join(pieces)


def unquoted(source: Source, *stops: str) -> Steps[tuple[str, str]]:
    """The text before the first of the stops that is in no string of Python's, and which it was."""
    pieces: list[str] = []
    quote = ""
    while True:
        text, stop = yield from source.until(*stops, '"', "'", "\\")
        pieces.append(text)
        if not stop or (stop in stops and not quote):
            return "".join(pieces), stop
        pieces.append(stop)
        if stop == "\\":
            pieces.append((yield from source.peek()))
            source.at += len(pieces[-1])
        elif stop == quote:
            quote = ""
        elif not quote and stop not in stops:
            quote = stop
