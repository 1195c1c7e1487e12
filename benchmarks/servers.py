"""The servers that are measured: how each is configured and started in front of the scripted upstream.

A `Setup` is a configuration of this proxy, as a function that makes its config.json.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from benchmarks.load import Job, http_request
from benchmarks.processes import ROOT, Cores, NotStarted, Process, Processes, free_port
from benchmarks.script import CHAT, CHAT_STREAM, MESSAGES_STREAM, Expectation

RULES = {"temperature": 0.7, "top_p": 0.95}
_TEXT = "The quick brown fox jumps over the lazy dog. " * 8


@dataclass(frozen=True)
class Server:
    """Something that answers chat completions, or messages, on 127.0.0.1."""

    name: str
    port: int
    process: Process
    headers: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "chat"  # what it is asked in
    asked: Mapping[str, Any] = field(default_factory=dict)  # more of the request's body

    def job(self, *, stream: bool) -> Job:
        streamed = CHAT_STREAM if self.dialect == "chat" else MESSAGES_STREAM
        return self.ask("bench", streamed if stream else CHAT, stream=stream)

    def ask(self, model: str, expected: Expectation, *, stream: bool) -> Job:
        messages = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": _TEXT}]
        fields = {"model": model, "messages": messages, "max_tokens": 1000, "stream": stream, **self.asked}
        headers = {"authorization": "Bearer bench", **self.headers}
        path = "/v1/chat/completions" if self.dialect == "chat" else "/v1/messages"
        return Job(self.port, http_request(self.port, path, orjson.dumps(fields), headers), expected)


@dataclass(frozen=True)
class Lab:
    """Where servers are started: a directory that goes away, the cores, and the upstream they all talk to."""

    directory: Path
    cores: Cores
    processes: Processes
    upstream: Server

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream.port}"

    def place(self, name: str) -> Path:
        place = self.directory / name
        place.mkdir(exist_ok=True)
        return place


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    cores = Cores.of_this_machine()
    if cores.load:
        os.sched_setaffinity(0, cores.load)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Processes(Path(name)) as processes:
        port = free_port()
        argv = [sys.executable, "-m", "benchmarks.upstream", str(port)]
        process = processes.start_server("upstream", argv, port, cores=cores.upstream)
        yield Lab(Path(name), cores, processes, Server("direct", port, process))


def start_nginx(lab: Lab) -> Server:
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if not program:
        raise NotStarted("nginx is not installed")
    port, place = free_port(), lab.place("nginx")
    configuration = place / "nginx.conf"
    configuration.write_text(_NGINX.format(port=port, upstream=lab.upstream.port, place=place))
    argv = [program, "-p", place, "-e", "stderr", "-c", configuration]
    return Server("nginx", port, lab.processes.start_server("nginx", argv, port, cores=lab.cores.server))


def start_floor(lab: Lab) -> Server:
    port = free_port()
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.floor:app", "--port", str(port), "--loop", "uvloop"]
    argv += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"BENCH_UPSTREAM": lab.upstream_url}
    process = lab.processes.start_server("floor", argv, port, cores=lab.cores.server, environment=environment)
    return Server("floor", port, process)


def start_proxy(lab: Lab, *, rules: bool = False) -> Server:
    """This proxy as it comes: only the upstream and the rules are configured."""
    return start_setup(lab, Setup("this proxy, with rules", with_rules) if rules else Setup("this proxy", plain))


def start_converting(lab: Lab, *, client: str) -> Server:
    """This proxy, asked in one dialect in front of an upstream that speaks only the other."""
    upstream = "messages" if client == "chat" else "chat"
    title = f"this proxy, {client} → {upstream}"
    server = start_setup(lab, Setup(title, lambda place: configuration(place, speaks={upstream})))
    return replace(server, dialect=client)


Configuration = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """This proxy in one configuration.  `content` makes its config.json."""

    title: str
    content: Callable[[Lab], Configuration]


def plain(lab: Lab) -> Configuration:
    return configuration(lab)


def with_rules(lab: Lab) -> Configuration:
    return {**configuration(lab), "default_sampling_params": RULES}


def start_setup(lab: Lab, setup: Setup) -> Server:
    """In a data directory of its own."""
    title, content = setup.title, setup.content(lab)
    name = re.sub(r"\W+", "-", title)
    port, place = free_port(), lab.place(name)
    configuration = place / "config.json"
    configuration.write_bytes(orjson.dumps(content))
    environment = {"DATA_DIR": str(place / "data")}
    manage = [sys.executable, ROOT / "manage.py"]
    _run([*manage, "migrate", "--verbosity", "0"], environment)
    argv = [*manage, "serve", "--port", str(port), "--config", configuration]
    process = lab.processes.start_server(name, argv, port, cores=lab.cores.server, environment=environment)
    return Server(title, port, process)


def configuration(lab: Lab, *, speaks: Collection[str] = ("chat", "messages"), **fields: Any) -> Configuration:
    """One upstream, with these fields more, to which everything goes."""
    upstream = {
        "name": "bench",
        "base_url": f"{lab.upstream_url}/v1",
        "supports_openai": "chat" in speaks,
        "supports_anthropic": "messages" in speaks,
        "supports_generate": False,
        **fields,
    }
    return {"upstreams": [upstream], "model_upstream_binding": {"*": "bench"}}


def _run(argv: list[str | Path], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        argv, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        last_lines = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise NotStarted(f"`{Path(argv[1]).name} {argv[2]}` ended with code {done.returncode}:\n{last_lines}")


# One process, so that it is one core's worth and stops with one signal.
_NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {place}/nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    keepalive_requests 1000000000;
    upstream bench {{
        server 127.0.0.1:{upstream};
        keepalive 2048;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        client_max_body_size 0;
        location / {{
            proxy_pass http://bench;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""
