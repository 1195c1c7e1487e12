"""Gemma 4 and FunctionGemma: `call:NAME{key:value,…}`, with strings between delimiters of their own."""

import re

from validation.repair.calls import Call, Found, dumps
from validation.repair.families.json_calls import NAME
from validation.repair.families.row import Parser
from validation.repair.source import Source, Steps
from validation.repair.tools import Tools

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
        if tools.resolve(name) is None or not (yield from source.accept("{")):
            return None
        text = yield from _object(source, closer, delimiter)
        return [Call(name, arguments)] if (arguments := _as_json(text, delimiter, unopened)) else None

    return parse


def _object(source: Source, closer: str, delimiter: str) -> Steps[str]:
    """Up to the closer that stands in no string."""
    pieces = ["{"]
    in_string = False
    while True:
        text, stop = yield from source.until(closer, delimiter)
        pieces.append(text)
        if stop == delimiter:
            in_string = not in_string
        elif not stop or not in_string or text.rstrip().endswith("}"):
            return "".join(pieces) if stop or not source.cut else ""
        pieces.append(stop)


def _as_json(text: str, delimiter: str, unopened: re.Pattern[str]) -> str:
    if text.count(delimiter) % 2:  # models forget to open a string
        text = unopened.sub(lambda match: f"{match[1]}{delimiter}{match[2]}{delimiter}", text, count=1)
    pieces = text.split(delimiter)
    for index, piece in enumerate(pieces):
        pieces[index] = dumps(piece) if index % 2 else _BARE_KEY.sub(r'\1"\2"\3', piece)
    return "".join(pieces).strip() if len(pieces) % 2 else ""


def gemma_bare(source: Source, tools: Tools) -> Steps[Found]:
    """`call:NAME{…}` as the whole answer, the markers being lost."""
    yield from source.accept("call:")
    name = yield from source.run(NAME)
    if tools.resolve(name) != name or (yield from source.peek()) != "{":
        return None
    text = yield from source.json_text()
    return [Call(name, _BARE_KEY.sub(r'\1"\2"\3', text))] if text else None
