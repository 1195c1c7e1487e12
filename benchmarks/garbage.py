"""How the built-in detectors judge real files (good text) and loops made from them (garbage).

`python -m benchmarks.garbage` prints the figures of docs/validation.md.  What is drawn is drawn with a fixed seed from
the files of this installation, so another machine has another corpus of the same kind.
"""

import argparse
import base64
import random
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from validation.detectors import TextDetectors
from validation.detectors.stream import Stream
from validation.verdict import Verdict

DELTA = 16
LONGEST = 12_000  # characters of one answer
LIBRARY = Path(sysconfig.get_path("stdlib"))
PACKAGES = Path(sysconfig.get_path("purelib"))
PLACES = (
    (LIBRARY, ("py", "txt", "csv", "decTest", "xml", "toml")),
    (PACKAGES, ("py", "pyi", "po", "js", "css", "json", "txt", "md", "rst", "html", "svg", "svelte", "sql", "yml")),
    (Path("/usr/share/common-licenses"), ("",)),
    (Path("/usr/share/perl"), ("pm", "pl", "pod")),
    (Path("/usr/share/doc"), ("", "copyright", "md", "txt")),
    (Path("/var/log"), ("log",)),
)
PROSE = frozenset({"", "txt", "md", "rst", "po", "copyright", "pod", "log", "csv"})


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    text: str
    stream: Stream = "text"
    onset: int | None = None  # where a loop's first copy begins
    unit: int = 0
    running: bool = False  # a loop in running text, as opposed to code


def files(limit: int, chance: random.Random) -> Iterator[tuple[Path, str]]:
    """Up to `limit` files of every kind, in an order that depends on the seed only."""
    for place, kinds in PLACES:
        found: dict[str, list[Path]] = {}
        for path in sorted(place.rglob("*")):
            if path.is_file() and (kind := path.suffix[1:]) in kinds:
                found.setdefault(kind, []).append(path)
        for kind in kinds:
            paths = found.get(kind, [])
            for path in chance.sample(paths, min(limit, len(paths))):
                try:
                    text = path.read_text()
                except (OSError, UnicodeDecodeError):
                    continue
                if len(text) > 200 and "test" not in path.parts:
                    yield path, text


def good(limit: int) -> Iterator[Case]:
    chance = random.Random(6)
    for path, text in files(limit, chance):
        start = chance.randrange(max(1, len(text) - LONGEST))
        part, kind = text[start : start + LONGEST], path.suffix[1:]
        if kind in PROSE:
            yield Case(f"{kind or 'plain'} {path}", part)
        else:
            yield Case(f"{kind} {path}", f"This is the file:\n\n```{kind}\n{part}\n```\n")
            yield Case(f"{kind} as arguments {path}", part, "arguments")
        if chance.random() < 0.05:
            yield Case(f"base64 {path}", "Here it is: " + base64.b64encode(part.encode()).decode())


PHRASES = (
    "until ", "court ", "The the ", "не ", "και ", "شكراً ", "的", "我们", "again and again ", "</s>", "!", "。", "😂",
    "a", "<|im_end|>", "\n", " \n", " , and ",
)  # fmt: skip
SENTENCES = (
    "Let me check the file one more time to be sure. ", "Wait, I should look at this again.\n",
    "この問題を解決するためには、まずコードを確認する必要があります。", "Давайте ещё раз проверим этот файл. ",
    "Für die nächste Aufgabe müssen wir die Datei noch einmal öffnen. ", "دعنا نتحقق من الملف مرة أخرى. ",
    "मुझे फ़ाइल को एक बार फिर से जांचना चाहिए। ", "Ας ελέγξουμε ξανά το αρχείο για να είμαστε σίγουροι. ",
    "파일을 한 번 더 확인해 보겠습니다. ", "- Add unit tests for the new module\n- Update the documentation\n",
)  # fmt: skip
FILLERS = ("", "Actually, ", "Okay, ", "Hmm, ", "Right, ", "Well, ")


def loops(count: int) -> Iterator[Case]:
    """Good prose, then a loop: of all sizes and scripts, exact, counted, and with a word changed here and there."""
    chance = random.Random(7)
    texts = [text for path, text in files(200, random.Random(6)) if path.suffix in ("", ".md", ".rst")]
    for number in range(count):
        text = chance.choice(texts)
        cut = chance.randrange(len(text))
        size = chance.choice((0, 300, 1000, 4000))
        before = text[cut : cut + size].replace("`", "'") + "\n\n"
        kind = ("phrase", "sentence", "paragraph", "counter", "nearly", "code")[number % 6]
        if kind == "phrase":
            unit = chance.choice(PHRASES)
            loop = unit * (4000 // len(unit))
        elif kind == "paragraph":
            unit = " ".join(chance.sample(SENTENCES, chance.randrange(2, 9))) + "\n"
            loop = unit * (6 + 2000 // len(unit))
        elif kind == "counter":
            unit, first = chance.choice(SENTENCES[:5]), chance.randrange(200)
            loop = "".join(f"{first + step}. {unit}" for step in range(40))
            unit = f"{first}. {unit}"
        elif kind == "nearly":
            unit = chance.choice(SENTENCES[:2] + SENTENCES[3:5])
            loop = "".join(chance.choice(FILLERS) + unit for _ in range(90))
        elif kind == "code":
            unit, before = f"    if value_{number} is None:\n        return None\n", before + "```python\n"
            loop = unit * 60
        else:
            unit = chance.choice(SENTENCES)
            loop = unit * (10 + 1500 // len(unit))
        running = kind in ("phrase", "sentence", "paragraph")
        yield Case(kind, before + loop, onset=len(before), unit=len(unit), running=running)


def judged(case: Case) -> tuple[Verdict | None, int]:
    """The verdict, and what a client had been sent until then."""
    detectors, sent = TextDetectors(stream=case.stream), 0
    for start in range(0, len(case.text), DELTA):
        if detectors.feed(case.text[start : start + DELTA]) is not None:
            break
        sent = max(sent, detectors.safe)
    return detectors.close(), sent


def report_good(limit: int) -> None:
    kinds, size, spent, alarms = Counter[str](), 0, 0.0, 0
    for case in good(limit):
        before = time.perf_counter()
        detectors = TextDetectors(stream=case.stream)
        for start in range(0, len(case.text), DELTA):
            detectors.feed(case.text[start : start + DELTA])
        verdict = detectors.close()
        spent += time.perf_counter() - before
        size += len(case.text)
        kinds[case.name.split()[0]] += 1
        if verdict is not None:
            alarms += 1
            print("ALARM", case.name, verdict.detector, verdict.offset, verdict.explanation[:200])
    print(f"good: {sum(kinds.values())} answers, {size / 1e6:.1f} million characters, {alarms} alarms")
    print(f"  {spent / size * 1e9:.0f} µs per 1000 characters; {dict(kinds.most_common())}")


def report_loops(count: int) -> None:
    caught, missed, early = 0, Counter[str](), 0
    late: list[int] = []
    late_running: list[int] = []
    leaked: list[int] = []
    for case in loops(count):
        verdict, sent = judged(case)
        onset = case.onset or 0
        if verdict is None:
            missed[case.name] += 1
        elif verdict.offset < onset:
            early += 1
        else:
            caught += 1
            late.append(verdict.offset - onset - 3 * case.unit)
            late_running += late[-1:] if case.running else []
            leaked += [sent - onset - case.unit] if case.running or case.name == "code" else []
    print(f"loops: {count}, recall {caught / count:.3f}, {early} before the onset, missed {dict(missed)}")
    print(
        f"  median characters beyond three repeats: {statistics.median(late):.0f}, in running text "
        f"{statistics.median(late_running):.0f}; exact loops leak {max(0, statistics.median(leaked)):.0f} in the median"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400, help="how many files of each kind")
    parser.add_argument("--loops", type=int, default=3000)
    chosen = parser.parse_args()
    report_good(chosen.files)
    report_loops(chosen.loops)
