"""Which bytes of a chat stream may go around the transform: those in which nothing could begin or end anything.

The patterns look at the raw bytes of an event, before JSON is parsed, so they find more than there is, never less:
the end of any JSON string counts as the end of the text, and an escaped ASCII character as any character.
"""

import re

from validation.repair.grammar import QUOTES, beginnings, grammar

# A call, or a reason to finish that may be wrong.  `"tool_calls": null` and `[]` say nothing.  No alternative begins
# with a quotation mark, or with another character of which JSON is full: the search would stop at each.
_EVENTS = (rb'_calls?"\s*:\s*(?:\[\s*)?\{', rb'_reason"\s*:\s*"(?!(?:stop|length)")')
# What decides whether a marker that follows counts; see `grammar`.
_CONTEXT = (
    rb"`",
    rb"~",
    rb"\\n(?:[ ]|\\t)*(?:>|(?:[-*+]|[0-9]{1,9}[.)]?)?(?:[ ]|\\t)*\")",
    rb"\\\"\"",
    rb"\\u00[2-7]",
    rb"\\u000[aA]",
)
_ANY_TEXT = rb'"(?:content|text)"\s*:\s*"(?!")'


# The end of a string which is not the id that chunks begin with: ids end in any letter.
_END = r'"(?!\s*,\s*"(?:object|created|model)")'


def _spelled(character: str) -> str:
    """The character in UTF-8, as text of which each character is a byte."""
    return re.escape(character.encode().decode("latin-1"))


def _pattern(end: str) -> bytes:
    markers = beginnings(grammar(None, True).suspects, _spelled, end)
    others = {*QUOTES, *(literal[0] for literal in grammar(None, True).suspects)}
    escaped = "|".join(f"{ord(character):04x}" for character in sorted(others) if not character.isascii())
    quotes = "|".join(f'{_spelled(quote)}"' for quote in QUOTES if quote != '"')
    ours = "|".join((*markers, quotes, rf"\\u(?i:{escaped})"))
    return b"|".join((ours.encode("latin-1"), *_CONTEXT))


TRIGGER = re.compile(b"|".join((_pattern(_END), *_EVENTS)))
OPENING = re.compile(b"|".join((_pattern(_END), *_EVENTS, _ANY_TEXT)))
"""For an answer of which only reasoning came yet: what it begins with is always looked at."""
SAYS_SOMETHING = re.compile(
    b"|".join((_pattern(_END), *_EVENTS, _ANY_TEXT, rb'"(?:reasoning\w*|refusal)"\s*:\s*(?!null|""|\[\])'))
    + rb"""|"error"|"finish_reason"\s*:\s*"|\[DONE\]"""
)
"""For what comes before the first text."""
TEXTS = re.compile(_pattern('"') + rb"|\n")
"""For texts alone, as JSON spells them and each with the quotation mark that ends it; a line break is in none."""


def unsuspected(data: bytes, start: int, pattern: re.Pattern[bytes] = TRIGGER) -> int:
    """Up to where whole frames, from `start` on, hold nothing that the pattern finds."""
    found = pattern.search(data, start)
    if found is None:
        return len(data)
    before = data.rfind(b"\n\n", start, found.start())  # of blank lines in another spelling nothing is passed
    return start if before < 0 else before + 2
