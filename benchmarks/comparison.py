"""The comparison: every server in turn, round after round, so that a machine that drifts drifts for all alike."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import uvloop

from benchmarks.load import Outcome, sustained
from benchmarks.processes import Usage, machine_cpu_seconds
from benchmarks.servers import Lab, Server

DISTURBED = 0.15  # cores in use by others, from which on a window tells little
ENOUGH = 3
BUSY = 0.9  # a server that used less of its core than this was not the limit


@dataclass(frozen=True)
class Plan:
    rounds: int = 5
    seconds: float = 3.0
    warmup: float = 0.4
    concurrency: int = 32


@dataclass(frozen=True)
class Window:
    """One measured window of one server."""

    rate: float
    p50_ms: float
    p99_ms: float
    busy: float  # share of one core that the server used
    cpu_us: float  # processor time of the server per answer
    others: float = 0.0  # cores that programs outside the benchmark used meanwhile


@dataclass
class Series:
    """All windows of one server and one kind of request."""

    windows: list[Window] = field(default_factory=list)
    problem: str = ""

    @property
    def counted(self) -> list[Window]:
        """The windows that were not disturbed, if there are enough of them; else all."""
        quiet = [window for window in self.windows if window.others < DISTURBED]
        return quiet if len(quiet) >= ENOUGH else self.windows

    def median(self, figure: Callable[[Window], float]) -> float:
        return statistics.median(figure(window) for window in self.counted) if self.windows else 0.0

    @property
    def rate(self) -> float:
        return self.median(lambda window: window.rate)

    @property
    def p50_ms(self) -> float:
        return self.median(lambda window: window.p50_ms)

    @property
    def p99_ms(self) -> float:
        return self.median(lambda window: window.p99_ms)

    @property
    def busy(self) -> float:
        return self.median(lambda window: window.busy)

    @property
    def cpu_us(self) -> float:
        return self.median(lambda window: window.cpu_us)

    @property
    def limited_elsewhere(self) -> bool:
        """The load generator, the upstream or another program was the limit: the server could have done more."""
        return self.busy < BUSY


@dataclass
class Row:
    name: str
    requests: Series = field(default_factory=Series)
    streams: Series = field(default_factory=Series)
    reason: str = ""  # why it was not measured


def measure(lab: Lab, servers: Sequence[Server], plan: Plan, say: Callable[[str], None]) -> list[Row]:
    def elsewhere() -> float:
        """Processor seconds of the whole machine that the benchmark did not use itself."""
        ours = {server.process.pid for server in servers} | {lab.upstream.process.pid}
        return machine_cpu_seconds() - sum(Usage.of_group(pid).cpu_seconds for pid in ours) - time.process_time()

    rows = [Row(server.name) for server in servers]
    for number in range(1, plan.rounds + 1):
        say(f"round {number} of {plan.rounds}")
        for server, row in zip(servers, rows, strict=True):
            for series, stream in ((row.requests, False), (row.streams, True)):
                if not series.problem:
                    _measure_once(server, series, plan, elsewhere, stream=stream)
    return rows


def _measure_once(server: Server, series: Series, plan: Plan, elsewhere: Callable[[], float], *, stream: bool) -> None:
    gc.collect()
    gc.freeze()
    # The processor time covers the warm-up too: what the server needs per answer does not depend on the clock's start.
    used, started = server.process.usage().cpu_seconds, time.perf_counter()
    others = elsewhere()
    outcome = uvloop.run(
        sustained(server.job(stream=stream), concurrency=plan.concurrency, warmup=plan.warmup, seconds=plan.seconds)
    )
    wall = time.perf_counter() - started
    used = server.process.usage().cpu_seconds - used
    others = max(0.0, elsewhere() - others)
    if outcome.failures:
        problem, count = outcome.failures.most_common(1)[0]
        if server.process.popen.poll() is not None:
            problem += f"; it ended with code {server.process.popen.returncode}:\n{server.process.last_lines()}"
        series.problem = f"{outcome.failures.total()} answers were wrong; {count} times: {problem}"
    elif outcome.complete:
        series.windows.append(_window(outcome, busy=used / wall, others=others / wall))
    else:
        series.problem = f"no answer was complete within {plan.seconds:g} seconds"


def _window(outcome: Outcome, *, busy: float, others: float) -> Window:
    return Window(
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5) * 1000,
        p99_ms=outcome.percentile(0.99) * 1000,
        busy=busy,
        cpu_us=busy / outcome.rate * 1e6,
        others=others,
    )
