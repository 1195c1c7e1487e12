"""Command line of the benchmarks: the comparison, what features cost, many slow streams, and where the time goes."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import uvloop

from benchmarks import pairs, report
from benchmarks.comparison import Plan, Row, measure
from benchmarks.first_text import first_text
from benchmarks.load import once_each
from benchmarks.pairs import PAIRS
from benchmarks.peers import PEERS, cache_directory, start_peer
from benchmarks.processes import NotStarted, machine, stopping_on_sigterm
from benchmarks.profiling import profile
from benchmarks.report import say
from benchmarks.servers import Lab, Server, lab, start_converting, start_floor, start_nginx, start_proxy
from benchmarks.slow_streams import slow_streams

QUICK = Plan(rounds=2, seconds=1.0)


def compare(options: argparse.Namespace) -> int:
    plan = QUICK if options.quick else Plan(options.rounds, options.seconds, concurrency=options.concurrency)
    peers = [name.strip() for name in options.peers.split(",") if name.strip()]
    starters: list[tuple[str, Callable[[Lab], Server]]] = [
        ("nginx", start_nginx),
        ("floor", start_floor),
        ("this proxy", start_proxy),
        ("this proxy, with rules", lambda place: start_proxy(place, rules=True)),
        ("this proxy, chat → messages", lambda place: start_converting(place, client="chat")),
        ("this proxy, messages → chat", lambda place: start_converting(place, client="messages")),
        *((name, _peer_starter(name, options.peers_dir)) for name in peers),
    ]
    with lab() as place:
        say(f"{machine()}; {place.cores}")
        servers, left_out = [place.upstream], []
        for name, start in starters:
            try:
                say(f"starting {name} …")
                servers.append(_tried(start(place)))
            except NotStarted as reason:
                say(f"{name} is left out: {reason}")
                left_out.append(Row(name, reason=str(reason)))
        rows = [*measure(place, servers, plan, say), *left_out]
        print(report.table(rows), report.costs(rows), sep="\n\n", flush=True)
        for server in servers[1:]:
            server.process.stop()
        steady = replace(pairs.STEADY, rounds=2) if options.quick else pairs.STEADY
        costs = [pairs.measured(place, pair, steady, say) for pair in pairs.PAIRS]
        print("", pairs.report(costs), sep="\n")
        if options.json:
            result = report.as_json(rows, plan, machine(), str(place.cores))
            result["pairs"] = pairs.as_json(costs)
            options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    wrong = any(row.requests.problem or row.streams.problem for row in rows) or any(one.problem for one in costs)
    return 1 if wrong else 0


def _peer_starter(name: str, cache: Path) -> Callable[[Lab], Server]:
    return lambda place: start_peer(name, place, cache)


def _tried(server: Server) -> Server:
    """The server, once it has answered one request and one stream completely."""
    for stream in (False, True):
        outcome = uvloop.run(once_each(server.job(stream=stream), count=1, ramp=0, patience=30))
        if not outcome.complete:
            kind = "a stream" if stream else "a request"
            problem = next(iter(outcome.failures), "no answer")
            raise NotStarted(f"it does not answer {kind} as the upstream did: {problem}\n{server.process.last_lines()}")
    return server


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.set_defaults(run=compare)
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see whether everything works")
    parser.add_argument("--rounds", type=int, default=Plan.rounds)
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="measured time per server, kind and round")
    parser.add_argument("--concurrency", type=int, default=Plan.concurrency, help="connections that ask at once")
    parser.add_argument("--peers", default="", help=f"other proxies to install and measure: {','.join(PEERS)}")
    parser.add_argument("--peers-dir", type=Path, default=cache_directory(), help="where they are installed")
    parser.add_argument("--json", type=Path, help="file for the results")
    kinds = parser.add_subparsers(title="other benchmarks")
    slow = kinds.add_parser("slow-streams", help="many concurrent slow streams: complete? how much memory?")
    slow.set_defaults(run=slow_streams)
    slow.add_argument("--streams", type=int, default=1000)
    slow.add_argument("--seconds", type=int, default=30, help="how long each stream takes")
    slow.add_argument("--pause-ms", type=int, default=50, help="pause between two tokens")
    slow.add_argument("--server", choices=("proxy", "floor", "nginx"), default="proxy")
    late = kinds.add_parser("first-text", help="how late text comes where it is held back to be judged")
    late.set_defaults(run=first_text)
    late.add_argument("--streams", type=int, default=20)
    late.add_argument("--tokens-per-second", type=int, default=50)
    costs = kinds.add_parser("pairs", help="what features cost: the proxy with and without each, in turn")
    costs.set_defaults(run=pairs.pairs)
    names = [pair.name for pair in pairs.PAIRS]
    costs.add_argument("--only", nargs="+", choices=names, help="some of them")
    costs.add_argument("--rounds", type=int, default=pairs.STEADY.rounds)
    costs.add_argument("--seconds", type=float, default=pairs.STEADY.seconds, help="per server, kind and round")
    costs.add_argument("--json", type=Path, help="file for the results")
    timed = kinds.add_parser("profile", help="where the proxy's time goes, seen by py-spy")
    timed.set_defaults(run=profile)
    timed.add_argument("--kind", choices=("requests", "streams"), default="requests")
    timed.add_argument("--rules", action="store_true", help="with sampling rules")
    timed.add_argument("--converting", choices=("chat", "messages"), help="asked in this dialect, speaking the other")
    timed.add_argument("--pair", choices=[pair.name for pair in PAIRS], help="with the feature of this pair")
    timed.add_argument("--seconds", type=int, default=10)
    timed.add_argument("--native", action="store_true", help="look into C extensions too (Linux only)")
    timed.add_argument("--top", type=int, default=25, help="how many functions are printed")
    timed.add_argument("--flamegraph", type=Path, default=Path("flamegraph.svg"))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    with stopping_on_sigterm():
        try:
            return int(options.run(options))
        except NotStarted as reason:
            say(f"Not started: {reason}")
            return 1
        except KeyboardInterrupt:
            say("Stopped.")
            return 130


if __name__ == "__main__":
    sys.exit(main())
