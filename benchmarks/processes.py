"""Processes that a benchmark starts: pinned to a core, in a group of their own, watched, and always stopped."""

import contextlib
import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
PINNING = hasattr(os, "sched_setaffinity")
_PROC = Path("/proc/self/stat").exists()
_KILL_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class NotStarted(Exception):
    """A server did not come up; the text says why and ends with its last lines."""


@dataclass(frozen=True)
class Cores:
    """Which core belongs to whom; empty sets where nothing can be pinned."""

    server: frozenset[int] = frozenset()
    load: frozenset[int] = frozenset()
    upstream: frozenset[int] = frozenset()

    @classmethod
    def of_this_machine(cls) -> Self:
        if not PINNING:
            return cls()
        free = sorted(os.sched_getaffinity(0))
        if len(free) < 2:
            return cls()
        return cls(frozenset({free[0]}), frozenset({free[1]}), frozenset({free[min(2, len(free) - 1)]}))

    def __str__(self) -> str:
        if not self.server:
            return "nothing is pinned: this machine cannot, or has one core"
        shared = " (shared with the upstream)" if self.load == self.upstream else ""
        return f"server under test on core {min(self.server)}, load on core {min(self.load)}{shared}"


@dataclass
class Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def last_lines(self, count: int = 8) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self) -> None:
        """Asks the whole group to end, and makes it end after five seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout=5)
                if number == signal.SIGKILL:
                    return

    def usage(self) -> "Usage":
        return Usage.of_group(self.pid)


@dataclass(frozen=True)
class Usage:
    """What a process group has used so far."""

    cpu_seconds: float
    rss_bytes: int

    @classmethod
    def of_group(cls, group: int) -> Self:
        rows = _usage_from_proc(group) if _PROC else _usage_from_ps(group)
        return cls(sum(cpu for cpu, _ in rows), sum(rss for _, rss in rows))


def _usage_from_proc(group: int) -> list[tuple[float, int]]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    rows = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # Behind the name, which may contain anything: state, parent, group, …, see proc(5).
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                rows.append(((int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * page))
    return rows


def machine_cpu_seconds() -> float:
    """Processor time of all programs since the machine started; 0 where it is not told."""
    if not _PROC:
        return 0.0
    user, nice, system, _idle, _waiting, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    return sum(int(part) for part in (user, nice, system, *interrupts)) / os.sysconf("SC_CLK_TCK")


def _usage_from_ps(group: int) -> list[tuple[float, int]]:
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,rss=,time="], capture_output=True, text=True, check=False).stdout
    rows = []
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 3 and int(fields[0]) == group:
            seconds = 0.0
            for part in fields[2].replace("-", ":").split(":"):
                seconds = seconds * 60 + float(part)
            rows.append((seconds, int(fields[1]) * 1024))
    return rows


class Processes:
    """Starts processes; leaving its `with` block stops every one of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        cores: frozenset[int],
        environment: Mapping[str, str] | None = None,
    ) -> Process:
        log = self._directory / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [str(part) for part in argv],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_settle_in(cores),
            )
        process = Process(name, popen, log)
        self._stack.callback(process.stop)
        return process

    def start_server(
        self,
        name: str,
        argv: Sequence[str | Path],
        port: int,
        *,
        cores: frozenset[int],
        environment: Mapping[str, str] | None = None,
        patience: float = 30.0,
    ) -> Process:
        """Starts it and waits until it accepts connections on 127.0.0.1."""
        process = self.start(name, argv, cores=cores, environment=environment)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if process.popen.poll() is not None:
                raise NotStarted(f"it ended with code {process.popen.returncode}:\n{process.last_lines()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
            time.sleep(0.1)
        raise NotStarted(f"nothing listened on port {port} after {patience:.0f} seconds:\n{process.last_lines()}")


def _settle_in(cores: frozenset[int]) -> Callable[[], None]:
    def in_the_child() -> None:
        if cores:
            os.sched_setaffinity(0, cores)
        if _libc:
            _libc.prctl(_KILL_WITH_PARENT, signal.SIGKILL)

    return in_the_child


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the program as Ctrl-C does, so that `with` blocks stop what they started."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def machine() -> dict[str, str | int]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        argv = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or "unknown"
