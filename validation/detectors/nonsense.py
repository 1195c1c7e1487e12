"""What is no language: scripts mixed inside words, text decoded wrongly, words without grammar.

Scripts are only looked for in pieces that are not ASCII; grammar is missed by the function words of many languages.
"""

import re
from itertools import pairwise

from validation.detectors.tail import GLANCE, Tail
from validation.verdict import Verdict

# letters of scripts that never touch each other in good text; Greek stands in formulas, Han, Kana and Hangul together
SCRIPTS = (
    ("latin", "A-Za-z\u00c0-\u024f"), ("cyrillic", "\u0400-\u052f"), ("hebrew", "\u0590-\u05ff"),
    ("arabic", "\u0600-\u06ff"), ("devanagari", "\u0900-\u097f"), ("bengali", "\u0980-\u09ff"),
    ("tamil", "\u0b80-\u0bff"), ("indic", "\u0a00-\u0b7f\u0c00-\u0d7f"), ("thai", "\u0e00-\u0eff"),
    ("georgian", "\u10a0-\u10ff"), ("armenian", "\u0530-\u058f"), ("hangul", "\u1100-\u11ff\uac00-\ud7af"),
    ("han", "\u3040-\u30ff\u3400-\u9fff"),
)  # fmt: skip
SCRIPT = re.compile("|".join(f"(?P<{name}>[{letters}]+)" for name, letters in SCRIPTS))
LATIN, OTHER = "[A-Za-z\u00c0-\u024f]", "[\u0400-\u1cff\u2e80-\ud7ff]"
# Patterns that begin with a set of letters are quick to tell that a piece has nothing to look at more closely.
OF_ANOTHER = re.compile(OTHER)
TOUCHING = re.compile(f"{LATIN}(?:(?={OTHER})|(?<={OTHER}.))", re.DOTALL)
LEADS = "\u00c2-\u00f4"  # first bytes of UTF-8 as single characters, and what may follow them
TRAILS = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122\u20ac"
CONTROLS, TOKEN_BLANKS = "\u0080-\u009f\ufffd\u0120", "\u2581"
MOJIBAKE = re.compile(
    f"[{LEADS}{CONTROLS}{TOKEN_BLANKS}](?:(?<=[{LEADS}])[{TRAILS}]|(?<=[{CONTROLS}])|(?<=[{TOKEN_BLANKS}])\\w)"
)
CYRILLIC_AS_LATIN = re.compile("[\u00c0-\u00ff]{4,}")
WINDOW, MEMORY = GLANCE, 1000
TOUCHES = 4  # of scripts in one line
ENOUGH_LITTLE_WORDS = 8  # different ones in a window
FEWEST_WORDS = 20
SEPARATORS, MOST_SEPARATORS = "\n,\":=(/|'<>)[]{};#@_", 12
MOST_AMONG_NAMES = 45  # of those, where names of programs run into each other and brackets are never closed
MOST_LINES = 6  # in a window: more are a list
FEWEST_JOINTS, FEWEST_UNMATCHED = 0.06, 3
CLOSING = {"(": ")", "[": "]", "{": "}"}
BRACKET = re.compile(r"[()\[\]{}]")
SORTED = 0.8  # of neighbours: words in alphabetical order are a list
STOPS, MOST_STOPS = ".,;:!?\n", 2
PUNCTUATION = frozenset(" \n.,;:!?'\"()/_-–—…·，。、；：？！（）「」『』《》“”‘’„«»¿¡")  # of sentences
MORSE = frozenset(" \n./_-–—·")
INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
FEWEST_SIGNS = 4
ESCAPED = re.compile(r"\\[nrt]")
QUOTED, QUOTES = 4, "`'\"()|,;:."
FEWEST_LETTERS, LONGEST_WORD = 10, 20
FEW_PIECES, FEW_PIECES_OF_MUCH = 0.45, 0.35
PAUSE, MOST_PAUSES = re.compile(r"[,.;:!?…،؛؟।。、](?=\s|\Z)"), 6
JOINT = re.compile(r"[a-z][A-Z]")
WORD = re.compile(r"[^\W\d_]+")
LITTLE_WORDS = (  # of some thirty languages
    "the a an of to and in is it that for on with as was be at by this are or not from but have you he his i we they "
    "which can will if has one all there their so what do my your no her she who when up out more into them then its "
    "le la les de des du un une et est que qui dans pour pas sur au ce il elle je vous nous avec par plus se son "
    "der die das und ist nicht ein eine zu den mit von sich auf für dem im des als auch es an ich sie wir er war "
    "el los las y del por con para no lo una su al es como más pero o si ha me sus e os uma em não da na se mais dos "
    "il di che è non per sono della con ma anche gli dei nel i het een van en dat niet op te zijn met voor aan er "
    "och att det som på är av för inte den med jag har till og er det ikke på til som med av "
    "i w na z do się nie to że jest o jak za a v je na se že s po k si ale ve bir bu için ile da de çok olarak ne "
    "és az egy hogy nem is meg ez să cu nu din pe este care sa la ja on ei että se oli mutta kun "
    "и в не на я что с он а как это по но к из у за от же то так было "
    "και να το του η την με για που δεν είναι σε τα yang dan di untuk dengan ini itu dari là và của không một có "
    "في من على إلى أن هذا التي لا ما و של את על לא זה עם הוא"
)
FUNCTION_WORDS = frozenset(LITTLE_WORDS.split())


class Nonsense:
    def __init__(self) -> None:
        self._next = WINDOW
        self._salads = 0
        self._mixed: list[tuple[int, str]] = []  # where scripts touched lately, and which
        self._odd: list[tuple[int, int]] = []  # where text was decoded wrongly lately, and how much of it

    @property
    def doubt(self) -> int | None:
        """Where words without grammar began, if there are some but too few."""
        return self._next - WINDOW * (self._salads + 1) if self._salads else None

    def scan(self, tail: Tail, piece: str, code: bool, enabled: frozenset[str]) -> Verdict | None:
        if tail.position < self._next and not self._mixed and piece.isascii():
            return None
        touches = not piece.isascii() and touching(piece)
        if self._mixed and not touches and "\n" in piece:
            self._mixed.clear()
        if not piece.isascii():
            if "encoding" in enabled and (found := self._decoded_wrongly(tail, piece)):
                return found
            if touches and "nonsense" in enabled and (found := self._scripts(tail, piece, code=code)):
                return found
        if tail.position < self._next:
            return None
        self._next = tail.position + WINDOW
        if code or "nonsense" not in enabled:
            self._salads = 0
            return None
        return self._grammar(tail)

    def _decoded_wrongly(self, tail: Tail, piece: str) -> Verdict | None:
        odd = max(len(MOJIBAKE.findall(piece)), sum(map(len, CYRILLIC_AS_LATIN.findall(piece))) // 4)
        if not odd:
            return None
        self._odd = [(at, count) for at, count in self._odd if at > tail.position - 400] + [(tail.position, odd)]
        if sum(count for _, count in self._odd) < 30 or speaks_of_decoding(tail.end(400)):
            return None
        onset = tail.position - len(self._odd) * len(piece)
        return Verdict(
            "encoding",
            "encoding",
            0.9,
            max(0, onset),
            tail.position,
            0,
            "text that was decoded wrongly: " + piece[-40:],
        )

    def _scripts(self, tail: Tail, piece: str, *, code: bool) -> Verdict | None:
        """Letters of different scripts touching in one line, with at least three scripts in play."""
        last, name, start = -1, "", tail.position - len(piece)
        if code:
            piece = ESCAPED.sub(" \n", tail.end(len(piece) + 1))[-len(piece) :]  # the letter of an escape is none
        if (line := piece.rfind("\n")) >= 0:
            self._mixed.clear()  # what is translated into many languages stands line by line
        for match in SCRIPT.finditer(piece, line + 1):
            script = match.lastgroup or ""
            if match.start() == last and {script, name} != {"han", "hangul"}:
                self._mixed.append((start + last, min(name, script) + "+" + max(name, script)))
            last, name = match.end(), script
        self._mixed = [(at, pair) for at, pair in self._mixed if at > tail.position - MEMORY]
        scripts = {script for _, pair in self._mixed for script in pair.split("+")}
        if len(self._mixed) < TOUCHES or len(scripts) < 3:
            return None
        return Verdict(
            "nonsense", "gibberish", 0.9, self._mixed[0][0], tail.position, 0,
            "letters of " + ", ".join(sorted(scripts)) + " run into each other",
        )  # fmt: skip

    def _grammar(self, tail: Tail) -> Verdict | None:
        apart = tail.glance()
        if apart and not any(map(str.isalnum, apart[-1])) and is_punctuation(tail.end(WINDOW)):
            return Verdict(
                "nonsense", "gibberish", 0.9, tail.position - WINDOW, tail.position, 0,
                "punctuation without a word: " + tail.end(60),
            )  # fmt: skip
        if len(apart) < FEWEST_WORDS or len(FUNCTION_WORDS.intersection(apart)) >= ENOUGH_LITTLE_WORDS:
            self._salads = 0
            return None
        text = tail.end(WINDOW)
        bare = is_bare(text, MOST_SEPARATORS)
        if text.count("\n") > MOST_LINES or not (bare or (is_bare(text, MOST_AMONG_NAMES) and leaves_open(text))):
            self._salads = 0
            return None
        if is_of_few_pieces(text, FEW_PIECES) or is_of_few_pieces(tail.end(2 * WINDOW), FEW_PIECES_OF_MUCH):
            return Verdict(
                "nonsense", "gibberish", 0.9, tail.position - WINDOW, tail.position, 0,
                "a few syllables put together at random: " + text[-60:],
            )  # fmt: skip
        words = WORD.findall(text)
        joints = len(JOINT.findall(text)) / max(1, len(words))
        if not (bare or joints >= FEWEST_JOINTS) or not lacks_grammar(text):
            self._salads = 0
            return None
        self._salads += 1
        if joints < FEWEST_JOINTS and self._salads < 2:
            return None
        return Verdict(
            "nonsense", "gibberish", 0.85, tail.position - WINDOW * self._salads, tail.position, 0,
            f"{len(words)} words without grammar: " + text[-60:],
        )  # fmt: skip


def touching(piece: str) -> bool:
    return OF_ANOTHER.search(piece) is not None and TOUCHING.search(piece) is not None


def is_bare(text: str, most: int) -> bool:
    """Hardly any of the signs that lists, tables and code are full of."""
    found = 0
    for sign in SEPARATORS:  # the commonest first, as most text that has many is told by one or two
        found += text.count(sign)
        if found > most:
            return False
    return True


def is_punctuation(text: str) -> bool:
    """Marks of many kinds with nothing between them; a picture has others, Morse code has few."""
    signs = set(text)
    return (signs <= PUNCTUATION and len(signs - MORSE) >= FEWEST_SIGNS) or signs <= INVISIBLE


def speaks_of_decoding(text: str) -> bool:
    """Whether most of what looks decoded wrongly stands by itself, as in a table of such things."""
    odd = [word.strip(QUOTES) for word in text.split() if MOJIBAKE.search(word)]
    return 2 * sum(len(word) <= QUOTED and "\ufffd" not in word and not word.isascii() for word in odd) > len(odd)


def leaves_open(text: str) -> bool:
    """Brackets that do not belong to each other."""
    expected: list[str] = []
    unmatched = 0
    for bracket in BRACKET.findall(text):
        if bracket in CLOSING:
            expected.append(CLOSING[bracket])
        elif expected and expected[-1] == bracket:
            expected.pop()
        else:
            unmatched += 1
    return unmatched + len(expected) >= FEWEST_UNMATCHED


def is_of_few_pieces(text: str, share: float) -> bool:
    """A long stretch of letters without a single stop, in which the same four stand together again and again."""
    if sum(map(text.count, STOPS)) > MOST_STOPS or len(set(text)) < FEWEST_LETTERS:
        return False
    if text.count(" ") < len(text) // LONGEST_WORD or not text.replace(" ", "").isalpha():
        return False
    return len({text[start : start + 4] for start in range(len(text) - 3)}) <= share * len(text)


def lacks_grammar(text: str) -> bool:
    """Many words, nearly all of them different, and nearly none that a sentence is built with."""
    words = WORD.findall(text.lower())
    if len(words) < 2 * FEWEST_WORDS or len(set(words)) < 0.9 * len(words):
        return False
    if len(set("".join(words))) < FEWEST_LETTERS:
        return False  # acgt
    if len(PAUSE.findall(text)) > MOST_PAUSES:
        return False  # sentences of a language whose function words are not known here
    if sum(before <= after for before, after in pairwise(words)) > SORTED * len(words):
        return False
    return sum(map(FUNCTION_WORDS.__contains__, words)) <= 0.05 * len(words)
