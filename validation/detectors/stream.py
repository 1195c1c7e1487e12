"""Judges one stream of text while it arrives.

Text is read in pieces whose borders depend on nothing but the text: every 160 characters, or 32 while something
repeats.  So the verdict is the same however an answer was cut into deltas, and a delta costs about an append.
Memory is bounded by what `tail` keeps, whatever the length of the answer.
"""

from collections.abc import Callable
from typing import Literal

from validation.detectors.fences import Fences
from validation.detectors.names import DETECTORS
from validation.detectors.nearly import Nearly
from validation.detectors.nonsense import Nonsense
from validation.detectors.tail import ANCHOR, STEP, Run, Tail
from validation.verdict import Verdict

Stream = Literal["text", "reasoning", "arguments"]

OF_REPEATS = frozenset({"repetition", "whitespace", "counter"})
QUOTED = 80
LONGEST_SUSPICION = 6000


class TextDetectors:
    """`feed` text, `close` at its end; the first verdict is the last, and nothing is read after it.

    What is less sure than `least_sure` is no verdict, nor are as many copies as the client asked for, which `wanted`
    tells of a unit.

    `safe` tells how many characters can go to a client: what was read, but for the last few and for what may be the
    repeats of a loop that is being built up right now.  `suspicion` is where those begin, if there are any.
    """

    def __init__(
        self,
        enabled: frozenset[str] | None = None,
        stream: Stream = "text",
        *,
        least_sure: float = 0.0,
        wanted: Callable[[str], float] | None = None,
    ) -> None:
        self.enabled = frozenset(DETECTORS) if enabled is None else enabled
        self.seeks_repeats = not OF_REPEATS.isdisjoint(self.enabled)  # without, nothing is held back for being one
        self._least_sure = least_sure
        self._wanted = wanted
        self._asked: tuple[int, float] = (0, 0.0)  # about what repeats now: its period, and how many copies are wanted
        self._spared = False  # what repeats now is wanted
        self.verdict: Verdict | None = None
        self._arguments = stream == "arguments"
        self._waiting: list[str] = []
        self._missing = self._step = STEP  # characters until the next piece is read
        self._tail = Tail()
        self._fences = Fences()
        self._nearly = Nearly()
        self._nonsense = Nonsense()

    @property
    def position(self) -> int:
        """How many characters were fed."""
        return self._tail.position + self._step - self._missing

    @property
    def suspicion(self) -> int | None:
        return self._suspected if self.seeks_repeats else None

    @property
    def _suspected(self) -> int | None:
        suspected = None if self._spared else self._tail.suspected
        return None if suspected is None or self._tail.position - suspected > LONGEST_SUSPICION else suspected

    @property
    def doubt(self) -> int | None:
        """Where something odd begins that is not sure enough to hold the text back, let alone to cut it."""
        suspected = self._suspected
        if suspected is not None:
            return suspected
        return self._nonsense.doubt if self._nearly.doubt is None else self._nearly.doubt

    @property
    def safe(self) -> int:
        if self.verdict is not None:
            return min(self.verdict.onset, self._tail.position)
        read = max(0, self._tail.position - ANCHOR)
        suspicion = self.suspicion
        return read if suspicion is None else min(read, suspicion)

    def feed(self, text: str) -> Verdict | None:
        self._waiting.append(text)
        self._missing = missing = self._missing - len(text)
        return None if missing > 0 else self._read()

    def close(self, finish_reason: str = "") -> Verdict | None:
        """Judge the rest.  What the finish reason says is for `answer` to judge."""
        rest = "".join(self._waiting)
        self._waiting, self._missing = [], self._step
        if self.verdict is None and rest:
            self._scan(rest)
        return self.verdict

    def _read(self) -> Verdict | None:
        text, start = "".join(self._waiting), 0
        size = len(text)
        while size - start >= self._step and self.verdict is None:
            end = start + self._step
            self._scan(text[start:end])
            start = end
        if self.verdict is None:
            self._waiting, self._missing = [text[start:]], self._step - size + start
        else:  # what comes now is not read
            self._waiting, self._missing, self._step = [], 0, 0
        return self.verdict

    def _scan(self, piece: str) -> None:
        tail, enabled = self._tail, self.enabled
        self._fences.read(piece)
        code = self._arguments or self._fences.open > 0
        run = tail.scan(piece, code)
        self._step = tail.step
        self._spared = self._is_wanted(run)
        verdict = self._judged(run) or self._nonsense.scan(tail, piece, code, enabled)
        if code or self._spared:
            self._nearly.skip(tail)
        elif verdict is None and "near_duplicates" in enabled:
            verdict = self._nearly.scan(tail)
        if verdict is not None and verdict.confidence >= self._least_sure:
            self.verdict = verdict

    def _judged(self, run: Run | None) -> Verdict | None:
        if run is None or self._spared:
            return None
        name = "counter" if run.kind == "counter" else "whitespace" if run.unit.isspace() else "repetition"
        if name not in self.enabled:
            return None
        quoted = run.unit if len(run.unit) <= QUOTED else run.unit[:QUOTED] + "…"
        said = "counts up while it repeats" if name == "counter" else "repeats"
        return Verdict(
            name,
            DETECTORS[name].issue_type,
            0.95 if name == "counter" else 0.99,
            self._tail.position - run.length,
            self._tail.position,
            run.period,
            f"{quoted!r} {said}, {run.copies:.1f} times in a row",
        )

    def _is_wanted(self, run: Run | None) -> bool:
        """Whether the client asked for so many copies, which is found out once for each run."""
        if run is None or self._wanted is None:
            self._asked = (0, 0.0)
            return False
        if self._asked[0] != run.period:
            self._asked = run.period, self._wanted(run.unit)
        return run.copies < self._asked[1]
