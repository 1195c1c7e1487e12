"""`manage.py serve`: the proxy and its admin, under uvicorn."""

import argparse
import asyncio
import errno
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from proxysite import live
from proxysite.environment import BadSetting, Environment
from proxysite.gateway.connection import Connection
from proxysite.overrides import ONLY, Overrides

if TYPE_CHECKING:
    from proxysite.asgi import Application

LISTENING = ("host", "port", "base_path", "debug_logs", "override_logs")  # options, stored names, and settings alike


class Command(BaseCommand):
    help = "Serves the proxy and its admin. What is given here wins over the environment and the stored configuration."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--config", "-c", metavar="FILE", help="config.json to serve: replaces the stored rows.")
        parser.add_argument("--host", help="Address to listen on (HOST).")
        parser.add_argument("--port", type=_port, help="Port to listen on (PORT); 0 takes a free one.")
        parser.add_argument("--base-path", metavar="PATH", help="Prefix the proxy is reached under too (BASE_PATH).")
        parser.add_argument(
            "--target-base-url",
            action="append",
            default=[],
            metavar="[NAME=]URL",
            help="Where an upstream is, instead of where the rows say; repeatable. A single one needs no NAME.",
        )
        parser.add_argument(
            "--model-bindings",
            type=_json_object,
            metavar="JSON",
            help='Bindings instead of the stored ones: \'{"glm-*": "zai", "*": "local"}\'.',
        )
        parser.add_argument(
            "--enforce-params",
            "-e",
            type=_json_object,
            default={},
            metavar="JSON",
            help="Sampling parameters that win over everything: '{\"temperature\": 0.7}'.",
        )
        parser.add_argument("--debug-logs", "-d", action="store_true", help="Log each request's route (DEBUG_LOGS).")
        parser.add_argument(
            "--override-logs", "-o", action="store_true", help="Log each changed parameter (OVERRIDE_LOGS)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_another_schema()
        said: dict[str, Any] = {}
        with ExitStack() as held:
            sockets: list[socket.socket] = []

            def accept() -> None:
                live.lay_over(_overrides(options))
                said.update(listening(options, settings.ENV, _stored_listening()))
                sockets.extend(held.enter_context(one) for one in listening_sockets(said["host"], said["port"]))

            self._configure(options["config"], accept)

            from proxysite.asgi import application  # sets Django up again, and with it the log levels

            _set_log_levels(debug=said["debug_logs"], override=said["override_logs"])
            self._serve(application, sockets, said["base_path"])

    def _configure(self, path: str | None, accept: Callable[[], None]) -> None:
        """The stored rows, or those of a file.  Where options or port cannot be had with them, nothing changes."""
        from proxysite import config_file

        try:
            if path:
                self.stdout.write(str(config_file.import_file(path, replace=True, accept=accept)))
            else:
                accept()
        except (config_file.ConfigFileError, BadSetting) as problem:
            raise CommandError(str(problem)) from None

    def _serve(self, application: "Application", sockets: list[socket.socket], base_path: str) -> None:
        application.engine.base_path = "/" + base_path.strip("/") if base_path.strip("/") else ""
        config = uvicorn.Config(
            application,
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=settings.ENV["STOP_SECONDS"],
            http=Connection,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_stop)
        server = _Server(config, self.stdout.write, application.engine.base_path)
        try:
            server.run(sockets)
        except KeyboardInterrupt:
            return  # Ctrl-C: it has shut down in order by now, and a traceback would only frighten
        if not server.started:
            raise CommandError("Could not start; the log above says why.")


class _Server(uvicorn.Server):
    """Says where it listens, which with port 0 only the socket knows."""

    def __init__(self, config: uvicorn.Config, say: Any, base_path: str) -> None:
        super().__init__(config)
        self._say = say
        self._base_path = base_path

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            self._say(
                f"Sampling Proxy listens on http://{host}:{port}{self._base_path} · admin: http://{host}:{port}/admin/"
            )


def _refuse_another_schema() -> None:
    """Else the first query would say so, in a page of traceback."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise CommandError(
            f"The database is new or of an earlier version: {len(missing)} migrations are missing. Back up DATA_DIR, "
            "then run: manage.py migrate"
        )


def _is_no_stop(record: logging.LogRecord) -> bool:
    """An answer that did not end in time is told of in one line and in its record; a traceback would only frighten."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """On every address that the host has, as asyncio would make them.  Raises CommandError."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise CommandError(not_listening(host, port, problem)) from None
    opened: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            opened.append(_listening_socket(family, address))
        except OSError as problem:
            if problem.errno not in _NO_SUCH_FAMILY:
                for one in opened:
                    one.close()
                raise CommandError(not_listening(host, port, problem)) from None
            missing = problem
    if missing and not opened:
        raise CommandError(not_listening(host, port, missing))
    return opened


# What a machine without IPv6 says to ::1, which may be one of the addresses of “localhost”.
_NO_SUCH_FAMILY = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


def _listening_socket(family: int, address: Any) -> socket.socket:
    """Listens at once: of two that are only bound, both would believe that the port is theirs."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would share the port with whoever has it
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


_BACKLOG = 2048  # uvicorn's


def not_listening(host: str, port: int, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return (
            f"{host}:{port} is taken: another program listens there, or this proxy is running already. "
            f"Stop it, or take another port: PORT={port + 1} make run"
        )
    # asyncio's own text names the address once more; a name that is not found has no number of the system's.
    why = os.strerror(problem.errno) if (problem.errno or 0) > 0 else problem.strerror
    return f"Could not listen on {host}:{port} (HOST and PORT): {why}."


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, got {text!r}")
    return int(text)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"is not valid JSON: {problem}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("must be a JSON object")
    return value


def _overrides(options: Mapping[str, Any]) -> Overrides:
    """Raises BadSetting where one upstream would be in two places."""
    base_urls: dict[str, str] = {}
    for name, url in map(_named_url, options["target_base_url"]):
        if name in base_urls or (base_urls and ONLY in (name, *base_urls)):
            raise BadSetting(f"--target-base-url {url}: of several, each must name another upstream: NAME={url}.")
        base_urls[name] = url
    return Overrides(base_urls=base_urls, bindings=options["model_bindings"], enforced=options["enforce_params"])


def _named_url(text: str) -> tuple[str, str]:
    """`name=url` or just `url`; a = inside a URL's query is not a name's."""
    name, separator, url = text.partition("=")
    return (name, url) if separator and "/" not in name else (ONLY, text)


def _stored_listening() -> dict[str, Any]:
    """What an imported config.json said in `listen` and `logging`."""
    from proxysite import config_file

    return config_file.listen_settings()


def listening(options: Mapping[str, Any], env: Environment, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Where to listen and what to log: the command line, else the environment, else a config.json, else the default."""
    return {name: _first_said(name, options, env, stored) for name in LISTENING}


def _first_said(name: str, options: Mapping[str, Any], env: Environment, stored: Mapping[str, Any]) -> Any:
    option = options[name]
    if option is not None and option is not False:  # a switch that is not there is False
        return option
    if name.upper() in env.given:
        return env[name.upper()]
    return stored.get(name) or env[name.upper()] if name == "host" else stored.get(name, env[name.upper()])


def _set_log_levels(*, debug: bool, override: bool) -> None:
    if debug:
        logging.getLogger("proxysite").setLevel(logging.DEBUG)
    if override:
        logging.getLogger("proxysite.override").setLevel(logging.INFO)
