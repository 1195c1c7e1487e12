"""How late the first text comes, and how far behind an answer ever is, where the proxy holds text back to judge it."""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass

import httpx
import orjson

from benchmarks.pairs import PAIRS
from benchmarks.servers import Server, lab, start_setup

TOKENS = 150
GOAL_MS = 300.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """When each character of one answer was there, in seconds from the request."""

    times: list[float]


def first_text(options: argparse.Namespace) -> int:
    (pair,) = (pair for pair in PAIRS if pair.name == "detectors")
    pause = 1000 // options.tokens_per_second
    with lab() as place:
        servers = [start_setup(place, setup) for setup in (pair.without, pair.having)]
        plain, held = asyncio.run(_measured(servers, f"bench-{TOKENS}x{pause}", options.streams))
    firsts = [[arrival.times[0] * 1000 for arrival in arrivals] for arrivals in (plain, held)]
    for title, times in zip((pair.without.title, pair.having.title), firsts, strict=True):
        print(f"{title}: first text after {statistics.median(times):.0f} ms (median), {max(times):.0f} ms (longest)")
    later = statistics.median(firsts[1]) - statistics.median(firsts[0])
    most = max(behind(*both) for both in zip(plain, held, strict=True))
    print(f"{options.streams} answers of {TOKENS} tokens, {options.tokens_per_second} a second: ", end="")
    print(f"the first text comes {later:.0f} ms later (goal: {GOAL_MS:.0f} ms);", end=" ")
    print(f"never more than {most} characters are held back.")
    return 0 if later <= GOAL_MS else 1


def behind(plain: Arrival, held: Arrival) -> int:
    """The most characters that one client has and the other not yet, as long as the upstream writes."""
    count, most = 0, 0
    for number, when in enumerate(plain.times):
        while count < len(held.times) and held.times[count] <= when:
            count += 1
        most = max(most, number + 1 - count)
    return most


async def _measured(servers: list[Server], model: str, streams: int) -> tuple[list[Arrival], list[Arrival]]:
    """In turn, so that what disturbs one disturbs the other."""
    plain, held = servers
    found: tuple[list[Arrival], list[Arrival]] = ([], [])
    async with httpx.AsyncClient(timeout=60) as client:
        for server in servers:
            await _answer(client, server, "bench")  # so that all is imported
        for _ in range(streams):
            both = await asyncio.gather(_answer(client, plain, model), _answer(client, held, model))
            for arrivals, arrival in zip(found, both, strict=True):
                arrivals.append(arrival)
    return found


async def _answer(client: httpx.AsyncClient, server: Server, model: str) -> Arrival:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    times: list[float] = []
    began = time.perf_counter()
    url = f"http://127.0.0.1:{server.port}/v1/chat/completions"
    async with client.stream("POST", url, json=body) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                choices = orjson.loads(line[6:])["choices"]
                text = choices[0]["delta"].get("content") if choices else ""
                times += [time.perf_counter() - began] * len(text or "")
    return Arrival(times)
