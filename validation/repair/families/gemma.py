"""Gemma 4 and FunctionGemma: `call:NAME{key:value,…}`, with strings between delimiters of their own."""

import re

from validation.repair.calls import Call, Found, dumps, of_python
from validation.repair.families.json_calls import NAME
from validation.repair.families.quoting import unquoted
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools

_QUOTED = "\ufdd0"  # stands for a delimiter in a string: no text has this character
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_][\w.\-]*)(\s*:)")


def gemma(opener: str, closer: str, delimiter: str) -> Parser:
    # It begins behind what it cannot hold, so that text is looked at once, however many colons are in it.
    end = re.escape(delimiter)
    unopened = re.compile(rf"(?:^|(?<=[<\[\]{{}}]))([^<\[\]{{}}:]*+:)\s*+([^<\[\]{{}}]++){end}(?=\s*[,}}])")

    def parse(source: Source, tools: Tools) -> Steps[Found]:
        yield from source.accept(opener)
        yield from source.spaces()
        yield from source.accept("call")
        if not (yield from source.accept(":")):
            return None
        name = yield from source.run(NAME)
        if tools.resolve(name) is None:
            return None
        if (yield from source.accept("(")):
            return (yield from _pythonic(source, name, closer))
        if not (yield from source.accept("{")):
            return None
        text = yield from _object(source, opener, closer, delimiter)
        return [Call(name, arguments)] if (arguments := _as_json(text, delimiter, unopened)) else None

    return parse


def _pythonic(source: Source, name: str, closer: str) -> Steps[Found]:
    """Gemma falls back to Python's way to write a call."""
    text, closed = yield from unquoted(source, closer)
    calls = None if source.cut and not closed else of_python(f"{name}({text}")
    for call in calls or ():
        call.complete = bool(closed)
    return calls


def _object(source: Source, opener: str, closer: str, delimiter: str) -> Steps[str]:
    """Up to the closer that stands in no string, or to the next call.  A call that a string quotes is text."""
    pieces = ["{"]
    in_string = False
    quoted = 0
    doubt: tuple[int, list[str]] | None = None
    stops: tuple[str, ...] = (closer, delimiter, opener)
    while True:
        text, stop = yield from source.until(*stops)
        pieces.append(text)
        if not stop and doubt:  # the opener was a mere word
            place, pieces = doubt
            source.go_back(place)
            doubt, quoted, stops = None, 0, stops[:2]
        elif stop == opener and in_string:
            quoted += 1
            pieces.append(stop)
            doubt = doubt or (source.place(), pieces.copy())
        elif quoted:
            quoted -= stop == closer
            pieces.append(_QUOTED if stop == delimiter else stop)
        elif stop == delimiter:
            in_string = not in_string
            pieces.append(stop)
        elif stop and in_string and not text.rstrip().endswith("}"):
            pieces.append(stop)
        else:
            source.at -= len(stop) if stop == opener else 0
            return "".join(pieces) if stop or not source.cut else ""


def _as_json(text: str, delimiter: str, unopened: re.Pattern[str]) -> str:
    if text.count(delimiter) % 2:  # models forget to open a string
        text = unopened.sub(lambda match: f"{match[1]}{delimiter}{match[2]}{delimiter}", text, count=1)
    pieces = text.split(delimiter)
    for index, piece in enumerate(pieces):
        is_string = index % 2
        pieces[index] = dumps(piece.replace(_QUOTED, delimiter)) if is_string else _BARE_KEY.sub(r'\1"\2"\3', piece)
    return "".join(pieces).strip() if len(pieces) % 2 else ""


def gemma_bare(source: Source, tools: Tools) -> Steps[Found]:
    """`call:NAME{…}` as the whole answer, the markers being lost."""
    yield from source.accept("call:")
    name = yield from source.run(NAME)
    if tools.resolve(name) != name or (yield from source.peek()) != "{":
        return None
    text = yield from source.json_text()
    return [Call(name, _BARE_KEY.sub(r'\1"\2"\3', text))] if text else None
