"""`parallel_limits` and `throttle` of a config.json: how many requests run at once, and how long they pause."""

from typing import Any

from proxysite.config_file.checking import Checker, child, is_integer, is_object, shown
from proxysite.config_file.document import STEP, Document, LimitEntry, PauseEntry
from routing.admission.limits import Scope
from routing.matching import fold
from routing.models import ParallelLimit, ThrottleRule

LIMITS = "parallel_limits"
THROTTLE = "throttle"
GLOBAL = "global"
PER_MODEL = "per_model"

_LIMIT_KEYS = ("limit", "queue_size", "queue_timeout_seconds", "position", "enabled")
_PAUSE_KEYS = ("start_pause_seconds", "end_pause_seconds", "position", "enabled")
_LIMIT, _PAUSE = ParallelLimit._meta.get_field, ThrottleRule._meta.get_field


def parse_limits(sections: dict[str, Any], upstreams: list[str], document: Document, checker: Checker) -> None:
    """A name with a number, or with an object of which the name is only a label if it names its upstream or model."""
    if LIMITS not in sections:
        return
    document.limits = []
    names = {fold(name): name for name in upstreams}
    seen: set[tuple[str, str]] = set()
    last = 0
    for label, value in checker.object(sections[LIMITS], LIMITS).items():
        path = f"{LIMITS}[{shown(label)}]"
        said = {"limit": value} if is_integer(value) else value
        if not checker.typed(said, path, "must be a whole number, or an object with “limit”", is_object):
            continue
        scope, name = _what_for(label.strip(), said, path, names, checker)
        fields = _checked(said, _LIMIT_KEYS, _LIMIT, {"upstream", "model"}, path, checker)
        if "limit" not in said:
            checker.wrong(f"{path}.limit", "is missing")
        if (scope, fold(name)) in seen:
            checker.wrong(path, "must be different from every other limit (case does not matter)")
        seen.add((scope, fold(name)))
        fields = {"limit": 1, "position": last + STEP, **fields}
        last = fields["position"]
        document.limits.append(LimitEntry(scope, name, **fields))


def _what_for(label: str, said: dict[str, Any], path: str, names: dict[str, str], checker: Checker) -> tuple[str, str]:
    """The scope, and the pattern or upstream."""
    if "upstream" in said:
        wanted = said["upstream"]
        if isinstance(wanted, str) and fold(wanted.strip()) in names:
            return Scope.UPSTREAM.value, names[fold(wanted.strip())]
        known = ", ".join(names.values()) or "the file has none"
        checker.wrong(f"{path}.upstream", f"must be one of the upstreams ({known})", wanted)
        return Scope.UPSTREAM.value, str(wanted)
    if "model" not in said and fold(label) == GLOBAL:
        return Scope.GLOBAL.value, ""
    pattern, place = (said["model"], f"{path}.model") if "model" in said else (label, path)
    fine = checker.field(_LIMIT("model_pattern"), pattern, place)
    if fine and not pattern.strip():
        checker.wrong(place, "must not be empty")
    return Scope.MODEL.value, pattern.strip() if fine else str(pattern)


def parse_throttle(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    if THROTTLE not in sections:
        return
    document.pauses = []
    throttle = checker.object(sections[THROTTLE], THROTTLE)
    is_on = checker.flag(throttle["enabled"], f"{THROTTLE}.enabled") if "enabled" in throttle else True
    for key in throttle:
        if key not in ("enabled", GLOBAL, PER_MODEL):
            checker.wrong(child(THROTTLE, key), f"is not known; there are enabled, {GLOBAL}, {PER_MODEL}")
    rules = [("", throttle[GLOBAL], f"{THROTTLE}.{GLOBAL}")] if throttle.get(GLOBAL) is not None else []
    for pattern, value in checker.object(throttle.get(PER_MODEL, {}), f"{THROTTLE}.{PER_MODEL}").items():
        path = f"{THROTTLE}.{PER_MODEL}[{shown(pattern)}]"
        checker.field(_PAUSE("model_pattern"), pattern, path)
        if not pattern.strip():
            checker.wrong(path, "must name a model")
        rules.append((pattern.strip(), value, path))
    seen: set[str] = set()
    last = 0
    for pattern, value, path in rules:
        if fold(pattern) in seen:
            checker.wrong(path, "must be different from every other pattern (case does not matter)")
        seen.add(fold(pattern))
        fields = _checked(checker.object(value, path), _PAUSE_KEYS, _PAUSE, set(), path, checker)
        fields = {"position": last + STEP, **fields, "enabled": is_on and fields.get("enabled", True)}
        last = fields["position"]
        document.pauses.append(PauseEntry(pattern, **fields))


def _checked(
    said: dict[str, Any], known: tuple[str, ...], field: Any, others: set[str], path: str, checker: Checker
) -> dict[str, Any]:
    """The values of the known keys that are right; whatever is wrong or not known is an error."""
    for key in said:
        if key not in known and key not in others:
            checker.wrong(child(path, key), f"is not known; there are {', '.join(sorted({*known, *others}))}")
    return {key: said[key] for key in known if key in said and checker.field(field(key), said[key], f"{path}.{key}")}
