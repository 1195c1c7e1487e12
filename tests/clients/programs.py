"""The coding agents from npm: put into `.clients`, found there, and run with nothing of the person's own around them.

`python -m tests.clients.programs` installs the versions that `package.json` names.  Where that cannot be done it says
so and is content: the tests of an agent that is not there are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxysite.environment import BASE_DIR

DIRECTORY = BASE_DIR / ".clients"
WANTED = Path(__file__).with_name("package.json")
INSTALLS_WITHIN = 240.0  # a registry that is not reached is given up before
RUNS_WITHIN = 75.0

_NPM = (
    "npm install --no-audit --no-fund --no-package-lock --loglevel=error "
    "--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --fetch-timeout=60000"
)


@dataclass(frozen=True)
class Ran:
    exit_code: int
    output: str
    errors: str

    def lines(self) -> list[dict[str, Any]]:
        """The output as JSON, line by line."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def __str__(self) -> str:
        return f"exit code {self.exit_code}\n--- output\n{self.output[-6000:]}\n--- errors\n{self.errors[-6000:]}"


def find(name: str) -> Path | None:
    program = DIRECTORY / "node_modules" / ".bin" / name
    return program if program.exists() and _installed_is_wanted() else None


def why_not(name: str) -> str:
    if shutil.which("npm") is None:
        return f"{name} comes from npm, which is not installed"
    return f"{name} is not installed: run make test-clients, with the npm registry in reach"


def run(program: Path, *arguments: str, directory: Path, home: Path, **settings: str) -> Ran:
    """In a process group of its own, so that nothing it started is left when its time is over."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        **settings,
    }
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            exit_code = process.wait(RUNS_WITHIN)
        except subprocess.TimeoutExpired:
            exit_code = -1
        finally:
            _kill_group(process)
        return Ran(exit_code, _text(output), _text(errors))


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass  # it and all it started have ended
    process.wait()


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode(errors="replace")
    return text


def _installed_is_wanted() -> bool:
    installed = DIRECTORY / "installed.json"  # written last, so half an installation does not count
    return installed.exists() and installed.read_text() == WANTED.read_text()


def install() -> None:
    if _installed_is_wanted():
        return
    if shutil.which("npm") is None:
        print("npm is not installed: Claude Code and Codex are not tested.")
        return
    print("Installing Claude Code and Codex …", flush=True)
    DIRECTORY.mkdir(exist_ok=True)
    shutil.copy(WANTED, DIRECTORY / "package.json")
    try:
        done = subprocess.run(_NPM.split(), cwd=DIRECTORY, timeout=INSTALLS_WITHIN, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        print("npm took too long: Claude Code and Codex are not tested.")
        return
    if done.returncode:
        print(f"npm could not install Claude Code and Codex, so they are not tested:\n{done.stderr.strip()}")
        return
    (DIRECTORY / "installed.json").write_text(WANTED.read_text())


if __name__ == "__main__":
    install()
    sys.exit(0)
