"""The real server as a process of its own, in a data directory of its own.

`Installation` is a data directory and the commands run on it; `Proxy` is one serving process.  The database is migrated
once for the whole session and copied for each installation, because migrating takes longer than serving.
"""

import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from proxysite.environment import BASE_DIR, VARIABLES
from tests.end_to_end.upstream import PATIENCE

# A client that reads the certificates of all authorities takes 20 ms to make.
FOR_A_MOMENT: dict[str, Any] = {"timeout": PATIENCE, "trust_env": False, "verify": False}

PASSWORD = "correct horse battery"  # of the administrator, whose name is admin

STARTS_WITHIN = 60.0  # a machine that is busy with other things starts Python slowly

# What a healthy process never logs.
COMPLAINTS = (
    "Traceback (most recent call last)",
    "was never retrieved",
    "was never awaited",
    "Unclosed ",
    "ResourceWarning",
    "RuntimeWarning",
    "Task was destroyed",
    "Exception ignored",
)

Value = TypeVar("Value")


def eventually(probe: Callable[[], Value | None], what: str, within: float = PATIENCE) -> Value:
    """The first value of `probe` that is true; asks again and again, because another process cannot call us back."""
    deadline = time.monotonic() + within
    while not (value := probe()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """A data directory, and what is run on it."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.settings = {"DEMO_UPSTREAM": "false", **settings}

    @classmethod
    def copy_of(cls, template: Path, data_dir: Path, **settings: str) -> "Installation":
        shutil.copytree(template, data_dir)
        return cls(data_dir, **settings)

    def environment(self) -> dict[str, str]:
        """Nothing of the person's own settings, and no `.env` file either: a name that is set is not filled in."""
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        blank = {variable.name: "" for variable in VARIABLES}
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        warnings = {"PYTHONWARNINGS": "default", "PYTHONUNBUFFERED": "1"}
        return {**inherited, **blank, **warnings, **self.settings, "DATA_DIR": str(self.data_dir)}

    def manage(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN,
        )
        assert not ok or done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        return done

    def set_up(self, then: str = "") -> None:
        """An empty database with an administrator, and what `then` does, in one process: starting takes the longest."""
        self.settings["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        steps = [
            "from django.core.management import call_command",
            "call_command('migrate', verbosity=0)",
            "call_command('createsuperuser', interactive=False, username='admin', email='', verbosity=0)",
            then,
        ]
        self.manage("shell", "--verbosity", "0", "--command", "\n".join(steps))

    def write(self, name: str, content: Any) -> str:
        """A JSON file in the data directory; returns its path."""
        path = self.data_dir / name
        path.write_text(json.dumps(content))
        return str(path)

    def import_config(self, config: dict[str, Any]) -> None:
        self.manage("import_config", self.write("config.json", config), "--replace")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        source = f"file:{self.data_dir / 'db.sqlite3'}?mode=ro"
        with contextlib.closing(sqlite3.connect(source, uri=True, timeout=PATIENCE)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def record(self, request_id: str) -> dict[str, Any]:
        """The stored trace of a request; records are written in batches, so it may take a moment."""
        query = "SELECT * FROM routing_requestrecord WHERE request_id = ?"
        found = eventually(lambda: self.rows(query, request_id), f"the record of {request_id}")
        assert len(found) == 1, f"{len(found)} records of {request_id}"
        record = found[0]
        return {**record, **{name: json.loads(record[name]) for name in ("changes", "warnings", "repairs")}}

    # The three ways to serve

    def serve(self, *arguments: str) -> "Proxy":
        port = free_port()
        return Proxy(self, port, [sys.executable, "manage.py", "serve", "--port", str(port), *arguments])

    def serve_watched(self, config: dict[str, Any]) -> "Proxy":
        """See `tests.end_to_end.watched`."""
        port, watched = free_port(), [sys.executable, "-m", "tests.end_to_end.watched"]
        return Proxy(self, port, [*watched, "--port", str(port), "--config", self.write("config.json", config)])

    def runserver(self) -> "Proxy":
        port = free_port()
        return Proxy(self, port, [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"])

    def daphne(self) -> "Proxy":
        port = free_port()
        daphne = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
        return Proxy(self, port, [*daphne, "proxysite.asgi:application"])


class Proxy:
    """One serving process.  `with installation.serve() as proxy:` starts it, waits for it and ends it."""

    def __init__(self, installation: Installation, port: int, command: list[str]) -> None:
        self.installation = installation
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.command = command
        self.log_file = installation.data_dir / f"server-{port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_mark = 0

    def __repr__(self) -> str:
        return f"Proxy({self.url})"

    def __enter__(self) -> "Proxy":
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=BASE_DIR,
                env=self.installation.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that a Ctrl-C in the terminal is ours to pass on
            )
        atexit.register(self._kill)
        try:
            eventually(self._is_ready, f"{self!r} to answer /health", STARTS_WITHIN)
        except BaseException as problem:
            self._kill()
            problem.add_note(f"--- log of {' '.join(self.command)}\n{self.log()}")
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"the server ended with {self._process.returncode}"
        with socket.socket() as probe:  # much cheaper than asking with httpx, and it is done again and again
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        answer = httpx.get(f"{self.url}/health", **FOR_A_MOMENT)
        assert answer.status_code == 200, answer.text
        return True

    def stop(self, with_signal: int = signal.SIGINT) -> int:
        """Asks it to end, as a person's Ctrl-C does, or a service manager; returns the exit code."""
        assert self._process
        self._process.send_signal(with_signal)
        try:
            return self._process.wait(PATIENCE)
        finally:
            self._kill()

    def _kill(self) -> None:
        atexit.unregister(self._kill)
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    # What it says of itself

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def mark_log(self) -> None:
        """`log_since_mark` tells what is logged from here on."""
        self._log_mark = self.log_file.stat().st_size

    def log_since_mark(self) -> str:
        with self.log_file.open("rb") as log:
            log.seek(self._log_mark)
            return log.read().decode(errors="replace")

    def assert_no_complaints(self) -> None:
        lines = [line for line in self.log().splitlines() if any(complaint in line for complaint in COMPLAINTS)]
        assert not lines, f"{self!r} logged:\n{self.log()}"

    def status(self) -> dict[str, Any]:
        """What `GET /` says; asked after every test, so without httpx, whose clients take a while to make."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"accept": "application/json"})
            status: dict[str, Any] = json.load(connection.getresponse())
        return status

    def peak_mib(self) -> float:
        """The most memory that the process ever used; only Linux tells."""
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024

    def wait_until_idle(self) -> None:
        """Returns when no request is running any more, or waits, or holds a slot."""
        eventually(self._is_idle, "no request to be running")

    def _is_idle(self) -> bool:
        status = self.status()
        numbers = [status["running"], status["queued"]]
        numbers += [number for limit in status["limits"] for number in (limit["used"], limit["queued"])]
        return not any(numbers + [upstream["running"] for upstream in status["upstreams"]])

    def health(self, upstream: str) -> str:
        return next(one["health"] for one in self.status()["upstreams"] if one["name"] == upstream)

    def ill(self, upstream: str) -> dict[str | None, str]:
        """The health of each of its models that is not well; None: those that only a glob leads to."""
        targets = next(one["targets"] for one in self.status()["upstreams"] if one["name"] == upstream)
        return {target["model"]: target["health"] for target in targets if target["health"] != "healthy"}

    def record(self, answer: httpx.Response) -> dict[str, Any]:
        return self.installation.record(answer.headers["x-request-id"])
