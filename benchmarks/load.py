"""The load generator: keep-alive connections that ask again as soon as their answer is complete.

Every answer is read to its end and held against what the upstream must have said; a rate counts whole answers only.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from benchmarks.script import Expectation
from benchmarks.wire import BadMessage, MessageReader

MOST_FAILURES = 200  # then a run is given up: the server is broken, not slow


@dataclass(frozen=True)
class Job:
    """One kind of request to one server."""

    port: int
    request: bytes
    expected: Expectation


@dataclass
class Outcome:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # of complete answers, in seconds
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.complete / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Latency in seconds that `share` of the answers did not exceed; 0 when there was none."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def http_request(port: int, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", "accept: */*", "user-agent: benchmarks"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Client(asyncio.Protocol):
    """One connection: asks, reads the answer, tells the crew, and asks again while the crew wants more."""

    def __init__(self, crew: "_Crew") -> None:
        self._crew = crew
        self._reader = MessageReader(answers=True)
        self._asked = 0.0  # 0 while nothing is asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not instances of it
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._crew.job.request)

    def data_received(self, data: bytes) -> None:
        try:
            message = self._reader.feed(data)
        except (BadMessage, ValueError) as problem:
            self._fail(str(problem))
            return
        if message is None:
            return
        if self._reader.rest:
            self._fail("bytes arrived behind the end of the answer")
            return
        self._heard(message.status, message.body)
        if message.closes or not self._crew.wants_more:
            self._transport.close()
        else:
            self._ask()

    def _heard(self, status: int, body: bytes) -> None:
        self._crew.heard(time.perf_counter() - self._asked, self._crew.job.expected.problem(status, body))
        self._asked = 0.0

    def _fail(self, problem: str) -> None:
        self._asked = 0.0
        self._crew.heard(0.0, problem)
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked:
            self._end_of_connection(exc)
        self._crew.left()

    def _end_of_connection(self, exc: Exception | None) -> None:
        try:
            message = self._reader.close()
        except BadMessage as problem:
            self._crew.heard(0.0, str(problem))
            return
        if message:
            self._heard(message.status, message.body)
        else:
            self._crew.heard(0.0, f"closed before the answer ({exc or 'no error'})")


class _Crew:
    """All connections of one run, and what they have heard."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.wants_more = True
        self.counting = False
        self.outcome = Outcome()
        self._open = 0
        self._all_left = asyncio.Event()

    def heard(self, latency: float, problem: str) -> None:
        # A failure counts whenever it happens; a rate only what was complete while the clock ran.
        if problem:
            self.outcome.failures[problem] += 1
            if self.outcome.failures.total() >= MOST_FAILURES:
                self.wants_more = False
        elif self.counting:
            self.outcome.latencies.append(latency)

    def left(self) -> None:
        self._open -= 1
        if self.wants_more:
            asyncio.get_running_loop().create_task(self.connect())
        elif not self._open:
            self._all_left.set()

    async def connect(self) -> None:
        self._open += 1
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _Client(self), "127.0.0.1", self.job.port)
        except OSError as problem:
            self.heard(0.0, f"cannot connect: {problem}")
            await asyncio.sleep(0.05)
            self.left()

    async def finished(self, patience: float) -> None:
        self.wants_more = False
        if not self._open:
            return
        try:
            await asyncio.wait_for(self._all_left.wait(), patience)
        except TimeoutError:
            self.outcome.failures["no complete answer in time"] += self._open


async def sustained(job: Job, *, concurrency: int, warmup: float, seconds: float, patience: float = 30.0) -> Outcome:
    """`concurrency` connections ask without a break; what ends within `seconds` after the warm-up is counted."""
    crew = _Crew(job)
    await asyncio.gather(*(crew.connect() for _ in range(concurrency)))
    await asyncio.sleep(warmup)
    crew.counting, started = True, time.perf_counter()
    await asyncio.sleep(seconds)
    crew.counting, crew.outcome.seconds = False, time.perf_counter() - started
    await crew.finished(patience)
    return crew.outcome


async def once_each(job: Job, *, count: int, ramp: float, patience: float) -> Outcome:
    """`count` connections, opened evenly over `ramp` seconds, ask one time each."""
    crew = _Crew(job)
    crew.wants_more, crew.counting = False, True
    started = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, started + ramp * number / count - time.perf_counter()))
        await crew.connect()
    await crew.finished(patience)
    crew.outcome.seconds = time.perf_counter() - started
    return crew.outcome
