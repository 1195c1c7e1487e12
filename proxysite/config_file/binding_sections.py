"""`model_upstream_binding` of a config.json: which upstreams serve which model."""

from typing import Any

from proxysite.config_file.checking import Checker, child, is_object, shown
from proxysite.config_file.document import STEP, BindingEntry, Document
from routing.matching import fold
from routing.models import BindingTarget, ModelBinding

SECTION = "model_upstream_binding"

CATCH_ALL = "*"
FIRST_LISTED = "*"
LEGACY_SECTION = "server"

_BINDING_KEYS = {"targets", "enabled", "position", "session_affinity"}
_TARGET_FIELDS = {"model": "upstream_model", "priority": "priority", "weight": "weight"}
_DEFAULTS = {"model": "", "priority": 0, "weight": 1}
_PATTERN = ModelBinding._meta.get_field("pattern")
_ABOUT = {name: ModelBinding._meta.get_field(name) for name in ("enabled", "position", "session_affinity")}


def parse_bindings(
    sections: dict[str, Any], upstreams: list[str], model: str, document: Document, checker: Checker
) -> None:
    """`upstreams` are the names that bindings may refer to; `model` is sent where a target names none of its own."""
    reader = _Reader(upstreams, model, document, checker)
    if SECTION in sections:
        for pattern, value in checker.object(sections[SECTION], SECTION).items():
            reader.add(pattern, value)
    elif len(upstreams) == 1:
        reader.add(CATCH_ALL, _implied_target(upstreams[0], model, document), implied=True)
    elif upstreams:
        document.notes.append(f"{SECTION}: missing, so no model goes anywhere yet.")
    else:
        document.notes.append("The file names no upstream, so no request goes anywhere yet.")


def _implied_target(upstream: str, model: str, document: Document) -> Any:
    """The earlier proxies that knew one server replaced the model where they converted, by the first of its list."""
    old = [entry for entry in document.upstreams if entry.path == LEGACY_SECTION]
    if model or all(entry.fields.get("supports_anthropic") for entry in old):
        return upstream
    document.notes.append(
        "Requests for models that the server does not list are sent with the first that it lists; the target of the "
        f"binding {CATCH_ALL} says so (model {FIRST_LISTED})."
    )
    return {"upstream": upstream, "model": FIRST_LISTED}


class _Reader:
    def __init__(self, upstreams: list[str], model: str, document: Document, checker: Checker) -> None:
        self._names = {fold(name): name for name in upstreams}
        self._model = model
        self._document = document
        self._checker = checker
        self._seen: set[str] = set()
        self._last = 0

    def add(self, pattern: str, value: Any, *, implied: bool = False) -> None:
        path = f"{SECTION}[{shown(pattern)}]"
        pattern = pattern.strip()
        self._checker.field(_PATTERN, pattern, path)
        if fold(pattern) in self._seen:
            self._checker.wrong(path, "must be different from every other pattern (case does not matter)")
        self._seen.add(fold(pattern))
        said: dict[str, Any] = {"position": self._last + STEP}
        if isinstance(value, dict) and "targets" in value:
            said |= self._about_binding(value, path)
            value, path = value["targets"], f"{path}.targets"
        targets = self._targets(value, path)
        if not targets:
            self._document.notes.append(f"{path}: has no target, so it is skipped.")
        self._last = said["position"]
        self._document.bindings.append(BindingEntry(pattern, tuple(targets), implied=implied, **said))

    def _about_binding(self, value: dict[str, Any], path: str) -> dict[str, Any]:
        """enabled, position and session_affinity, as far as they are said."""
        self._no_other_keys(value, _BINDING_KEYS, path)
        return {
            key: value[key]
            for key, field in _ABOUT.items()
            if key in value and self._checker.field(field, value[key], f"{path}.{key}")
        }

    def _targets(self, value: Any, path: str) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            return self._target(value, path)
        found = (self._target(item, f"{path}[{index}]") for index, item in enumerate(value))
        targets = [target for targets in found for target in targets]
        pairs = {(target["upstream"], target["upstream_model"]) for target in targets}
        if len(pairs) != len(targets):
            self._checker.wrong(path, "must not name the same upstream and model twice")
        return targets

    def _target(self, value: Any, path: str) -> list[dict[str, Any]]:
        """From a name, or an object with upstream, model, priority and weight.  Empty if something is wrong."""
        if isinstance(value, str):
            upstream = self._upstream(value, path)
            return [_target(upstream, {**_DEFAULTS, "model": self._model})] if upstream else []
        must = "must be an upstream's name, an object with “upstream”, or a list of those"
        if not self._checker.typed(value, path, must, is_object):
            return []
        self._no_other_keys(value, {"upstream", *_TARGET_FIELDS}, path)
        upstream = self._upstream(value.get("upstream"), f"{path}.upstream")
        said = {key: value[key] for key in _TARGET_FIELDS if key in value and (key, value[key]) != ("model", None)}
        fine = [
            self._checker.field(BindingTarget._meta.get_field(_TARGET_FIELDS[key]), said[key], f"{path}.{key}")
            for key in said
        ]
        told = {**_DEFAULTS, **said}
        told["model"] = told["model"] or self._model
        return [_target(upstream, told)] if upstream and all(fine) else []

    def _upstream(self, wanted: Any, path: str) -> str | None:
        """The upstream's name as the upstream itself writes it."""
        if isinstance(wanted, str) and fold(wanted.strip()) in self._names:
            return self._names[fold(wanted.strip())]
        known = ", ".join(self._names.values()) or "the file has none"
        self._checker.wrong(path, f"must be one of the upstreams ({known})", wanted)
        return None

    def _no_other_keys(self, value: dict[str, Any], known: set[str], path: str) -> None:
        for key in value:
            if key not in known:
                self._checker.wrong(child(path, key), f"is not known; there are {', '.join(sorted(known))}")


def _target(upstream: str, told: dict[str, Any]) -> dict[str, Any]:
    return {"upstream": upstream, **{field: told[key] for key, field in _TARGET_FIELDS.items()}}
