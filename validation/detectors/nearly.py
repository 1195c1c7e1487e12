"""Repeats that are not exact: sentences in another order, with a word changed, with "Okay," before them.

Of the words at the end, the last window says nothing that the two before it had not said, over and over.  That is worth
computing only where few different words stand, or, in scripts without blanks, where repeats are found again and again
without a lasting period.
"""

import re
from collections import Counter
from statistics import median

from validation.detectors.tail import GLANCE, Tail
from validation.detectors.units import is_coded, is_dense
from validation.verdict import Verdict

KEPT = 6500  # characters
EVERY = GLANCE
SIGNS = 0.14  # of what is not blank: more of them is data or code
CLOSELY = 240  # once few words were seen
SIGN_RUN = re.compile(r"([^\w\s])\1+")
FEW_WORDS, TELLING = 0.45, 0.63  # of the words: how many are different at most, and in how many that mostly shows
WINDOWS = (70, 110, 180, 350)
WITHOUT_BLANKS = "\u3040-\u30ff\u4e00-\u9fff\u0e00-\u109f\u1780-\u17ff"  # scripts whose letters are taken for words
INDIC = "\u0900-\u0963\u0966-\u0dff"  # with the marks that `\w` leaves out
TOKEN = re.compile(f"[{WITHOUT_BLANKS}]|[{INDIC}]+|[^\\W_]+")
QUOTED = 80
COMMAS = ",;|،、·"
MOST_NEW, ENDINGS = 4, ".,;:!?…。！？*_)\"'"
VARIETY_WINDOW, VARIETY = 110, 0.3
RESTLESS = 3  # losses of a period, in scripts without blanks
FEW_DIFFERENT = 4  # words: in any order, fewer are what coins and dice show
ROUND, LONGEST_ROUND, SWOLLEN = 60, 6, 4000  # words; characters that hold them
SWOLLEN_SIGN = re.compile(r"([!?.…~*-])\1{4}")
SWELLING = re.compile(r"(?:[^\W\d_]|[\s!?.…~*',’-])+")
SHORTEST_VERSE, VERSE_DIFFERS = 20, 3  # words
MOST_TABS, MOST_TASKS = 8, 4
TASK = "- ["
MOST_LINES, MOST_COMMAS = 8, 20  # in what is glanced at: more are a list
SYMBOLS = frozenset("ABCDEFGHJKLMNOPQRSTUVWXYZ") | {"true", "false", "True", "False", "TRUE", "FALSE"}
COUNTED, MOST_COUNTED = 3 * WINDOWS[0], 3  # words, and different numbers among them: more, and it counts as songs do
COUNTED_WITH = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred zwei drei vier fünf sechs sieben "
    "acht neun zehn elf zwölf deux trois quatre cinq sept huit neuf dix onze douze dos tres cuatro cinco seis siete "
    "ocho nueve diez due tre quattro cinque sette otto nove dieci"
)
NUMBER_WORDS = frozenset(COUNTED_WITH.split())


class Nearly:
    def __init__(self) -> None:
        self._next = GLANCE
        self._interval = CLOSELY
        self._restless = 0
        self._from = 0
        self.doubt: int | None = None  # where text began that repeats much, but not enough

    def skip(self, tail: Tail) -> None:
        """Code was read: what is judged next begins after it."""
        self._from = tail.position
        self.doubt = None
        self._next = tail.position + GLANCE

    def scan(self, tail: Tail) -> Verdict | None:
        if tail.position < self._next:
            return None
        self._next = tail.position + EVERY
        restless, self._restless = tail.restless - self._restless, tail.restless
        words = tail.glance()
        if restless < RESTLESS if len(words) < 20 else not are_few(words):
            self._interval = max(CLOSELY, self._interval // 2)
            self.doubt = None
            return None
        text = tail.text[-min(KEPT, tail.position - self._from) :]
        told = ROUND // 2 if swells(text) else 0
        if not told and is_data(text[-GLANCE:]):
            self.doubt = None
            return None
        odd = may_tell_again(text.lower())
        self.doubt = (tail.position - GLANCE if self.doubt is None else self.doubt) if odd else None
        told = told or (told_again(text) if odd else 0)
        if not told:
            self._next = tail.position + self._interval
            self._interval += self._interval // 2
            return None
        places = [match.start() for match in TOKEN.finditer(text)]
        onset = tail.position - len(text) + places[max(0, len(places) - 2 * told)]
        return Verdict(
            "near_duplicates", "repetition", 0.85, onset, tail.position, 0,
            f"the last {told} words say nothing that those before them had not said, again and again: "
            + text[-QUOTED:],
        )  # fmt: skip


def are_few(words: list[str]) -> bool:
    """Whether few of them are different, which mostly shows among the first already."""
    most = FEW_WORDS * len(words)
    return len(set(words[: int(TELLING * len(words))])) <= most and len(set(words)) <= most


def is_data(text: str) -> bool:
    """Many signs, columns, words as programs have them, or tasks, which are listed again when one is done."""
    if text.count("\t") > MOST_TABS or text.count(TASK) > MOST_TASKS:
        return True
    return is_dense(SIGN_RUN.sub(r"\1", text), SIGNS) or is_coded(text)


def swells(text: str) -> bool:
    """The same few words in the same order, and only the signs between them grow."""
    if SWOLLEN_SIGN.search(text, len(text) - GLANCE) is None or SWELLING.fullmatch(text[-GLANCE:]) is None:
        return False
    words = TOKEN.findall(text[-SWOLLEN:].lower())[-ROUND:]
    sizes = (size for size in range(1, LONGEST_ROUND + 1) if len(words) == ROUND and words[-1 - size] == words[-1])
    return any(words[size:] == words[:-size] for size in sizes)


def told_again(text: str) -> int:
    """How many words at the end only repeat what stands before them, 0 if they do not."""
    if not are_words(TOKEN.findall(text[-GLANCE:])):
        return 0
    words = TOKEN.findall(text.lower())
    if len(NUMBER_WORDS.intersection(words[-COUNTED:])) > MOST_COUNTED:
        return 0
    if len(set(words[-VARIETY_WINDOW:])) < FEW_DIFFERENT:
        return 0
    if size := repeating(words):
        return size
    if len(words) < VARIETY_WINDOW + 30 or not says_little(words):
        return 0
    return 0 if is_list(text[-GLANCE:]) else VARIETY_WINDOW // 2


def may_tell_again(text: str) -> bool:
    """What is told more quickly than by counting words: whether most of those at the end stand before it too."""
    apart = text.split()
    last = apart[-WINDOWS[0] :]
    if len(apart) < 2 * len(last):
        return True
    new = set(last).difference(apart[: -len(last)])
    if len(new) <= MOST_NEW:
        return True
    before = text[: -sum(map(len, last)) - len(last)]
    return sum(word.rstrip(ENDINGS) not in before for word in new) <= MOST_NEW


def is_list(text: str) -> bool:
    """Few words in any order are nothing odd where they are only listed: names, keywords, rows."""
    return text.count("\n") > MOST_LINES or sum(map(text.count, COMMAS)) > MOST_COMMAS


def repeating(words: list[str]) -> int:
    """The size of the window at the end that repeats what stands before it, 0 if none does."""
    for size in WINDOWS:
        if len(words) >= 3 * size and says_nothing_new(words, size):
            return size
    return 0


def says_little(words: list[str]) -> bool:
    """Whether hardly any word is new, and few are different: a small vocabulary in any order."""
    last, half = words[-VARIETY_WINDOW:], VARIETY_WINDOW // 2
    fresh = set(last[-half:]) - set(words[:-half])
    return len(set(last)) < VARIETY * VARIETY_WINDOW and len(fresh) < 2 and not are_verses(words)


def are_verses(words: list[str]) -> bool:
    """Whether most of what is said again comes at one long distance, or some of them: verses, cases, forms."""
    seen: dict[tuple[str, ...], int] = {}
    distances: list[int] = []
    some = grams(words[-4 * VARIETY_WINDOW :], 4)
    for place, gram in enumerate(some):
        if gram in seen and place >= len(some) - VARIETY_WINDOW // 2:
            distances.append(place - seen[gram])
        seen[gram] = place
    if len(distances) < VARIETY_WINDOW // 4:
        return False
    usual = sorted(distances)[len(distances) // 4]
    off = (abs(distance - usual * max(1, round(distance / usual))) for distance in distances)
    return usual >= SHORTEST_VERSE and sum(far <= VERSE_DIFFERS for far in off) > 0.6 * len(distances)


def says_nothing_new(words: list[str], size: int) -> bool:
    last, middle, first = words[-size:], words[-2 * size : -size], words[-3 * size : -2 * size]
    new = set(last) - set(middle) - set(first)
    if len(new) > (2 if size == WINDOWS[-1] else 1):
        return False
    told, before, earliest = grams(last, 3), grams(middle, 3), set(grams(first, 3))
    if share(told, earliest | set(before)) < 0.6 or share(before, earliest) < 0.45:
        return False
    counts = Counter(grams(words[-3 * size :], 4))
    return median(counts[gram] for gram in grams(last, 4)) >= 4


def are_words(tokens: list[str]) -> bool:
    """Words rather than letters and numbers: of those, few different ones are data."""
    numbers, symbols = sum(map(str.isdecimal, tokens)), sum(map(SYMBOLS.__contains__, tokens))
    return numbers <= 0.1 * len(tokens) and numbers + symbols <= 0.15 * len(tokens)


def grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))


def share(some: list[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(gram in known for gram in some) / len(some)
