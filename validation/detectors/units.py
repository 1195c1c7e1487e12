"""How long a stretch of one repeated unit must be before it is garbage.

The shorter the unit, the more copies good text has of it; code and data have more than prose.  What is drawn rather
than written (rules, table skeletons, matrices, base64) may go on much longer.
"""

import re
import string
from itertools import pairwise

# unit length up to: copies in prose, copies in code
COPIES = (
    (2, 60, 200), (4, 32, 120), (8, 18, 100), (16, 11, 72), (32, 8, 50), (64, 6, 30), (128, 5, 13), (256, 4, 7),
    (512, 3.4, 4.5), (1536, 3, 3.5),
)  # fmt: skip
COPIES_OF_LONG = (2.5, 3.5)
LEAST = 100  # characters in all

CONTROL = re.compile(r"(?:<\|[^|<>\n]{1,40}\|>|</?s>|<(?:pad|unk|eos|bos)>|<\w+_\w+>|\[/?INST\]|\s)+\Z", re.IGNORECASE)
TOOL_MARKUP = re.compile(r"<function=|<tool_call|</?parameter|<invoke|<\|tool|\[TOOL_CALL")
DRAWN = frozenset(" \t\r\n-=_*~#.+|:·•…─━═│┃║┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬")
BLOCKS = re.compile(r"[\s\u2500-\u25ff\u2800-\u28ff\u2b1b\u2b1c\U0001f7e0-\U0001f7eb]+")  # boards and pictures
SIGNS = string.punctuation.replace("_", "").encode()
OTHER_SIGN = re.compile("[\u00a1-\u00bf\u2010-\u2bff\u3001-\u303f\uff01-\uff65\U0001f000-\U0001faff]")  # marks are none
LETTERS = string.ascii_letters.encode()
INDENTED, SIGNS_OF_CODE = "\n  ", 0.14  # lines of code, or of a trace, without a fence around them
LINE_OF_CODE = re.compile(r"(?:\t| {4})\s*(?![-*+•>]|\d+[.)]).*[(){}\[\];=<>_/\\#@$|&]")  # as Markdown indents it
KEY_AND_VALUE = re.compile(r"\s*(?:- )?[\w.-]+: ?\S*\Z")
CODED = re.compile(r"[_<>{}=;/\\&$@#+~^]|[\w)\]][(\[]")  # in what stands between blanks
SIGNS_IN_NAMES = b"_<>{}=;/\\&$@#+~^(["
LISTED = "|-–—•*"
MOST_CODED = 0.2
BLANK_AROUND = 80
LONG_WORDS = 18  # characters on average


def is_dense(text: str, signs: float = 0.25) -> bool:
    """Many signs, or strings of ASCII with hardly a blank, as paths and blobs are: code or data rather than prose."""
    words = text.split()
    ink = len("".join(words))
    if len(text) >= 40 and ink > LONG_WORDS * len(words) and text.isascii():
        return True
    others = 0 if text.isascii() else len(OTHER_SIGN.findall(text))
    return how_many(text, SIGNS) + others > signs * ink


def how_many(text: str, of: bytes) -> int:
    """How many of its characters are among these of ASCII, quicker than by looking at each."""
    held = text.encode("utf-8", "surrogatepass")
    return len(held) - len(held.translate(None, of))


def is_coded(text: str) -> bool:
    """Whether many of its words are none: calls, paths, names with underscores, operators."""
    if how_many(text, SIGNS_IN_NAMES) <= MOST_CODED * text.count(" ") / 2:
        return False  # which is quick to tell
    words = text.split()
    coded = sum(map(bool, map(CODED.search, words)))
    if coded > MOST_CODED * len(words):
        return True
    return coded > MOST_CODED * sum(not word.isdecimal() and word.strip(LISTED) != "" for word in words)


def looks_like_code(unit: str) -> bool:
    if "\n" not in unit:
        return False
    lines = [line for line in (unit + unit).split("\n")[1:-1] if line.strip()]  # whole ones, wherever it begins
    is_grid = unit.isascii() and max(map(len, unit.split())) == 1
    return (
        is_grid
        or all(map(LINE_OF_CODE.match, lines))
        or (INDENTED in unit + unit and (is_dense(unit, SIGNS_OF_CODE) or all(map(KEY_AND_VALUE.match, lines))))
    )


def needed(unit: str, *, code: bool, before: str) -> float:
    """How many characters copies of the unit must fill to be garbage; `before` is what stands before them."""
    meant = unescaped(turned(unit)) if "\\" in unit and len(set(unit)) <= FEW_SIGNS else unit
    stretch = min(MOST_STRETCH, len(unit) / len(meant))
    if meant.isspace():
        return 400 if "\n" in meant else 800
    start = max(0, unit.find("<"), unit.find("[") if "<" not in unit else 0)  # a unit may begin anywhere within itself
    if CONTROL.match(unit[start:] + unit[:start]):
        return max((24 if code else 12) * len(unit), 48)
    if TOOL_MARKUP.search(unit + unit):
        return max(3.2 * len(unit), LEAST)
    if DRAWN.issuperset(meant):
        return 2000 * stretch
    if meant == meant[0] * len(meant):
        return 130 if unit.isalpha() and not in_blob(unit, before) else 700 if in_blob(unit, before) else 250 * stretch
    if BLOCKS.fullmatch(meant):
        return 2000 * stretch
    if not ORDINARY.search(unit) and COLUMNS.search(unit) and VALUES.fullmatch(turned(unit)):
        return 3600
    letters = how_many(meant, LETTERS) if meant.isascii() else sum(map(str.isalpha, meant))
    if letters <= 0.1 * len(meant):
        few = 250 if letters == 0 and not meant.isascii() else 1200
        return 3600 if any(map(str.isdecimal, meant)) else few * stretch
    if in_blob(unit, before):
        return max(700, 3.5 * len(unit))
    return graded(unit, code or is_dense(unit + unit) or looks_like_code(unit))


def turned(unit: str) -> str:
    """The unit from the first place where no word, number or escape is cut in two: a run may begin anywhere."""
    start = BETWEEN.search(unit)
    return unit if start is None else unit[start.start() :] + unit[: start.start()]


def unescaped(unit: str) -> str:
    """What the escapes of JSON stand for."""
    return ESCAPE.sub(lambda said: chr(int(said[1], 16)) if said[1] else BLANKS.get(said[2], said[2]), unit)


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


BETWEEN = re.compile(r"\W")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt\\\"/]))")
FEW_SIGNS = 16  # different ones, of what is drawn
MOST_STRETCH = 3  # by which escapes make longer what is drawn
BLANKS = {"n": "\n", "r": " ", "t": " "}
VALUES = re.compile(r"[\W\d]*(?:\b(?:0x[\da-f]+|true|false|null|none|nan|nil)\b[\W\d]*)+", re.IGNORECASE)
ORDINARY = re.compile("[ghjkmpqvwyz]", re.IGNORECASE)  # letters that none of these values has
COLUMNS = re.compile(r"[,|;\t]")
NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[^\W\d_]+")
COUNTED = 10
COUNTED_ROWS = 12
COUNTED_BESIDE_OTHERS, WORDS_FOR_A_CONSTANT = 3, 5  # times as many


def counts_up(run: str, copies: int, least: int = 0, *, code: bool) -> bool:
    """Whether one number of the repeated unit counts up by one and the others stay: a loop, where other data varies.

    Where others stay, many more must have counted: so do rows, logs and the cases of a proof.
    """
    unit = run[-len(run) // copies :]
    if code or is_dense(unit) or not reads_like_a_sentence(unit) or is_coded(unit):
        return False
    numbers = list(NUMBER.finditer(run))
    each = max(1, round(len(numbers) / copies))
    if len(numbers) <= each or len(numbers[-1][0]) > 9:
        return False
    unit = run[numbers[-1 - each].start() : numbers[-1].start()]  # whole words only
    least = least or (COUNTED_ROWS if "|" in unit else COUNTED) * (1 if each == 1 else COUNTED_BESIDE_OTHERS)
    if len(numbers) < least * each or not reads_like_a_sentence(unit):
        return False
    if each > 1 and len(WORD.findall(unit)) < WORDS_FOR_A_CONSTANT * (each - 1):
        return False
    columns = [[int(number[0]) for number in numbers[column::each][-least:]] for column in range(each)]
    steps = [{after - before for before, after in pairwise(column)} for column in columns]
    return steps.count({1}) == 1 and steps.count({0}) == each - 1


def reads_like_a_sentence(unit: str) -> bool:
    words = {word.lower() for word in WORD.findall(unit)}
    if "|" in unit:
        return len(words) >= 8
    return (len(words) >= 4 and len(unit.split()) >= 5) or (not unit.isascii() and sum(map(len, words)) >= 10)
