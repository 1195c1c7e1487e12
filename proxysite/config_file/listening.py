"""What a file says about listening and logging: kept as sections, which `manage.py serve` asks for."""

from collections.abc import Callable, Iterable
from typing import Any

from proxysite.config_file.checking import Checker, is_flag, is_port, is_text
from proxysite.config_file.document import Document
from proxysite.config_file.spelling import meant
from routing.models import ConfigSection

# What `server` says about listening, and the same in `listen`.
OF_SERVER = {
    "sampling_proxy_host": "host",
    "sampling_proxy_port": "port",
    "sampling_proxy_base_path": "base_path",
}

_SWITCHES = {"enable_debug_logs": "debug_logs", "enable_override_logs": "override_logs"}


def _is_host(value: Any) -> bool:
    return is_text(value) and value == value.strip()


def _is_base_path(value: Any) -> bool:
    return is_text(value) and value.isprintable() and not any(sign in value for sign in "?#% ")


_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "host": ("must be a host name or address", _is_host),
    "port": ("must be a port from 0 to 65535", is_port),
    "base_path": ("must be a path like /llm", _is_base_path),
}


def parse_listen(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    """`listen`, filled up with what `server` says of the same."""
    listen = dict(checker.object(sections.get("listen", {}), "listen"))
    paths = {key: f"listen.{key}" for key in listen}
    server = sections.get("server")
    for key, name in OF_SERVER.items():
        if not isinstance(server, dict) or key not in server:
            continue
        if name in paths:
            document.notes.append(f"server.{key}: not used, because the file has listen.{name}.")
        else:
            listen[name] = server[key]
            paths[name] = f"server.{key}"
    for name, (must, fits) in _CHECKS.items():
        if name in listen and checker.typed(listen[name], paths[name], must, fits):
            listen[name] = _normal(name, listen[name])
    _keep("listen", listen, _CHECKS, document, checker)


def parse_logging(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    logging = checker.object(sections.get("logging", {}), "logging")
    for key in _SWITCHES:
        if key in logging:
            checker.flag(logging[key], f"logging.{key}")
    _keep("logging", logging, _SWITCHES, document, checker)


def listen_settings() -> dict[str, Any]:
    """host, port, base_path, debug_logs and override_logs, as far as a file said them.

    What cannot be used, because somebody changed the stored sections by hand, counts as not said.
    """
    sections = dict(ConfigSection.objects.filter(name__in=("listen", "logging")).values_list("name", "content"))
    listen, logging = (_object(sections.get(name)) for name in ("listen", "logging"))
    said = {name: _normal(name, listen[name]) for name, (_, fits) in _CHECKS.items() if fits(listen.get(name))}
    switches = {name: logging[key] for key, name in _SWITCHES.items() if is_flag(logging.get(key))}
    return said | switches


def _keep(name: str, content: dict[str, Any], known: Iterable[str], document: Document, checker: Checker) -> None:
    if content:
        document.kept[name] = content
    unknown = {key: value for key, value in content.items() if key not in known}
    if unknown and checker.holds_no_key(unknown, name):
        question = meant(unknown, known)
        document.notes.append(f"{name}: kept, but not used by this version: {', '.join(unknown)}.{question}")


def _normal(name: str, value: Any) -> Any:
    """The first generation wrote ports as text; a base path begins with a slash and ends without one."""
    if name == "port":
        return int(value)
    if name == "base_path":
        return "/" + value.strip("/") if value.strip("/") else ""
    return value


def _object(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) else {}
