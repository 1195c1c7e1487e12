"""What a feature costs: the same proxy without it and with it, measured in turn, and the ratio of the two.

A feature whose cost is to be watched is an entry of `PAIRS`: a name, the proxy without it, the proxy with it (each a
`Setup`, whose `content` makes its config.json), and the least share of the answers per second that must remain.
`make bench` measures all of them, `python -m benchmarks pairs --only NAME` some.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from benchmarks.comparison import Plan, Row, Series, measure
from benchmarks.report import say
from benchmarks.servers import Configuration, Lab, Server, Setup, configuration, lab, plain, start_setup

STEADY = Plan(rounds=12, seconds=1.0)
"""Many short windows: what disturbs one of a pair soon disturbs the other, and a median forgets it."""
PER_START = 2
"""Rounds before both are started anew, in the other order: of two processes that run the same code one may be a tenth
faster for as long as it lives, and it matters which of the two was started first."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`asked` is what the requests say beside model and messages: tools, for instance."""

    name: str
    without: Setup
    having: Setup
    goal: float
    asked: Mapping[str, Any] = field(default_factory=dict)


def admission(lab: Lab) -> Configuration:
    """Limits that are never reached, a pause that is never due, retries that nothing needs, two targets."""
    content = configuration(lab, max_retries=3)
    (first,) = content["upstreams"]
    return {
        "upstreams": [first, {**first, "name": "second"}],
        "model_upstream_binding": {"*": {"targets": ["bench", "second"], "session_affinity": True}},
        "parallel_limits": {"global": 4000, "bench*": 2000, "at bench": {"upstream": "bench", "limit": 1000}},
        "throttle": {"global": {"start_pause_seconds": 0, "end_pause_seconds": 0}},
    }


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "water",
            "description": "Waters a bed of the garden.",
            "parameters": {
                "type": "object",
                "properties": {"bed": {"type": "string"}, "litres": {"type": "integer"}},
                "required": ["bed"],
            },
        },
    }
]

PAIRS = (
    Pair(
        name="limits",
        without=Setup("this proxy, no limits", plain),
        having=Setup("this proxy, limits, pauses, retries", admission),
        goal=0.9,
    ),
    Pair(
        name="detectors",
        without=Setup("this proxy, no detectors", plain),
        having=Setup(
            "this proxy, detectors", lambda lab: {**plain(lab), "validation": {"enabled": True, "validator_url": None}}
        ),
        goal=0.7,
    ),
    Pair(
        name="repair",
        without=Setup("this proxy, no repair", lambda lab: configuration(lab, tool_call_repair="off")),
        having=Setup("this proxy, repair", lambda lab: configuration(lab, tool_call_repair="auto")),
        goal=0.9,
        asked={"tools": TOOLS},
    ),
)


@dataclass(frozen=True)
class Cost:
    """What remains of the answers, as a share of those without the feature: per second, and per processor time."""

    rate: float
    processor: float


@dataclass(frozen=True)
class Measured:
    pair: Pair
    requests: Cost | None
    streams: Cost | None
    problem: str = ""


def pairs(options: argparse.Namespace) -> int:
    chosen = [pair for pair in PAIRS if not options.only or pair.name in options.only]
    plan = replace(STEADY, rounds=options.rounds, seconds=options.seconds)
    with lab() as place:
        results = [measured(place, pair, plan, say) for pair in chosen]
    print(report(results))
    if options.json:
        options.json.write_bytes(orjson.dumps(as_json(results), option=orjson.OPT_INDENT_2))
    return 1 if any(result.problem for result in results) else 0


def measured(place: Lab, pair: Pair, plan: Plan, say: Callable[[str], None]) -> Measured:
    """The two run only as long as they are measured."""
    say(f"{pair.name}: {pair.without.title} | {pair.having.title}")
    starts: list[tuple[Row, Row]] = []
    for number in range(max(1, plan.rounds // PER_START)):
        starts.append(_measured_start(place, pair, plan, say, turned=number % 2 == 1))
    return Measured(
        pair,
        cost([(without.requests, having.requests) for without, having in starts]),
        cost([(without.streams, having.streams) for without, having in starts]),
        _problem(*(row for rows in starts for row in rows)),
    )


def _measured_start(place: Lab, pair: Pair, plan: Plan, say: Callable[[str], None], *, turned: bool) -> tuple[Row, Row]:
    setups = (pair.having, pair.without) if turned else (pair.without, pair.having)
    servers = [started(place, setup, pair) for setup in setups]
    try:
        first, second = measure(place, servers, replace(plan, rounds=min(plan.rounds, PER_START)), say)
    finally:
        for server in servers:
            server.process.stop()
    return (second, first) if turned else (first, second)


def started(place: Lab, setup: Setup, pair: Pair) -> Server:
    return replace(start_setup(place, setup), asked=pair.asked)


def cost(starts: Sequence[tuple[Series, Series]]) -> Cost | None:
    """The mean of the starts, of each the median of its rounds' ratios; None where one has no figures."""
    ratios = [_ratios(without, having) for without, having in starts if not (without.problem or having.problem)]
    if len(ratios) < len(starts) or not all(ratios):
        return None
    return Cost(
        rate=statistics.geometric_mean(statistics.median(rate for rate, _ in rounds) for rounds in ratios),
        processor=statistics.geometric_mean(statistics.median(used for _, used in rounds) for rounds in ratios),
    )


def _ratios(without: Series, having: Series) -> list[tuple[float, float]]:
    rounds = zip(without.windows, having.windows, strict=False)
    return [(after.rate / before.rate, before.cpu_us / after.cpu_us) for before, after in rounds]


def _problem(*rows: Row) -> str:
    found = (f"{row.name}: {series.problem}" for row in rows for series in (row.requests, row.streams))
    return next((text for text in found if not text.endswith(": ")), "")


def report(results: Sequence[Measured]) -> str:
    """Ratios, with ✗ where they stay below the goal."""
    lines = ["What remains of the answers with a feature (per second / by processor time):"]
    for result in results:
        requests, streams = (_shown(cost, result.pair.goal) for cost in (result.requests, result.streams))
        lines.append(f"  {result.pair.name:<20} requests {requests}  streams {streams}  goal {result.pair.goal:.2f}")
        if result.problem:
            lines.append(f"    {result.problem}")
    return "\n".join(lines)


def _shown(cost: Cost | None, goal: float) -> str:
    if cost is None:
        return "not measured"
    return f"{cost.rate:.2f} / {cost.processor:.2f} {'✓' if reaches(cost, goal) else '✗'}"


def reaches(cost: Cost | None, goal: float) -> bool:
    """By processor time, which a full core turns into answers per second, and which others disturb less."""
    return cost is not None and cost.processor >= goal


def as_json(results: Sequence[Measured]) -> list[dict[str, object]]:
    return [
        {
            "name": result.pair.name,
            "goal": result.pair.goal,
            **{
                kind: {"rate": round(cost.rate, 3), "processor": round(cost.processor, 3)} if cost else None
                for kind, cost in (("requests", result.requests), ("streams", result.streams))
            },
            "problem": result.problem,
        }
        for result in results
    ]
