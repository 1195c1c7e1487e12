"""Whether what repeats was asked for: a text that stands so in the request, or that its author wants so many times.

Nobody looks here before something repeats enough to be garbage.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routing.dialects import BARE, Dialect
from routing.dialects.along import prompt_of
from routing.dialects.request import Document, Part, Role, Text, ToolCall, ToolResult
from validation.detectors.units import unescaped
from validation.whole import request_of

SPARE = 1.25  # times as many copies as were asked for
LONGEST_WISH = 4000  # characters of the client's last words that are read
LONGEST_ASKED_FOR = 200  # letters of a unit: what is longer is asked for by showing it
NUMBERS = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "hundert": 100, "tausend": 1000, "cent": 100, "cien": 100,
    "mille": 1000, "mil": 1000,
}  # fmt: skip
TIMES = re.compile(
    rf"(\d[\d,.' ]{{0,12}}|\b(?:{'|'.join(NUMBERS)})\b)\s*(?:times\b|×|x\b|copies\b|lines\b|rows\b|mal\b|fois\b|"
    r"veces\b|vezes\b|volte\b|keer\b|razy?\b|раза?\b|рази\b|回|次|遍|번)",
    re.IGNORECASE,
)


class Wanted:
    """`texts` reads the request: its texts, of which the last is what the client said last."""

    def __init__(self, texts: Callable[[], Sequence[str]]) -> None:
        self._read = texts
        self._texts: Sequence[str] | None = None

    def copies(self, unit: str) -> float:
        """So many copies of the unit, which may begin anywhere within itself, are no garbage."""
        if self._texts is None:
            self._texts = self._read()
        shown = max((shown_in(text, form) for text in self._texts for form in {unit, unescaped(unit)}), default=0)
        asked = asked_for(self._texts[-1][-LONGEST_WISH:], unescaped(unit)) if self._texts else 0
        return SPARE * max(shown, asked)


def texts_of(body: Mapping[str, Any], client: Dialect) -> list[str]:
    """A bare prompt; or what the end of a conversation holds, with what the user said last behind everything else."""
    if client in BARE:
        prompt = prompt_of(body, client)
        return [prompt] if prompt else []
    request = request_of(body, client)
    turns = request.turns if request else []
    said = [text for turn in turns for part in turn.parts for text in _texts(part)]
    mine = [part.text for turn in turns if turn.role is Role.USER for part in turn.parts if isinstance(part, Text)]
    return [*said, *mine[-1:]]


def _texts(part: Part) -> list[str]:
    if isinstance(part, Text | Document):
        return [part.text]
    if isinstance(part, ToolCall):
        return [part.arguments]
    if isinstance(part, ToolResult):
        return [text for within in part.parts for text in _texts(within)]
    return []


def shown_in(text: str, unit: str) -> int:
    """How many copies of the unit stand in a row there, if more than two do."""
    rows = re.finditer(f"(?:{re.escape(unit)}){{2,}}", text)
    return max((len(row[0]) // len(unit) + 1 for row in rows), default=0)


def asked_for(wish: str, unit: str) -> int:
    """How many times the unit is wanted by somebody who names it and says "100 times"."""
    numbers = [_number(found) for found in TIMES.findall(wish)]
    form = _letters if _letters(unit) else _signs
    said, within = form(unit), form(wish)
    if not numbers or not 0 < len(said) <= LONGEST_ASKED_FOR:
        return 0
    turns = (said[start:] + said[:start] for start in range(len(said)))
    return max(numbers) if any(turn in within for turn in turns) else 0


def _letters(text: str) -> str:
    """What is said, however it is written."""
    return "".join(filter(str.isalpha, text.casefold()))


def _signs(text: str) -> str:
    return "".join(text.split())


def _number(said: str) -> int:
    return NUMBERS.get(said.casefold()) or int("".join(filter(str.isdecimal, said)))
