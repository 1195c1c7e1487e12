"""Whether a text bears out what a validator model says of it.

A small model is wrong now and then, and sure of it.  That something repeats can be seen in the text itself; that it is
no language is believed unless the text reads like one.
"""

import re
from itertools import pairwise

from validation.detectors.fences import Fences
from validation.detectors.nonsense import FUNCTION_WORDS, WORD

COPIES, IN_CODE = 3, 8  # in a row: equal lines of tables and code are nothing unusual
SHARE = 0.5  # of the stretch from the first copy to the last is made of copies
LONGEST_UNIT = 1500
ANCHOR = 12  # characters by which a repeat is found
LETTERS, SIGNS = 16, 240  # characters that the copies after the first are, at least: rules are made of signs
FEWEST_WORDS = 40  # below that, how few different phrases there are says nothing
LATEST = 600  # characters in which a language shows
MANY_LINES = 6  # of them
FEWEST_BLANKS = 0.06  # of the characters of prose in most scripts
PHRASE = 4  # words
FEW_PHRASES = 0.35  # of the phrases are different: prose has more than 0.9, data often half

_NUMBER = re.compile("[0-9]+")
_SPACE = re.compile(r"\s+")
_DIGITS = str.maketrans("", "", "0123456789")
_LITTLE_CHARACTERS = frozenset("的一是不了在有我他这们のはをにがてもとでしるた이다는을를에의가고은าเนรก่้ั")


def repeats(text: str, quote: str = "") -> int | None:
    """Where the first repeat begins, None where nothing does.  `quote` is what is said to repeat."""
    copies = IN_CODE if _is_code(text) else COPIES
    quote = quote.strip()
    where = _quoted(text, quote, copies) if quote and len(quote) <= LONGEST_UNIT else None
    return _periodic(text, copies) if where is None else where


def _quoted(text: str, quote: str, copies: int) -> int | None:
    """So many copies behind one another, with less between them than they are long."""
    found = [match.start() for match in re.finditer(_as_pattern(quote), text)]
    for number in range(len(found) - copies + 1):
        first, last = found[number], found[number + copies - 1]
        if copies * len(quote) >= SHARE * (last + len(quote) - first):
            return found[number + 1]
    return None


def _as_pattern(quote: str) -> str:
    """However its blanks and line ends are written."""
    return r"\s+".join(re.escape(word) for word in quote.split())


def _periodic(text: str, wanted: int) -> int | None:
    """Something that stands so many times in a row, or counts up while it does, or few phrases used over and over."""
    places = [at for at, character in enumerate(text) if character not in "0123456789"]
    plain = text.translate(_DIGITS) + " "  # as if the last copy were followed by what follows the others
    places += [len(text), len(text)]
    for start in range(0, len(plain) - wanted, ANCHOR // 2):
        anchor = plain[start : start + ANCHOR]
        period = plain.find(anchor, start + 1, start + LONGEST_UNIT + ANCHOR) - start
        if period <= 0:
            continue
        unit = plain[start : start + period]
        more = max((wanted - 1) * period, LETTERS if any(map(str.isalpha, unit)) else SIGNS)
        if plain[start : start + more] != plain[start + period : start + period + more]:
            continue
        copies = [text[places[at] : places[at + period]] for at in range(start, start + wanted * period, period)]
        if len(set(copies)) == 1 or (wanted == COPIES and _differ_in_nothing_but_a_counter(copies)):
            return places[start + period]
    words = text.split()
    phrases = [tuple(words[at : at + PHRASE]) for at in range(len(words) - PHRASE + 1)]
    if wanted == COPIES and len(words) >= FEWEST_WORDS and len(set(phrases)) < FEW_PHRASES * len(phrases):
        return 0
    return None


def _differ_in_nothing_but_a_counter(copies: list[str]) -> bool:
    """Text in which several numbers change is data."""
    numbers = [_NUMBER.findall(copy) for copy in copies]
    if len({len(found) for found in numbers}) > 1:
        return False
    columns = [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]
    return not columns or (len(columns) == 1 and _counts_up([int(number[:18]) for number in columns[0]]))


def _counts_up(numbers: list[int]) -> bool:
    return all(later == earlier + 1 for earlier, later in pairwise(numbers))


def reads_as_language(text: str) -> bool:
    """Signs against gibberish: code and tables look odd on purpose, and grammar needs little words."""
    if _is_code(text):
        return True
    text = text[-LATEST:]  # garbage does not become language again
    if text.count("\n") >= MANY_LINES:
        return True  # a list, a log
    words = [word.lower() for word in WORD.findall(text)]
    little = sum(word in FUNCTION_WORDS for word in words)
    if little >= 3 and little > 0.1 * len(words):
        return True
    letters = [character for character in text if character.isalpha()]
    wide = [character for character in letters if character > "\u0e00"]
    if 2 * len(wide) < len(letters) or not wide:
        return False
    return sum(character in _LITTLE_CHARACTERS for character in wide) > 0.04 * len(wide)


def _is_code(text: str) -> bool:
    """It ends with a fence or inside one, or its end has more signs or fewer blanks than prose."""
    fences = Fences()
    fences.read(text + "\n")
    if fences.open or text.rstrip().endswith("```"):
        return True
    text = text[-LATEST:]
    if text.isascii() and text.count(" ") < FEWEST_BLANKS * len(text):
        return True
    solid = _SPACE.sub("", text)
    signs = sum(not character.isalnum() for character in solid)
    return signs > 0.25 * len(solid)
