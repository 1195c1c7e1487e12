"""Other proxies, measured when they are asked for: installed from their registries, each in a directory of its own.

They are configured as plainly as they allow: one upstream, no limits, no request logs. Each is tried with one
request and one stream before it is measured, and what fails is reported with its reason.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import orjson

from benchmarks.processes import NotStarted, free_port
from benchmarks.servers import Lab, Server

_INSTALL_SECONDS = 1200


def cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sampling-proxy-benchmarks"


def start_peer(name: str, lab: Lab, cache: Path) -> Server:
    if name not in PEERS:
        raise NotStarted(f"there is no peer of this name; known are {', '.join(PEERS)}")
    home = cache / name
    home.mkdir(parents=True, exist_ok=True)
    return PEERS[name](lab, home)


def _litellm(lab: Lab, home: Path) -> Server:
    python = home / "bin" / "python"
    if not (home / "bin" / "litellm").exists():
        _install([sys.executable, "-m", "venv", home])
        _install([python, "-m", "pip", "install", "--quiet", "litellm[proxy]"])
    version = _output([python, "-c", "import importlib.metadata as m; print(m.version('litellm'))"])
    port, place = free_port(), lab.place("litellm")
    configuration = place / "config.yaml"
    parameters = {"model": "openai/bench", "api_base": f"{lab.upstream_url}/v1", "api_key": "bench"}
    configuration.write_bytes(  # JSON is YAML
        orjson.dumps({"model_list": [{"model_name": "bench", "litellm_params": parameters}]})
    )
    argv = [home / "bin" / "litellm", "--config", configuration, "--host", "127.0.0.1", "--port", str(port)]
    key = f"sk-{secrets.token_hex(32)}"  # it does not start without one
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    environment["LITELLM_MASTER_KEY"] = key
    process = lab.processes.start_server(
        "litellm", argv, port, cores=lab.cores.server, environment=environment, patience=120
    )
    return Server(f"litellm {version}", port, process, {"authorization": f"Bearer {key}"})


def _portkey(lab: Lab, home: Path) -> Server:
    # With newer versions of its web server it answers every stream with a 500 ("TypeError: immutable").
    package = _npm(home, "@portkey-ai/gateway", overrides={"@hono/node-server": "1.13.8"})
    port = free_port()
    argv = [*_node(lab), package / "build" / "start-server.js", f"--port={port}", "--headless"]
    process = lab.processes.start_server("portkey", argv, port, cores=lab.cores.server)
    # The upstream is named by each request; a loopback address counts as trusted only when it is listed.
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{lab.upstream_url}/v1"}
    return Server(f"portkey {_npm_version(package)}", port, process, headers)


def _llm_simple_router(lab: Lab, home: Path) -> Server:
    package = _npm(home, "llm-simple-router")
    port, place = free_port(), lab.place("llm-simple-router")
    environment = {"PORT": str(port), "DB_PATH": str(place / "router.db"), "HOME": str(place), "LOG_LEVEL": "error"}
    argv = [*_node(lab), package / "dist" / "cli.js"]
    process = lab.processes.start_server(
        "llm-simple-router", argv, port, cores=lab.cores.server, environment=environment
    )
    key = _set_up_llm_simple_router(port, lab.upstream_url)
    return Server(f"llm-simple-router {_npm_version(package)}", port, process, {"authorization": f"Bearer {key}"})


def _set_up_llm_simple_router(port: int, upstream_url: str) -> str:
    """Creates an administrator, the upstream and a client key through its admin interface; gives the key."""
    provider = {
        "name": "bench",
        "api_type": "openai",
        "base_url": upstream_url,
        "api_key": "bench-key",
        "models": [{"name": "bench"}],
        "concurrency_mode": "none",
        "max_concurrency": 0,
    }
    setup = {
        "provider": provider,
        "mappings": [{"client_model": "bench", "backend_model": "bench"}],
        "retry_rules": [],
    }
    steps = (
        ("setup/initialize", {"password": "bench-password"}),
        ("quick-setup", setup),
        ("router-keys", {"name": "bench"}),
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/admin/api/", timeout=20, trust_env=False) as admin:
        for path, body in steps:
            answer = admin.post(path, json=body)
            if answer.is_error:
                raise NotStarted(f"its set-up refused {path} with {answer.status_code}: {answer.text[:300]}")
    made = answer.json()
    return str(made.get("key") or made["data"]["key"])


PEERS: dict[str, Callable[[Lab, Path], Server]] = {
    "litellm": _litellm,
    "portkey": _portkey,
    "llm-simple-router": _llm_simple_router,
}


def _npm(home: Path, package: str, overrides: Mapping[str, str] | None = None) -> Path:
    place = home / "node_modules" / package
    if not (place / "package.json").exists():
        if not shutil.which("npm"):
            raise NotStarted("npm is not installed")
        wanted = {"private": True, "dependencies": {package: "latest"}, "overrides": overrides or {}}
        (home / "package.json").write_bytes(orjson.dumps(wanted))
        _install(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", home])
    return place


def _npm_version(package: Path) -> str:
    return str(orjson.loads((package / "package.json").read_bytes())["version"])


def _node(lab: Lab) -> list[str | Path]:
    """Node, unable to look up other hosts: a benchmark talks to this machine alone."""
    program = shutil.which("node")
    if not program:
        raise NotStarted("node is not installed")
    guard = lab.directory / "loopback_only.cjs"
    guard.write_text(_LOOPBACK_ONLY)
    return [program, "--require", guard]


_LOOPBACK_ONLY = """
const dns = require("node:dns");
const lookup = dns.lookup;
dns.lookup = (host, ...rest) => {
  if (host === "localhost" || require("node:net").isIP(host)) return lookup(host, ...rest);
  const error = Object.assign(new Error("benchmarks stay on this machine: " + host), { code: "ENOTFOUND" });
  process.nextTick(rest[rest.length - 1], error);
};
"""


def _install(argv: list[str | Path]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotStarted(f"its installation took longer than {_INSTALL_SECONDS // 60} minutes") from None
    if done.returncode:
        last_lines = "\n".join((done.stdout + done.stderr).splitlines()[-6:])
        raise NotStarted(f"it cannot be installed:\n{last_lines}")


def _output(argv: list[str | Path]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
