"""Repeats that are not exact: sentences in another order, with a word changed, with "Okay," before them.

Of the words at the end, the last window says nothing that the two before it had not said, over and over.  That is worth
computing only where few different words stand, or where repeats are found again and again without a lasting period.
"""

import re
from collections import Counter
from statistics import median

from validation.detectors.tail import Tail
from validation.detectors.units import is_dense
from validation.verdict import Verdict

KEPT = 6500  # characters
GLANCE = 480  # characters, whose words tell whether a closer look is worth it
EVERY = 480
CLOSELY = 160  # once few words were seen
SIGN_RUN = re.compile(r"([^\w\s])\1+")
FEW_WORDS = 0.45
WINDOWS = (70, 110, 180, 350)
TOKEN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]|[^\W_]+")
VARIETY_WINDOW, VARIETY = 110, 0.3


class Nearly:
    def __init__(self) -> None:
        self._next = GLANCE
        self._interval = CLOSELY
        self._restless = 0

    def scan(self, tail: Tail) -> Verdict | None:
        if tail.position < self._next:
            return None
        self._next = tail.position + EVERY
        restless, self._restless = tail.restless - self._restless, tail.restless
        glance = tail.text[-GLANCE:].split()
        few = len(glance) >= 20 and len(set(glance)) <= FEW_WORDS * len(glance)
        if not few and restless < 2:
            self._interval = CLOSELY
            return None
        text = tail.text[-KEPT:]
        matches = list(TOKEN.finditer(text.lower()))
        words = [match[0] for match in matches]
        size = repeating(words)
        if not size or is_dense(SIGN_RUN.sub(r"\1", text[-GLANCE:])):
            self._next = tail.position + self._interval
            self._interval += self._interval // 2
            return None
        onset = tail.position - len(text) + matches[max(0, len(words) - 2 * size)].start()
        return Verdict(
            "near_duplicates", "repetition", 0.85, onset, tail.position, 0,
            f"the last {size} words say nothing that the {2 * size} before them had not said, again and again",
        )  # fmt: skip


def repeating(words: list[str]) -> int:
    """The size of the window at the end that repeats what stands before it, 0 if none does."""
    for size in WINDOWS:
        if len(words) >= 3 * size and says_nothing_new(words, size):
            return size
    last = words[-VARIETY_WINDOW:]
    if len(last) == VARIETY_WINDOW and len(words) >= VARIETY_WINDOW + 30:
        distinct = set(last)
        fresh = set(last[VARIETY_WINDOW // 2 :]) - set(words[: -VARIETY_WINDOW // 2])
        if len(distinct) < VARIETY * VARIETY_WINDOW and len(fresh) < 2 and are_words(last):
            return VARIETY_WINDOW // 2
    return 0


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
    return sum(map(len, words)) >= 2 * len(words) and not any(word.isdecimal() for word in words)


def grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))


def share(some: list[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(gram in known for gram in some) / len(some)
