"""Which bytes of a chat stream may go around the transform: those in which nothing could begin or end anything.

The patterns look at the raw bytes of an event, before JSON is parsed, so they find more than there is, never less:
the end of any JSON string counts as the end of the text, and an escaped ASCII character as any character.
"""

import re
from collections.abc import Iterable

from validation.repair.grammar import QUOTES, beginnings, endings, grammar, words_and_signs

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
_ANY_TEXT = rb'(?:content(?<!_content)|text)"\s*:\s*"(?!")'
_ANY_REASONING = rb'reasoning\w*"\s*:\s*(?!null|""|\[\])'


# The end of a string which is not the id that chunks begin with: ids end in any letter.
_END = r'"(?!\s*,\s*"(?:object|created|model)")'


def _raw(character: str) -> str:
    """The character in UTF-8, as text of which each character is a byte."""
    return re.escape(character.encode().decode("latin-1"))


def _spelled(character: str) -> str:
    """The same, or as JSON may spell it.  What stands for an escaped ASCII character is looked for as such."""
    if character.isascii():
        return rf"\\?{character}" if character == "/" else _raw(character)
    return rf"(?:{_raw(character)}|\\u(?i:{ord(character):04x}))"


_SUSPECTS = grammar(None, True).suspects


def _pattern(end: str) -> bytes:
    markers = beginnings(_SUSPECTS, _raw, _spelled, end)
    quotes = "|".join(f'{_raw(quote)}"' for quote in QUOTES if quote != '"')
    ours = "|".join((*markers, quotes, _escaped({*QUOTES, *(literal[0] for literal in _SUSPECTS)})))
    return b"|".join((ours.encode("latin-1"), *_CONTEXT))


def _escaped(characters: Iterable[str]) -> str:
    """Those that JSON may escape whatever they are."""
    codes = "|".join(f"{ord(character):04x}" for character in sorted(characters) if not character.isascii())
    return rf"\\u(?i:{codes})"


_ALWAYS = (_pattern(_END), *_EVENTS)
IN_TEXT = re.compile(b"|".join((*_ALWAYS, _ANY_REASONING)))
IN_REASONING = re.compile(b"|".join((*_ALWAYS, _ANY_TEXT)))
"""While one kind of text is said, the other is always looked at: it ends what was said, and may begin the answer."""
# Texts alone, as JSON spells them; what ends them apart.
_WORDS, _OTHERS = words_and_signs(_SUSPECTS)
_ESCAPED = (_escaped(literal[0] for literal in _OTHERS), r"\\u00(?:3[cC]|[4-7])")
_SHORT = 64  # bytes
_IN_SHORT = re.compile("|".join((*beginnings(_SUSPECTS, _raw, _spelled), *_ESCAPED)).encode("latin-1"))
# In long texts words are looked for apart: one pattern for all would stop at each of their first letters.
_SIGNS = re.compile("|".join((*beginnings(_OTHERS, _raw, _spelled, end=""), *_ESCAPED)).encode("latin-1"))
_WITHIN = re.compile("|".join(map(re.escape, _WORDS)).encode())
_LONGEST_END = 16  # bytes
_ENDS = re.compile(rb"(?:%b)\Z" % "|".join(endings(_SUSPECTS, _spelled)).encode("latin-1"))


def is_suspect(texts: bytes) -> bool:
    """Whether a marker may begin in these texts, even with their last character."""
    if len(texts) < _SHORT:
        return _IN_SHORT.search(texts) is not None
    return holds_marker(texts) or could_go_on(texts) > 0


def holds_marker(texts: bytes) -> bool:
    """Whether so much of a marker is in these texts that it is one, or as good as one."""
    return _SIGNS.search(texts) is not None or _WITHIN.search(texts) is not None


def could_go_on(texts: bytes) -> int:
    """How many of the last bytes of these texts could become a marker."""
    found = _ENDS.search(texts, len(texts) - _LONGEST_END)
    return len(texts) - found.start() if found else 0
