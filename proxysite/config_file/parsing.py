"""From the JSON object of a config.json to a `Document`.

Both generations are read as they are: `server.target_base_url` or `server.target_host/port` (first), `listen`,
`upstreams` and `model_upstream_binding` (second), and the sampling sections of both.  Nothing of a file is lost: what
has no feature yet goes to `kept` and is named in the notes.
"""

from collections.abc import Callable
from typing import Any

from proxysite.config_file import checking
from proxysite.config_file.checking import Checker, is_flag, is_port, is_text
from proxysite.config_file.document import BindingEntry, ConfigFileError, Document
from proxysite.config_file.sampling_sections import SAMPLING_SECTIONS, parse_sampling
from routing.matching import fold
from routing.models import BindingTarget, ModelBinding, Upstream

LEGACY_NAME = "default"

# Fields that are kept in the row, whose feature is not in this version.
_FOR_LATER = frozenset(
    {
        "max_retries",
        "base_retry_delay",
        "rate_limit_wait",
        "retry_statuses",
        "tool_call_repair",
        "reasoning_field",
        "first_token_timeout_seconds",
        "total_timeout_seconds",
    }
)
_UPSTREAM_FIELDS = {field.name: field for field in Upstream._meta.concrete_fields if not field.primary_key}
_OWN_SERVER_KEYS = {
    "sampling_proxy_host": "host",
    "sampling_proxy_port": "port",
    "sampling_proxy_base_path": "base_path",
}


def parse(content: Any) -> Document:
    """Raises ConfigFileError with every wrong value's path."""
    checker = Checker()
    document = Document()
    sections = checker.object(content, "the file")
    _parse_upstreams(sections, document, checker)
    _parse_bindings(sections, document, checker)
    parse_sampling(sections, document, checker)
    _parse_override_of_model(sections, document, checker)
    _parse_listen(sections, document, checker)
    _parse_logging(sections, document, checker)
    _keep_the_rest(sections, document)
    if checker.errors:
        raise ConfigFileError(checker.errors)
    return document


def _parse_upstreams(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    entries = sections.get("upstreams", [])
    if checker.typed(entries, "upstreams", "must be a list", lambda value: isinstance(value, list)):
        for index, entry in enumerate(entries):
            _parse_upstream(entry, f"upstreams[{index}]", document, checker)
    server = checker.object(sections.get("server", {}), "server")
    named = any(key in server for key in ("target_base_url", "target_host", "target_port"))
    if not named:
        return
    if document.upstreams:
        document.notes.append("server.target_…: not used, because the file has upstreams.")
        return
    fields = {key: value for key, value in server.items() if not key.startswith(("target_", "sampling_proxy_"))}
    fields.setdefault("supports_generate", True)  # its proxy passed /generate on, whatever the flags
    _parse_upstream(
        {"name": LEGACY_NAME, "base_url": _legacy_url(server, checker), **fields}, "server", document, checker
    )


def _legacy_url(server: dict[str, Any], checker: Checker) -> Any:
    if "target_base_url" in server:
        return server["target_base_url"]
    host, port = server.get("target_host", "127.0.0.1"), server.get("target_port", "8000")
    checker.typed(host, "server.target_host", "must be a text", is_text)
    if not checker.typed(port, "server.target_port", "must be a port from 0 to 65535", is_port):
        port = 8000
    return f"http://{host}:{port}"


def _parse_upstream(entry: Any, path: str, document: Document, checker: Checker) -> None:
    entry = checker.object(entry, path)
    fields = {key: value for key, value in entry.items() if key in _UPSTREAM_FIELDS}
    unknown = {key: value for key, value in entry.items() if key not in _UPSTREAM_FIELDS}
    for required in ("name", "base_url"):
        if fields.get(required) in (None, ""):
            checker.wrong(f"{path}.{required}", "is missing")
            fields.pop(required, None)
    checked = [checker.field(_UPSTREAM_FIELDS[key], value, f"{path}.{key}") for key, value in fields.items()]
    for key in sorted(fields.keys() & _FOR_LATER):
        if fields[key] == _UPSTREAM_FIELDS[key].get_default():
            continue
        document.notes.append(f"{path}.{key}: kept; this version does not use it yet.")
    if not all(checked) or not {"name", "base_url"} <= fields.keys():
        return
    if fold(fields["name"]) in map(fold, document.upstreams):
        checker.wrong(f"{path}.name", "must be different from every other upstream's", fields["name"])
        return
    fields = _with_implied(fields)
    _check_whole(fields, path, checker)
    if unknown:
        document.kept.setdefault("upstreams", {})[fields["name"]] = unknown
        document.notes.append(f"{path}: kept, but not known: {', '.join(unknown)}.")
    document.upstreams[fields["name"]] = fields


def _with_implied(fields: dict[str, Any]) -> dict[str, Any]:
    """What a file need not say: earlier proxies passed /generate on, and a key is there to be sent."""
    implied: dict[str, Any] = {}
    if fields.get("kind", "auto") in ("auto", "sglang"):
        implied["supports_generate"] = fields.get("supports_openai", True)
    if fields.get("api_key"):
        implied["credential_mode"] = "own"
    return implied | fields


def _check_whole(fields: dict[str, Any], path: str, checker: Checker) -> None:
    """What only several fields together can get wrong.  A key may be stored already, so its absence is no error."""
    row = Upstream(**{key: value for key, value in fields.items() if key != "api_key"})
    if not row.dialects():
        checker.wrong(path, "must support at least one of openai, anthropic, responses, generate (supports_…)")
    if row.key_style == "header" and not row.key_header:
        checker.wrong(f"{path}.key_header", "is missing: key_style is header")


def _parse_bindings(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    if "model_upstream_binding" not in sections:
        if len(document.upstreams) == 1:
            document.bindings.append(BindingEntry("*", (_target(next(iter(document.upstreams))),)))
        elif document.upstreams:
            document.notes.append("model_upstream_binding: missing, so no model goes anywhere yet.")
        else:
            document.notes.append("The file names no upstream, so no request goes anywhere yet.")
        return
    seen: set[str] = set()
    for pattern, value in checker.object(sections["model_upstream_binding"], "model_upstream_binding").items():
        path = f"model_upstream_binding[{checking.shown(pattern)}]"
        checker.field(ModelBinding._meta.get_field("pattern"), pattern, path)
        if not pattern.strip() or fold(pattern.strip()) in seen:
            checker.wrong(path, "must be a pattern that is not there already (case does not matter)")
        seen.add(fold(pattern.strip()))
        enabled = True
        if isinstance(value, dict) and "targets" in value:
            enabled = value.get("enabled", True)
            checker.typed(enabled, f"{path}.enabled", "must be true or false", is_flag)
            value = value["targets"]
        targets = _parse_targets(value, path, document, checker)
        document.bindings.append(BindingEntry(pattern.strip(), tuple(targets), enabled is True))


def _parse_targets(value: Any, path: str, document: Document, checker: Checker) -> list[dict[str, Any]]:
    if isinstance(value, list):
        targets = [
            target
            for index, item in enumerate(value)
            if (target := _parse_target(item, f"{path}[{index}]", document, checker))
        ]
        pairs = [(target["upstream"], target["upstream_model"]) for target in targets]
        if len(set(pairs)) != len(pairs):
            checker.wrong(path, "must not name the same upstream and model twice")
        return targets
    target = _parse_target(value, path, document, checker)
    return [target] if target else []


def _parse_target(value: Any, path: str, document: Document, checker: Checker) -> dict[str, Any] | None:
    """A name, or an object with upstream, model, priority and weight."""
    fields = {"upstream": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        checker.wrong(path, "must be an upstream's name, an object with “upstream”, or a list of those", value)
        return None
    names = {fold(name): name for name in document.upstreams}
    wanted = fields.get("upstream")
    if not isinstance(wanted, str) or fold(wanted) not in names:
        known = f" ({', '.join(document.upstreams)})" if names else ""
        checker.wrong(
            path if isinstance(value, str) else f"{path}.upstream", f"must be one of the upstreams{known}", wanted
        )
        return None
    for key in fields.keys() - {"upstream", "model", "priority", "weight"}:
        document.notes.append(f"{path}.{key}: not known, and left out.")
    target = _target(names[fold(wanted)], fields.get("model") or "", fields.get("priority", 0), fields.get("weight", 1))
    checked = [
        checker.field(BindingTarget._meta.get_field(field), target[field], f"{path}.{key}")
        for key, field in (("model", "upstream_model"), ("priority", "priority"), ("weight", "weight"))
    ]
    return target if all(checked) else None


def _target(upstream: str, model: str = "", priority: int = 0, weight: int = 1) -> dict[str, Any]:
    return {"upstream": upstream, "upstream_model": model, "priority": priority, "weight": weight}


def _parse_override_of_model(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    override = sections.get("override")
    name = override.get("model_name") if isinstance(override, dict) else None
    if not name:
        return
    if not checker.typed(name, "override.model_name", "must be a text", is_text):
        return
    if override.get("only_anthropic"):
        document.kept["override"] = {"only_anthropic": True, "model_name": name}
        document.notes.append("override.model_name: kept; a name for Anthropic requests only is not supported yet.")
        return
    for binding in document.bindings:
        for target in binding.targets:
            target["upstream_model"] = target["upstream_model"] or name


def _parse_listen(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    server = sections.get("server", {})
    listen = dict(checker.object(sections.get("listen", {}), "listen"))
    paths = {key: f"listen.{key}" for key in listen}
    for key, name in _OWN_SERVER_KEYS.items():
        if isinstance(server, dict) and key in server and name not in listen:
            listen[name] = server[key]
            paths[name] = f"server.{key}"
    checks: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "host": ("must be a text", is_text),
        "port": ("must be a port from 0 to 65535", is_port),
        "base_path": ("must be a text", is_text),
    }
    for key, (must, fits) in checks.items():
        if key in listen:
            checker.typed(listen[key], paths[key], must, fits)
    if is_port(listen.get("port")):
        listen["port"] = int(listen["port"])
    if listen:
        document.kept["listen"] = listen


def _parse_logging(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    logging = checker.object(sections.get("logging", {}), "logging")
    for key in ("enable_debug_logs", "enable_override_logs"):
        if key in logging:
            checker.typed(logging[key], f"logging.{key}", "must be true or false", is_flag)
    if logging:
        document.kept["logging"] = logging


_USED = frozenset(
    {"server", "listen", "logging", "upstreams", "model_upstream_binding", "override", *SAMPLING_SECTIONS}
)


def _keep_the_rest(sections: dict[str, Any], document: Document) -> None:
    for name, content in sections.items():
        if name not in _USED:
            document.kept[name] = content
            document.notes.append(f"{name}: kept; this version does not use it yet.")
