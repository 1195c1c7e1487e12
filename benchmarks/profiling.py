"""Where the proxy's time goes: py-spy looks at the process while it is under load."""

import argparse
import importlib.util
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import uvloop

from benchmarks.load import sustained
from benchmarks.pairs import PAIRS, started
from benchmarks.processes import NotStarted, Process
from benchmarks.servers import Lab, Server, lab, start_converting, start_proxy

_SAMPLES_PER_SECOND = 200
_WAITING = "_worker (concurrent/futures/thread.py"  # a pool's thread waits for work, which py-spy takes for work


def profile(options: argparse.Namespace) -> int:
    py_spy = _py_spy()
    with lab() as place:
        server = _started(place, options)
        stacks = place.directory / "stacks.txt"
        job = server.job(stream=options.kind == "streams")
        for target, form in ((stacks, "raw"), (options.flamegraph.resolve(), "flamegraph")):
            recorder = _record(py_spy, place, server.process, target, form, options)
            # The load goes on a little longer than the recording, so that nothing idle is seen.
            outcome = uvloop.run(sustained(job, concurrency=32, warmup=0, seconds=options.seconds + 2))
            _finish(recorder, options.seconds, target)
        print(f"{server.name}, {options.kind}: {outcome.rate:.0f} per second while py-spy was looking.\n")
        print(summary(stacks.read_text().splitlines(), options.top))
        print(f"\nFlame graph: {options.flamegraph}")
    return 0


def _started(place: Lab, options: argparse.Namespace) -> Server:
    if options.converting:
        return start_converting(place, client=options.converting)
    if options.pair:
        pair = next(pair for pair in PAIRS if pair.name == options.pair)
        return started(place, pair.having, pair)
    return start_proxy(place, rules=options.rules)


def _py_spy() -> Path:
    if importlib.util.find_spec("pip") and not (program := Path(sys.executable).parent / "py-spy").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "py-spy"], check=False)
    program = Path(sys.executable).parent / "py-spy"
    if not program.exists():
        raise NotStarted("py-spy cannot be installed")
    return program


def _record(
    py_spy: Path, place: Lab, process: Process, target: Path, form: str, options: argparse.Namespace
) -> Process:
    argv: list[str | Path] = [py_spy, "record", "--pid", str(process.pid), "--format", form, "--output", target]
    argv += ["--duration", str(options.seconds), "--rate", str(_SAMPLES_PER_SECOND)]
    argv += ["--native"] if options.native else []
    return place.processes.start(f"py-spy-{form}", argv, cores=place.cores.load)


def _finish(recorder: Process, seconds: int, target: Path) -> None:
    try:
        code = recorder.popen.wait(timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        code = -1
    if code or not target.exists():
        raise NotStarted(f"py-spy gave up; on macOS it needs sudo:\n{recorder.last_lines()}")


def summary(stacks: Iterable[str], top: int) -> str:
    """The functions with the most time of their own, and the most time including what they call.

    A line is `outermost;…;innermost COUNT`, as py-spy writes it.  Threads that wait are not counted.
    """
    own: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()
    for line in stacks:
        frames_text, _, count = line.rpartition(" ")
        frames = [_without_line(frame) for frame in frames_text.split(";")]
        if frames[-1].startswith(_WAITING):
            continue
        own[frames[-1]] += int(count)
        for frame in set(frames):
            inclusive[frame] += int(count)
    total = own.total() or 1
    return "\n".join([*_ranking("own time", own, total, top), "", *_ranking("with callees", inclusive, total, top)])


def _ranking(title: str, counted: Counter[str], total: int, top: int) -> list[str]:
    rows = (f"{count / total * 100:6.1f} %  {frame}" for frame, count in counted.most_common(top))
    return [title, *rows]


def _without_line(frame: str) -> str:
    name, separator, number = frame.rpartition(":")
    return f"{name})" if separator and number.rstrip(")").isdigit() else frame
