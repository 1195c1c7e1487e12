"""`upstreams` of a config.json, and `server`, in which the first generation named its only one."""

import re
from collections.abc import Iterator
from typing import Any

from proxysite.config_file.checking import Checker, is_object, is_port, is_text
from proxysite.config_file.document import Document, UpstreamEntry
from proxysite.config_file.listening import OF_SERVER
from proxysite.config_file.spelling import meant
from routing import address
from routing.matching import fold
from routing.models import Upstream
from routing.snapshot import KeyStyle

LEGACY_NAME = "default"

_TARGET = ("target_base_url", "target_host", "target_port")
FIELDS = {field.name: field for field in Upstream._meta.concrete_fields if not field.primary_key}
_HOST = re.compile(r"[^\s/@?#\[\]]+")


def parse_upstreams(sections: dict[str, Any], document: Document, checker: Checker) -> list[str]:
    """The names of all upstreams, also of those with something wrong: whoever refers to them is not to blame."""
    reader = _Reader(document, checker)
    entries = checker.list(sections.get("upstreams", []), "upstreams")
    for index, entry in enumerate(entries):
        reader.add(entry, f"upstreams[{index}]")
    _parse_server(checker.object(sections.get("server", {}), "server"), reader, has_upstreams=bool(entries))
    return reader.names


def _parse_server(server: dict[str, Any], reader: "_Reader", *, has_upstreams: bool) -> None:
    named = any(key in server for key in _TARGET)
    rest = {key: value for key, value in server.items() if key not in _TARGET and key not in OF_SERVER}
    if named and not has_upstreams:
        reader.add_server(server, rest)
        return
    if named:
        reader.document.notes.append("server.target_…: not used, because the file has upstreams.")
    if rest and reader.checker.holds_no_key(rest, "server"):
        reader.document.kept["server"] = rest
        reader.document.notes.append(f"server: kept, but not used: {', '.join(rest)}.")


class _Reader:
    def __init__(self, document: Document, checker: Checker) -> None:
        self.document = document
        self.names: list[str] = []
        self.checker = checker

    def add(self, entry: Any, path: str) -> None:
        if not self.checker.typed(entry, path, "must be an object", is_object):
            return
        fields = {key: value for key, value in entry.items() if key in FIELDS}
        unknown = {key: value for key, value in entry.items() if key not in FIELDS}
        self._add(fields, unknown, {key: f"{path}.{key}" for key in FIELDS}, path)

    def add_server(self, server: dict[str, Any], rest: dict[str, Any]) -> None:
        paths = {key: f"server.{key}" for key in FIELDS} | {"base_url": "server.target_base_url"}
        base_url = server["target_base_url"] if "target_base_url" in server else self._built_url(server)
        known = {key: value for key, value in rest.items() if key in FIELDS and key != "base_url"}
        unknown = {key: value for key, value in rest.items() if key not in known}
        self._add({"name": LEGACY_NAME, **known, "base_url": base_url}, unknown, paths, "server")

    def _built_url(self, server: dict[str, Any]) -> str:
        host, port = server.get("target_host", "127.0.0.1"), server.get("target_port", "8000")
        fine = self.checker.typed(
            host, "server.target_host", "must be a host name or address", lambda value: _is_host(value)
        )
        fine &= self.checker.typed(port, "server.target_port", "must be a port from 1 to 65535", _is_open_port)
        if not fine:
            return "http://not.used"  # the file is refused already
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _add(self, fields: dict[str, Any], unknown: dict[str, Any], paths: dict[str, str], path: str) -> None:
        checker = self.checker
        fields = {key: value.strip() if key in ("name", "base_url") and is_text(value) else value
                  for key, value in fields.items()}  # fmt: skip
        missing = [key for key in ("name", "base_url") if fields.get(key) in (None, "")]
        for key in missing:
            checker.wrong(paths[key], "is missing")
        checked = [checker.field(FIELDS[key], value, paths[key]) for key, value in fields.items() if key not in missing]
        if "name" not in missing and is_text(fields["name"]):
            checked.append(self._is_new(fields["name"], paths["name"]))
        checked.append(checker.holds_no_key(unknown, path))
        if missing or not all(checked):
            return
        self._note(fields, unknown, path)
        fields["base_url"] = address.normal_base_url(fields["base_url"])
        entry = UpstreamEntry(fields["name"], path, fields, _implied(fields))
        row = Upstream(**{key: value for key, value in (entry.implied | fields).items() if key != "api_key"})
        for place, problem in whole_problems(row, path):
            checker.wrong(place, problem)
        self.document.upstreams.append(entry)

    def _is_new(self, name: str, path: str) -> bool:
        if fold(name) in map(fold, self.names):
            self.checker.wrong(path, "must be different from every other upstream's (case does not matter)", name)
            return False
        self.names.append(name)
        return True

    def _note(self, fields: dict[str, Any], unknown: dict[str, Any], path: str) -> None:
        if unknown:
            self.document.kept.setdefault("upstreams", {})[fields["name"]] = unknown
            question = meant(unknown, FIELDS)
            self.document.notes.append(f"{path}: kept, but not known: {', '.join(unknown)}.{question}")


def _is_host(value: Any) -> bool:
    return is_text(value) and bool(_HOST.fullmatch(value))


def _is_open_port(value: Any) -> bool:
    return is_port(value) and int(value) > 0


def _implied(fields: dict[str, Any]) -> dict[str, Any]:
    """What a file need not say: earlier proxies passed /generate on, and a key is there to be sent."""
    implied: dict[str, Any] = {}
    if fields.get("kind", "auto") in ("auto", "sglang"):
        implied["supports_generate"] = fields.get("supports_openai", True)
    if fields.get("api_key"):
        implied["credential_mode"] = "own"
    return implied


def whole_problems(row: Upstream, path: str) -> Iterator[tuple[str, str]]:
    """What only several fields together can get wrong.  A missing key is none: it may be entered later."""
    if not row.dialects():
        yield path, "must support at least one of openai, anthropic, responses, generate (supports_…)"
    if row.key_style == KeyStyle.HEADER and not row.key_header:
        yield f"{path}.key_header", "is missing: key_style is header"
