"""Every setting of the installation, declared once.

`VARIABLES` is the whole list: name, type, default and help.  `read()` takes the values from the process
environment, then from a `.env` file, then from the defaults, and refuses a value that makes no sense with a
sentence that names it.  `docs/configuration.md` is held against this table by a test.
"""

import io
import math
import os
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet

from routing.secrets import Secret

SHORTEST_KEY = 8  # characters; shorter ones can be guessed

BASE_DIR = Path(__file__).resolve().parent.parent


class BadSetting(Exception):
    """A setting whose value makes no sense; its text is one sentence for the person who set it."""


@dataclass(frozen=True)
class Variable:
    name: str
    type: str  # a key of _READERS
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable("DATA_DIR", "path", "data", "Directory of everything that is kept: database, keys, log file, backups."),
    Variable("HOST", "text", "127.0.0.1", "Address that `manage.py serve` listens on."),
    Variable("PORT", "integer", 8001, "Port that `manage.py serve` listens on.", minimum=0, maximum=65535),
    Variable("BASE_PATH", "prefix", "", "Path prefix under which the proxy is reached too, for example /llm."),
    Variable(
        "PUBLIC_URL",
        "address",
        "",
        "Address under which people reach proxy and admin, for links in errors. Blank: the one that the client called.",
    ),
    Variable("DEMO_UPSTREAM", "flag", True, "The built-in demo upstream (models demo, demo-slow …), on loopback only."),
    Variable(
        "ENABLE_STREAMING_TOOL_PARSER",
        "flag",
        True,
        "From an earlier proxy for SGLang: whether the upstreams made at the first start mend leaked tool calls.",
    ),
    Variable(
        "LOCAL_API_KEY",
        "keys",
        [],
        "Keys, separated by commas, of which clients of the proxy must send one. Blank: it is open to all.",
        secret=True,
    ),
    Variable("SECRET_KEY", "text", "", "Django's signing key. Blank: one is kept in DATA_DIR.", secret=True),
    Variable(
        "ENCRYPTION_KEY",
        "fernet key",
        "",
        "Fernet key that encrypts upstream keys at rest. Blank: one is kept in DATA_DIR.",
        secret=True,
    ),
    Variable("DEBUG", "flag", False, "Django's debug pages in the admin. Never on a machine that others reach."),
    Variable("ALLOWED_HOSTS", "list", ["*"], "Host names that the admin answers to, separated by commas."),
    Variable("CSRF_TRUSTED_ORIGINS", "origins", [], "Origins (https://host) of the admin behind another proxy."),
    Variable(
        "LOG_LEVEL",
        "choice",
        "INFO",
        "Least severe message that is logged.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
    Variable("LOG_FILE", "text", "", "File that gets the log too, inside DATA_DIR unless absolute. Blank: none."),
    Variable("DEBUG_LOGS", "flag", False, "Log each request's route and final parameters."),
    Variable("OVERRIDE_LOGS", "flag", False, "Log each sampling parameter the rules change: from, to, and why."),
    Variable("MAX_BODY_MIB", "integer", 64, "Largest request body, decompressed, in MiB.", minimum=1, maximum=4096),
    Variable(
        "MAX_ANSWER_MIB",
        "integer",
        256,
        "Largest answer of an upstream, or event of its stream, in MiB. What passes as it comes has no limit.",
        minimum=1,
        maximum=4096,
    ),
    Variable(
        "CLIENT_TIMEOUT_SECONDS",
        "number",
        30.0,
        "Longest silence of a client within its request; less than 1 KiB/s is silence. 0: no limit.",
        minimum=0,
    ),
    Variable("MODELS_CACHE_SECONDS", "number", 30.0, "How long the merged list of models is reused.", minimum=0),
    Variable(
        "KEEPALIVE_SECONDS",
        "number",
        10.0,
        "Silence after which a streaming client gets a sign of life. 0: none.",
        minimum=0,
    ),
    Variable(
        "STOP_SECONDS",
        "integer",
        8,
        "Time that running answers get when `manage.py serve` is told to stop; then they end with an error.",
        minimum=0,
    ),
    Variable("RECORDS", "flag", True, "Keep a record of every request."),
    Variable(
        "RECORDS_QUEUE",
        "integer",
        20000,
        "Records that may wait to be written; further ones are lost.",
        minimum=1,
    ),
    Variable("RECORDS_KEEP", "integer", 100000, "Newest records that are kept; older ones are deleted.", minimum=1),
    Variable("RECORDS_KEEP_DAYS", "number", 0.0, "Days after which a record is deleted. 0: however old.", minimum=0),
    Variable(
        "FAILURES_KEEP",
        "integer",
        10000,
        "Newest failures (bad answers) that are kept; older ones are deleted, except labelled ones.",
        minimum=1,
    ),
    Variable(
        "FAILURES_KEEP_DAYS",
        "number",
        0.0,
        "Days after which a failure is deleted, unless it is labelled. 0: however old.",
        minimum=0,
    ),
    Variable(
        "CAPTURE_BODIES",
        "choice",
        "failed",
        "Whose request and answer bodies go into the record.",
        choices=("none", "failed", "all"),
    ),
    Variable("CAPTURE_KIB", "integer", 256, "Most of a body that a record keeps, in KiB.", minimum=1, maximum=65536),
)


@dataclass(frozen=True)
class Environment:
    """The values in force, and which of them were set rather than left at their default."""

    values: Mapping[str, Any] = field(repr=False)  # keys are among them
    given: frozenset[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def read(source: MutableMapping[str, str] | None = None, env_file: Path = BASE_DIR / ".env") -> Environment:
    """Reads every variable.  Raises BadSetting with a sentence that names the first one that makes no sense.

    What `.env` adds goes into `source` (the process environment), so that `env:NAME` references see it too.
    """
    environment = os.environ if source is None else source
    if env_file.is_file():
        reader: type[environ.Env] = type("Reader", (environ.Env,), {"ENVIRON": environment})
        reader.read_env(io.StringIO("\n".join(_assignments(env_file))))
    values, given = {}, set()
    for variable in VARIABLES:
        raw = environment.get(variable.name, "").strip()
        if raw:
            given.add(variable.name)
            values[variable.name] = _value(variable, raw)
        else:
            values[variable.name] = _default(variable)
    return Environment(values, frozenset(given))


def _default(variable: Variable) -> Any:
    return _path(variable.default) if variable.type == "path" else variable.default


_ASSIGNMENT = re.compile(r"""((?:export[ ])?[A-Za-z_0-9]+=(?:"(?:[^"\\]|\\.)*"|'[^']*'|.*?))(?:\s+\#.*)?""", re.VERBOSE)


def _assignments(env_file: Path) -> list[str]:
    """The lines NAME=value of the file, without comments.  A # inside a value stays: keys may have one."""
    assignments = []
    for number, line in enumerate(env_file.read_text(errors="replace").splitlines(), start=1):
        line = line.strip()
        if line and not line.startswith("#"):
            match = _ASSIGNMENT.fullmatch(line)
            if match is None:  # the line is not shown: it may hold a key
                raise BadSetting(f"{env_file}, line {number}, must be NAME=value.")
            assignments.append(match[1])
    return assignments


def made_directory(path: Path) -> Path:
    """The data directory, made if it is not there.  Raises BadSetting when that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadSetting(
            f'DATA_DIR must be a directory that can be written, got "{path}": {problem.strerror}.'
        ) from None
    return path


def _value(variable: Variable, raw: str) -> Any:
    try:
        return _READERS[variable.type](variable, raw)
    except ValueError as problem:
        raise BadSetting(f'{variable.name} {problem}, got "{"…" if variable.secret else raw}".') from None


def _flag(variable: Variable, raw: str) -> bool:
    if raw.lower() in ("true", "on", "yes", "y", "ok", "1"):
        return True
    if raw.lower() in ("false", "off", "no", "n", "0"):
        return False
    raise ValueError("must be true or false")


def _number(variable: Variable, raw: str) -> float:
    try:
        value = int(raw) if variable.type == "integer" else float(raw)
    except ValueError:
        kind = "a whole number" if variable.type == "integer" else "a number"
        raise ValueError(f"must be {kind}") from None
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    if variable.minimum is not None and value < variable.minimum:
        raise ValueError(f"must be at least {variable.minimum:g}")
    if variable.maximum is not None and value > variable.maximum:
        raise ValueError(f"must be at most {variable.maximum:g}")
    return value


def _choice(variable: Variable, raw: str) -> str:
    by_fold = {choice.casefold(): choice for choice in variable.choices}
    if raw.casefold() not in by_fold:
        raise ValueError(f"must be one of {', '.join(variable.choices)}")
    return by_fold[raw.casefold()]


def _list(raw: str) -> list[str]:
    return [item.strip() for item in raw.split(",") if item.strip()]


def _keys(variable: Variable, raw: str) -> list[Secret]:
    keys = _list(raw)
    if not all(len(key) >= SHORTEST_KEY and key.isascii() and key.isprintable() and " " not in key for key in keys):
        raise ValueError(f"must be keys of at least {SHORTEST_KEY} plain characters, separated by commas")
    return [Secret(key) for key in keys]


def _origins(variable: Variable, raw: str) -> list[str]:
    origins = _list(raw)
    if not all(re.fullmatch(r"https?://[^/\s]+", origin) for origin in origins):
        raise ValueError("must be origins like https://proxy.example, separated by commas")
    return origins


def _address(variable: Variable, raw: str) -> str:
    if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", raw):
        raise ValueError("must be an address like https://proxy.example")
    return raw.rstrip("/")


def _prefix(variable: Variable, raw: str) -> str:
    """With a slash in front and none at the end; blank for the root."""
    if re.search(r"[\s?#%]", raw):
        raise ValueError("must be a path like /llm")
    inner = raw.strip("/")
    return f"/{inner}" if inner else ""


def _fernet_key(variable: Variable, raw: str) -> str:
    try:
        Fernet(raw)
    except ValueError:
        raise ValueError("must be a Fernet key: 32 bytes in URL-safe base64") from None
    return raw


def _path(raw: str) -> Path:
    path = Path(raw).expanduser()
    return path if path.is_absolute() else BASE_DIR / path


_READERS: dict[str, Callable[[Variable, str], Any]] = {
    "text": lambda variable, raw: raw,
    "flag": _flag,
    "integer": _number,
    "number": _number,
    "choice": _choice,
    "list": lambda variable, raw: _list(raw),
    "keys": _keys,
    "origins": _origins,
    "address": _address,
    "prefix": _prefix,
    "fernet key": _fernet_key,
    "path": lambda variable, raw: _path(raw),
}
