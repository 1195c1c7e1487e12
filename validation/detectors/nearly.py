"""Repeats that are not exact: sentences in another order, with a word changed, with "Okay," before them.

Of the words at the end, the last window says nothing that the two before it had not said, over and over.  That is worth
computing only where few different words stand, or, in scripts without blanks, where repeats are found again and again
without a lasting period.
"""

import re
from collections import Counter
from statistics import median

from validation.detectors.tail import GLANCE, Tail
from validation.detectors.units import is_dense
from validation.verdict import Verdict

KEPT = 6500  # characters
EVERY = GLANCE
SIGNS = 0.14  # of what is not blank: more of them is data or code
CLOSELY = 240  # once few words were seen
SIGN_RUN = re.compile(r"([^\w\s])\1+")
FEW_WORDS = 0.45
WINDOWS = (70, 110, 180, 350)
TOKEN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]|[^\W_]+")
QUOTED = 80
COMMAS = ",;|،、·"
MOST_NEW, ENDINGS = 4, ".,;:!?…。！？*_)\"'"
VARIETY_WINDOW, VARIETY = 110, 0.3
RESTLESS = 3  # losses of a period, in scripts without blanks
MOST_TABS = 8
MOST_LINES, MOST_COMMAS = 8, 20  # in what is glanced at: more are a list


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
        words, distinct = tail.glance()
        if restless < RESTLESS if len(words) < 20 else len(distinct) > FEW_WORDS * len(words):
            self._interval = max(CLOSELY, self._interval // 2)
            self.doubt = None
            return None
        text = tail.text[-min(KEPT, tail.position - self._from) :]
        if is_data(text[-GLANCE:]):
            self.doubt = None
            return None
        odd = may_tell_again(text.lower())
        self.doubt = (tail.position - GLANCE if self.doubt is None else self.doubt) if odd else None
        told = told_again(text) if odd else 0
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


def is_data(text: str) -> bool:
    """Many signs, or columns."""
    return text.count("\t") > MOST_TABS or is_dense(SIGN_RUN.sub(r"\1", text), SIGNS)


def told_again(text: str) -> int:
    """How many words at the end only repeat what stands before them, 0 if they do not."""
    words = TOKEN.findall(text.lower())
    if not are_words(words[-VARIETY_WINDOW:]):
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
    return len(set(last)) < VARIETY * VARIETY_WINDOW and len(fresh) < 2


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


def are_words(words: list[str]) -> bool:
    """Words rather than letters and numbers: of those, few different ones are data."""
    numbers = sum(map(str.isdecimal, words))
    return 10 * numbers <= len(words)


def grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))


def share(some: list[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(gram in known for gram in some) / len(some)
