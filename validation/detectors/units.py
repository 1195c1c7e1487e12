"""How long a stretch of one repeated unit must be before it is garbage.

The shorter the unit, the more copies good text has of it; code and data have more than prose.  What is drawn rather
than written (rules, table skeletons, matrices, base64) may go on much longer.
"""

import re
from itertools import pairwise

# unit length up to: copies in prose, copies in code
COPIES = (
    (2, 60, 200), (4, 32, 120), (8, 18, 100), (16, 11, 72), (32, 8, 50), (64, 6, 30), (128, 5, 13), (256, 4, 7),
    (512, 3.4, 4.5),
)  # fmt: skip
COPIES_OF_LONG = (3, 3.5)
LEAST = 100  # characters in all

CONTROL = re.compile(r"(?:<\|[^|<>\n]{1,40}\|>|</?s>|<(?:pad|unk|eos|bos)>|<\w+_\w+>|\[/?INST\]|\s)+\Z", re.IGNORECASE)
TOOL_MARKUP = re.compile(r"<function=|<tool_call|</?parameter|<invoke|<\|tool|\[TOOL_CALL")
DRAWN = frozenset(" \t\r\n-=_*~#.+|:·•…─━═│┃║┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬")
SIGN = re.compile(
    "[!-/:-@\\[-^`{-~\u00a1-\u00bf\u2010-\u2bff\u3001-\u303f\uff01-\uff65\U0001f000-\U0001faff]"
)  # marks are none
INDENTED, SIGNS_OF_CODE = "\n  ", 0.14  # lines of code, or of a trace, without a fence around them
BLANK_AROUND = 80
LONG_WORDS = 18  # characters on average


def is_dense(text: str, signs: float = 0.25) -> bool:
    """Many signs, or strings of ASCII with hardly a blank, as paths and blobs are: code or data rather than prose."""
    words = text.split()
    ink = sum(map(len, words))
    if len(text) >= 40 and ink > LONG_WORDS * len(words) and text.isascii():
        return True
    return len(SIGN.findall(text)) > signs * ink


def needed(unit: str, *, code: bool, before: str) -> float:
    """How many characters copies of the unit must fill to be garbage; `before` is what stands before them."""
    if unit.isspace():
        return 400 if "\n" in unit else 800
    start = max(0, unit.find("<"), unit.find("[") if "<" not in unit else 0)  # a unit may begin anywhere within itself
    if CONTROL.match(unit[start:] + unit[:start]):
        return max(12 * len(unit), 48)
    if TOOL_MARKUP.search(unit + unit):
        return max(3.2 * len(unit), LEAST)
    if DRAWN.issuperset(unit):
        return 2000
    if len(set(unit)) == 1:
        return 130 if unit.isalpha() and not in_blob(unit, before) else 700 if in_blob(unit, before) else 250
    letters = sum(map(str.isalpha, unit))
    if letters <= 0.1 * len(unit):
        return 3600 if any(map(str.isdecimal, unit)) else 250 if letters == 0 and not unit.isascii() else 1200
    if in_blob(unit, before):
        return max(700, 3.5 * len(unit))
    return graded(unit, code or is_dense(unit) or (INDENTED in unit and is_dense(unit, SIGNS_OF_CODE)))


def in_blob(unit: str, before: str) -> bool:
    """Base64 and its like: no blank in the unit nor for a good while before it."""
    tail = before[-BLANK_AROUND:]
    return len(tail) == BLANK_AROUND and tail.isascii() and len(tail.split()) == 1 and len(unit.split()) == 1


def graded(unit: str, code: bool) -> float:
    size = len(unit)
    row = next((row for row in COPIES if size <= row[0]), (0, *COPIES_OF_LONG))
    copies = row[2] if code else row[1]
    if not code and size <= 40 and "\n" in unit:
        copies *= 1.8
    return max(copies * size, LEAST)


NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[^\W\d_]+")
COUNTED = 10
COUNTED_ROWS = 12


def counts_up(run: str, copies: int, least: int = 0, *, code: bool) -> bool:
    """Whether one number of the repeated unit counts up by one and the others stay: a loop, where other data varies."""
    unit = run[-len(run) // copies :]
    least = least or (COUNTED_ROWS if "|" in unit else COUNTED)
    if code or is_dense(unit) or not reads_like_a_sentence(unit):
        return False
    numbers = NUMBER.findall(run)
    each = max(1, round(len(numbers) / copies))
    if len(numbers) < least * each or len(numbers[-1]) > 9:
        return False
    columns = [list(map(int, numbers[column::each][-least:])) for column in range(each)]
    steps = [{after - before for before, after in pairwise(column)} for column in columns]
    return steps.count({1}) == 1 and steps.count({0}) == each - 1


def reads_like_a_sentence(unit: str) -> bool:
    words = {word.lower() for word in WORD.findall(unit)}
    if "|" in unit:
        return len(words) >= 8
    return (len(words) >= 4 and len(unit.split()) >= 5) or (not unit.isascii() and sum(map(len, words)) >= 10)
