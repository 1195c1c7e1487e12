"""How the built-in detectors judge good answers (real files and `good_answers`) and garbage (`bad_answers`).

`python -m benchmarks.garbage` prints the figures of docs/validation.md.  What is drawn is drawn with a fixed seed from
the files of this installation, so another machine has another corpus of the same kind.  `--sample` judges a file of
labelled answers instead: JSON lines with text, label, kind, channel, onset, unit and finish.
"""

import argparse
import base64
import json
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bad_answers import Bad, bad_answers
from benchmarks.good_answers import good_answers
from benchmarks.real_files import PROSE, files
from routing.dialects.request import ToolCall
from validation.detectors import TextDetectors, answer
from validation.detectors.stream import Stream
from validation.verdict import Verdict

DELTA = 16
LONGEST = 12_000  # characters of one answer
TIMES = 5  # each good answer is timed so often, and the quickest counts: others use the machine too


@dataclass(frozen=True, slots=True)
class Good:
    kind: str
    name: str
    text: str
    stream: Stream = "text"


def real(limit: int) -> Iterator[Good]:
    chance = random.Random(6)
    for path, text in files(limit, chance):
        start = chance.randrange(max(1, len(text) - LONGEST))
        part, kind = text[start : start + LONGEST], path.suffix[1:]
        if kind in PROSE:
            yield Good(kind or "plain", str(path), part)
        else:
            yield Good(kind, str(path), f"This is the file:\n\n```{kind}\n{part}\n```\n")
            yield Good(kind, str(path), part, "arguments")
        if chance.random() < 0.05:
            yield Good("base64", str(path), "Here it is: " + base64.b64encode(part.encode()).decode())


def made(each: int) -> Iterator[Good]:
    """Every answer bare, in a fence, as thoughts, and as a call's arguments."""
    for kind, text in good_answers(each):
        yield Good(kind, "bare", text)
        yield Good(kind, "in a fence", f"Here it is:\n\n```\n{text}\n```\nDone.")
        yield Good(kind, "as thoughts", f"This is what I need.\n\n{text}\n\nThat should do.", "reasoning")
        yield Good(kind, "as arguments", text, "arguments")


def judged(text: str, stream: Stream) -> tuple[Verdict | None, int]:
    """The verdict, and what a client had been sent until then."""
    detectors, sent = TextDetectors(stream=stream), 0
    for start in range(0, len(text), DELTA):
        if detectors.feed(text[start : start + DELTA]) is not None:
            break
        sent = max(sent, detectors.safe)
    return detectors.close(), sent


def seconds(text: str, stream: Stream) -> float:
    """Processor time of the detectors alone."""
    best = 9e9
    for _ in range(TIMES):
        before = time.process_time()
        detectors = TextDetectors(stream=stream)
        for start in range(0, len(text), DELTA):
            detectors.feed(text[start : start + DELTA])
        detectors.close()
        best = min(best, time.process_time() - before)
    return best


def report_good(title: str, answers: Iterable[Good]) -> None:
    kinds, size, spent, alarms = Counter[str](), 0, 0.0, 0
    for number, case in enumerate(answers):
        verdict, _ = judged(case.text, case.stream)
        if number % 10 == 0:
            spent += seconds(case.text, case.stream)
            size += len(case.text)
        kinds[case.kind] += len(case.text)
        kinds["answers"] += 1
        if verdict is not None:
            alarms += 1
            print("ALARM", case.kind, case.name, verdict.detector, verdict.offset, verdict.explanation[:200])
    count = kinds.pop("answers")
    print(f"{title}: {count} answers of {len(kinds)} kinds, {kinds.total() / 1e6:.1f} million characters")
    print(f"  {alarms} false alarms, {spent / size * 1e9:.0f} µs of processor time per 1000 characters")


def report_bad(answers: Iterable[Bad]) -> None:
    found: dict[str, list[tuple[Bad, Verdict | None, int]]] = defaultdict(list)
    for case in answers:
        found[case.kind].append((case, *judged(case.text, case.stream)))
    for kind, some in found.items():
        print(f"  {kind:20} {_figures(some)}")
    everything = [case for some in found.values() for case in some]
    print(f"garbage: {len(everything)} answers of {len(found)} kinds: {_figures(everything)}")
    print(f"  in running text: {_figures([case for case in everything if case[0].running])}")
    print(f"  exact loops: {_figures([case for case in everything if case[0].exact])}")


def _figures(cases: list[tuple[Bad, Verdict | None, int]]) -> str:
    late = [verdict.offset - case.onset - 3 * case.unit for case, verdict, _ in cases if verdict]
    leaked = [max(0, sent - case.onset - case.unit) for case, verdict, sent in cases if verdict]
    early = sum(verdict is not None and verdict.offset < case.onset for case, verdict, _ in cases)
    return (
        f"recall {len(late) / len(cases):.3f}, {early} early, late {statistics.median(late or [0]):.0f}, "
        f"leaked {statistics.median(leaked or [0]):.0f} in the median"
    )


STREAMS: dict[str, Stream] = {"text": "text", "reasoning": "reasoning", "tool_args": "arguments"}
IN_CODE = ("loop_code", "loop_json", "loop_tool_args", "loop_tool_call")


def report_sample(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    ends = [row for row in rows if row["kind"].startswith("end_")]
    rows = [row for row in rows if row not in ends]
    good = [Good(row["kind"], row["id"], row["text"], STREAMS[row["channel"]]) for row in rows if row["label"] == "ok"]
    report_good("sample", good)
    print(f"  every answer timed: {_every_second(good):.0f} µs per 1000 characters")
    report_bad(
        Bad(
            row["kind"], row["text"], row["onset"], row["unit"] or 0, STREAMS[row["channel"]],
            running=row["kind"].startswith("loop_") and row["kind"] not in IN_CODE,
            exact=row["kind"].startswith(("loop_", "char_", "table_", "html_")) and "counter" not in row["kind"],
        )
        for row in rows if row["label"] == "garbage"
    )  # fmt: skip
    right = sum(_ends_badly(row) is (row["label"] == "garbage") for row in ends)
    print(f"ends: {right} of {len(ends)} right")


def _every_second(good: list[Good]) -> float:
    return sum(seconds(case.text, case.stream) for case in good) / sum(len(case.text) for case in good) * 1e9


def _ends_badly(row: dict[str, str]) -> bool:
    text = row["text"]
    if row["channel"] == "tool_args":
        return answer.arguments(ToolCall("", "", text)) is not None
    return answer.empty(text) is not None or answer.truncated(text, row["finish"]) is not None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400, help="how many files of each kind")
    parser.add_argument("--made", type=int, default=40, help="how many good answers of each kind that is made")
    parser.add_argument("--loops", type=int, default=3000, help="how many answers that turn into garbage")
    parser.add_argument("--sample", type=Path, help="judge these labelled answers instead")
    chosen = parser.parse_args()
    if chosen.sample:
        report_sample(chosen.sample)
    else:
        report_good("real files", real(chosen.files))
        report_good("made", made(chosen.made))
        report_bad(bad_answers(chosen.loops))
