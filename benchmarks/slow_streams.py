"""Many slow streams at the same time, as a server full of people sees them."""

import argparse
import asyncio
import resource
import sys
from collections.abc import Callable

import uvloop

from benchmarks.load import Job, Outcome, once_each
from benchmarks.processes import Process, Usage
from benchmarks.script import CHAT_STREAM, Expectation
from benchmarks.servers import Lab, Server, lab, start_floor, start_nginx, start_proxy

RAMP_SECONDS = 5.0
_STARTERS: dict[str, Callable[[Lab], Server]] = {"proxy": start_proxy, "floor": start_floor, "nginx": start_nginx}


def slow_streams(options: argparse.Namespace) -> int:
    tokens = max(1, options.seconds * 1000 // options.pause_ms)
    allow_open_files(options.streams * 2 + 200)  # before anything starts: what we start inherits it
    with lab() as place:
        server = _STARTERS[options.server](place)
        job = server.ask(f"bench-{tokens}x{options.pause_ms}", Expectation(tokens, CHAT_STREAM.ending), stream=True)
        uvloop.run(once_each(server.job(stream=True), count=20, ramp=0.1, patience=30))  # so that all is imported
        before = server.process.usage()
        outcome, peak = uvloop.run(_watched(job, server.process, options))
        after = server.process.usage()
    print(f"{outcome.complete} of {options.streams} streams complete through {server.name},", end=" ")
    print(f"{tokens} tokens each, {options.pause_ms} ms apart; {outcome.seconds:.1f} s in all, ", end="")
    print(f"a stream took {outcome.percentile(0.5):.2f} s (p50), {outcome.percentile(0.99):.2f} s (p99);", end=" ")
    print(f"without a proxy it takes {tokens * options.pause_ms / 1000:.2f} s.")
    print(_memory(before, peak, options.streams))
    print(_processor(after.cpu_seconds - before.cpu_seconds, tokens * outcome.complete, outcome.seconds))
    for problem, count in outcome.failures.most_common(5):
        print(f"{count} times: {problem}", file=sys.stderr)
    return 0 if outcome.complete == options.streams and not outcome.failures else 1


async def _watched(job: Job, process: Process, options: argparse.Namespace) -> tuple[Outcome, int]:
    """Runs the streams; gives the highest memory seen beside the outcome."""
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, process.usage().rss_bytes)
            await asyncio.sleep(0.5)

    watcher = asyncio.create_task(watch())
    try:
        patience = options.seconds * 3 + 60
        return await once_each(job, count=options.streams, ramp=RAMP_SECONDS, patience=patience), peak
    finally:
        watcher.cancel()


def _memory(before: Usage, peak: int, streams: int) -> str:
    grown = max(0, peak - before.rss_bytes)
    return (
        f"Memory of the server: {before.rss_bytes / 2**20:.1f} MiB before, {peak / 2**20:.1f} MiB at most, "
        f"{grown / streams / 1024:.1f} KiB per stream."
    )


def _processor(used: float, tokens: int, wall: float) -> str:
    per_token = used / tokens * 1e6 if tokens else 0.0
    return (
        f"Processor time of the server: {used:.1f} s for {tokens} tokens, "
        f"{per_token:.1f} µs per token, {used / wall * 100:.0f} % of a core."
    )


def allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < count:
        print(f"Only {wanted} files may be open; some connections will fail (ulimit -n).", file=sys.stderr)
