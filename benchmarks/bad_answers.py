"""Answers that turn into garbage, made with a fixed seed from good text and a kind of garbage.

Each function of `KINDS` writes what comes after the good text, and says how long its unit is (0: it has none).
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from benchmarks.real_files import files, translations
from validation.detectors.stream import Stream

PHRASES = (
    "until ", "court ", "The the ", "не ", "και ", "شكراً ", "的", "我们", "again and again ", "lock",
    "ठीक है ", "ใช่ ", "네 ",
)  # fmt: skip
FILLERS = ("", "Actually, ", "Okay, ", "Hmm, ", "Right, ", "Well, ", "So, ", "Wait, ")
SENTENCES = (
    "Let me check the file one more time to be sure.", "Wait, I should look at this again.",
    "この問題を解決するためには、まずコードを確認する必要があります。", "Давайте ещё раз проверим этот файл.",
    "Für die nächste Aufgabe müssen wir die Datei noch einmal öffnen.", "دعنا نتحقق من الملف مرة أخرى.",
    "मुझे फ़ाइल को एक बार फिर से जांचना चाहिए।", "Ας ελέγξουμε ξανά το αρχείο για να είμαστε σίγουροι.",
    "파일을 한 번 더 확인해 보겠습니다.", "ฉันควรตรวจสอบไฟล์อีกครั้งเพื่อความแน่ใจ", "Vérifions encore une fois ce fichier.",
    "我需要再次检查这个文件以确保一切正常。", "בואו נבדוק את הקובץ פעם נוספת.",
)  # fmt: skip
ENGLISH = (SENTENCES[0], SENTENCES[1], SENTENCES[3], SENTENCES[4], SENTENCES[10])
VERBS = ("check", "read", "verify", "examine", "inspect")
ENDINGS = ("once more", "in detail", "quickly", "again", "line by line")
CALL = '<tool_call>\n{"name": "read_file", "arguments": {"path": "src/app.py"}}\n</tool_call>\n'
NAME = re.compile(r"\b[A-Za-z]{4,14}\b")
Garbage = tuple[str, int]
Maker = Callable[[random.Random], Garbage]


def again(unit: str, least: int = 3500) -> Garbage:
    return unit * (14 + least // len(unit)), len(unit)


def characters(chance: random.Random) -> Garbage:
    return again(chance.choice("!a。😂\u200b?A哈.を"))


def tokens(chance: random.Random) -> Garbage:
    return again(chance.choice(PHRASES))


def control_tokens(chance: random.Random) -> Garbage:
    return again(chance.choice(("</s>", "<|im_end|>", "<|endoftext|>", "<fim_prefix>", "<pad>")))


def sentences(chance: random.Random) -> Garbage:
    return again(chance.choice(SENTENCES) + " ")


def lines(chance: random.Random) -> Garbage:
    return again(chance.choice(("- ", "* ", "", "> ")) + chance.choice(SENTENCES) + "\n")


def alternating_lines(chance: random.Random) -> Garbage:
    return again("\n".join(chance.sample(SENTENCES, 2)) + "\n")


def paragraphs(chance: random.Random) -> Garbage:
    return again(" ".join(chance.sample(SENTENCES, chance.randrange(3, 8))) + "\n\n")


def long_paragraphs(chance: random.Random) -> Garbage:
    return again(good_text(chance, chance.randrange(600, 1500)) + "\n\n", 9000)


def whitespace(chance: random.Random) -> Garbage:
    return again(chance.choice(("\n", " \n", " ", "\t", "\n    ")))


def commas_in_json(chance: random.Random) -> Garbage:
    return again("\n    ,")


def counted_items(chance: random.Random) -> Garbage:
    first, said = chance.randrange(1, 90), chance.choice(SENTENCES[:5])
    return "".join(f"{first + step}. {said}\n" for step in range(60)), len(said) + 4


def counted_inside(chance: random.Random) -> Garbage:
    first = chance.randrange(1, 90)
    unit = chance.choice(
        ("Wait, I should check item {} once more. Done. ", "Now for step {} I will look at the code. ")
    )
    return "".join(unit.format(first + step) for step in range(70)), len(unit)


def templates(chance: random.Random) -> Garbage:
    made = (
        f"{chance.choice(FILLERS)}I should {chance.choice(VERBS)} the code {chance.choice(ENDINGS)} to be sure of it.\n"
        for _ in range(90)
    )
    return "".join(made), 55


def fillers(chance: random.Random) -> Garbage:
    unit = chance.choice(ENGLISH)
    return "".join(chance.choice(FILLERS) + unit + chance.choice(" \n") for _ in range(90)), len(unit) + 4


def shuffled(chance: random.Random) -> Garbage:
    some = chance.sample(SENTENCES[:5] + SENTENCES[10:11], 4)
    return "".join(" ".join(chance.sample(some, 4)) + "\n" for _ in range(25)), sum(map(len, some)) + 4


def edited_paragraphs(chance: random.Random) -> Garbage:
    words = good_text(chance, 300).split()

    def edited() -> str:
        copy = list(words)
        copy[chance.randrange(len(copy))] = chance.choice(("just", "also", "perhaps", ""))
        return " ".join(copy) + "\n\n"

    return "".join(edited() for _ in range(16)), 300


def growing(chance: random.Random) -> Garbage:
    word = chance.choice(("again and again", "more and more", "please"))
    return " ".join(word + "!" * step for step in range(1, 90)), len(word) + 4


def code(chance: random.Random) -> Garbage:
    unit = f"    if value_{chance.randrange(999)} is None:\n        return None\n"
    loop, size = again(unit, 4500)
    return "```python\n" + loop, size


def objects(chance: random.Random) -> Garbage:
    unit = f'  {{"name": "Quentin", "age": {chance.randrange(99)}, "city": "Quito"}},\n'
    loop, size = again(unit, 4500)
    return "```json\n[\n" + loop, size


def elements(chance: random.Random) -> Garbage:
    loop, size = again(chance.choice(("<div>", "</div>", "<br>\n", "<td></td>")))
    return "```html\n" + loop, size


def calls_in_text(chance: random.Random) -> Garbage:
    return again(CALL)


def table_rows(chance: random.Random) -> Garbage:
    return again("| data | data | data |\n")


def salad(chance: random.Random) -> Garbage:
    """Words of all languages, some of them glued together."""
    words = [word for language in vocabulary() for word in chance.sample(language, min(20, len(language)))]
    return "".join(chance.choice(words) + chance.choice(("", " ", " ")) for _ in range(500)), 0


def random_words(chance: random.Random) -> Garbage:
    return " ".join(chance.sample(long_words(), 450)), 0


def syllables(chance: random.Random) -> Garbage:
    pieces = chance.sample(
        ("can", "its", "dealer", "ing", "lot", "use", "the", "ist", "data", "Sh", "em", "items", "ux"), 11
    )
    return "".join(chance.choice(pieces) + chance.choice(("", " ", " ")) for _ in range(800)), 0


def names_run_together(chance: random.Random) -> Garbage:
    """What is left of code where every token is a random one."""
    ends = (" ", " ", " ", " ", " ", " ", " ", " ", "", "", "", ".", "(", "[", "/", ")")
    words = chance.choices(names(), k=250)
    return "".join(word + chance.choice(ends) for word in words), 0


def punctuation(chance: random.Random) -> Garbage:
    signs = chance.choice((",.;:!?-'\" ", "，。、；：？！…—·《》", "\u200b\u200c\u200d\u2060"))
    return "".join(chance.choices(signs, k=2500)), 0


def fractions(chance: random.Random) -> Garbage:
    return again(chance.choice(("142857", "09", "3", "076923")))


def pages(chance: random.Random) -> Garbage:
    return again(good_text(chance, chance.randrange(1600, 4000)) + "\n\n", 20000)


def second_thoughts(chance: random.Random) -> Garbage:
    said = ("the index is off by one", "the parser is right", "the test expects a list", "the value is wrong")
    made = (
        f"{chance.choice(('Wait', 'Hmm', 'Actually', 'No'))}, {chance.choice(('let me think again', 'maybe not'))}. "
        f"Perhaps {chance.choice(said)}. {chance.choice(('So it is fine.', 'That seems right.', 'Hmm.'))} "
        for _ in range(120)
    )
    return "".join(made), 75


def mojibake(chance: random.Random) -> Garbage:
    said = translations_of(("ru", "el", "uk", "ja", "zh_Hans", "ko", "ar", "fr", "hi"))
    language = chance.choice(sorted(said))
    text = " ".join(chance.sample(said[language], min(25, len(said[language]))))
    if language in ("ru", "uk") and chance.random() < 0.5:
        return text.encode("cp1251", "replace").decode("latin-1"), 0
    if language == "fr":
        text = text.replace("e", "é")
    return text.encode().decode("cp1252", "replace"), 0


def broken_tokens(chance: random.Random) -> Garbage:
    words = good_text(chance, 1500).split()
    return "".join("Ġ" + word for word in words), 0


KINDS: tuple[Maker, ...] = (
    characters, tokens, control_tokens, sentences, lines, alternating_lines, paragraphs, long_paragraphs, whitespace,
    commas_in_json, counted_items, counted_inside, templates, fillers, shuffled, edited_paragraphs, growing, code,
    objects, elements, calls_in_text, table_rows, salad, random_words, syllables, mojibake, broken_tokens,
    names_run_together, punctuation, fractions, pages, second_thoughts,
)  # fmt: skip
RUNNING = (tokens, sentences, lines, alternating_lines, paragraphs, long_paragraphs, pages)  # loops in running text
EXACT = (*RUNNING, characters, code, objects, elements, calls_in_text, table_rows)
IN_ARGUMENTS = (sentences, lines, paragraphs, code, objects, whitespace)


@dataclass(frozen=True, slots=True)
class Bad:
    kind: str
    text: str
    onset: int  # where the first copy begins
    unit: int
    stream: Stream = "text"
    running: bool = False
    exact: bool = False


def bad_answers(count: int) -> Iterator[Bad]:
    chance = random.Random(7)
    for number in range(count):
        make = KINDS[number % len(KINDS)]
        before = good_text(chance, chance.choice((0, 300, 1000, 4000))).replace("`", "'") + "\n\n"
        garbage, unit = make(chance)
        places: tuple[Stream, ...] = ("text", "text", "reasoning", *(("arguments",) if make in IN_ARGUMENTS else ()))
        stream = chance.choice(places)
        if stream == "arguments":
            before, garbage = '{"content": "', garbage.replace("\n", "\\n") * 2
        yield Bad(
            make.__name__, before + garbage, len(before), unit, stream,
            running=make in RUNNING and stream != "arguments", exact=make in EXACT,
        )  # fmt: skip


@cache
def texts() -> list[str]:
    return [text for path, text in files(200, random.Random(6)) if path.suffix in ("", ".md", ".rst")]


@cache
def long_words() -> list[str]:
    return sorted({word for text in texts() for word in text.split() if word.isalpha() and len(word) > 4})


def good_text(chance: random.Random, size: int) -> str:
    while size:
        text = chance.choice(texts())
        if len(text) > size:
            start = chance.randrange(max(1, len(text) - size))
            return text[start : start + size]
    return ""


@cache
def names() -> list[str]:
    found = {name for path, text in files(60, random.Random(6)) if path.suffix == ".js" for name in NAME.findall(text)}
    return sorted(found)


@cache
def vocabulary() -> tuple[list[str], ...]:
    said = translations_of(("ru", "ar", "hi", "ko", "ja", "th", "de", "ka", "hy", "bn", "ta", "he", "zh_Hans", "fr"))
    return tuple(sorted({word for sentence in some for word in sentence.split()}) for some in said.values())


def translations_of(languages: tuple[str, ...]) -> dict[str, list[str]]:
    return {name: said for name, said in _translations().items() if name in languages}


_translations = cache(translations)
