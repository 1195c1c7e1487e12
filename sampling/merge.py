"""Applies the layers to a request body: enforced > request > model > default.

A key that is in the request counts as set, even when its value is null, and under any of its names; objects merge
deeply.  Every value that ends up different is reported as a `Change`, so that a record can say where it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
from routing.json_values import copied, deep_merge, same
from routing.kinds import Kind
from sampling import parameters
from sampling.snapshot import Layers, Setting

ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the body: what it was, what it is, and the origin of the new value."""

    name: str
    before: Any  # ABSENT when the field was not there
    after: Any  # ABSENT when it is not there any more
    origin: str

    def as_dict(self) -> dict[str, Any]:
        sides = {"from": self.before, "to": self.after}
        return {"name": self.name, "origin": self.origin} | {k: v for k, v in sides.items() if v is not ABSENT}

    def __str__(self) -> str:
        before, after = ("(not set)" if side is ABSENT else repr(side) for side in (self.before, self.after))
        return f"{self.name}: {before} → {after} ({self.origin})"


def apply_layers(
    body: dict[str, Any], layers: Layers, dialect: Dialect, kind: Kind
) -> tuple[dict[str, Any], list[Change], list[str]]:
    """The body to send, what changed in it, and warnings about values that this upstream cannot be sent.

    `body` itself is not changed; when nothing has to be done the very same object comes back.  On `generate` the
    parameters live in `sampling_params`, which may be a list of such objects (one for each prompt of a batch).
    """
    if not layers:
        return body, [], []
    if dialect is not Dialect.GENERATE:
        return _applied(body, layers, dialect, kind)
    nested = body.get("sampling_params")
    if isinstance(nested, list):
        merged, changes, warnings = _applied_to_each(nested, layers, kind)
    else:
        merged, changes, warnings = _applied_to_one(nested, layers, kind)
    return ({**body, "sampling_params": merged} if changes else body), changes, warnings


def _applied_to_each(batch: list[Any], layers: Layers, kind: Kind) -> tuple[list[Any], list[Change], list[str]]:
    """What happens to every element alike is told once."""
    results = [_applied_to_one(item, layers, kind) for item in batch]
    changes = {str(change): change for _, found, _ in results for change in found}
    warnings = dict.fromkeys(warning for _, _, found in results for warning in found)
    return [item for item, _, _ in results], list(changes.values()), list(warnings)


def _applied_to_one(item: Any, layers: Layers, kind: Kind) -> tuple[Any, list[Change], list[str]]:
    """Null counts as an empty object; what is no object is left for the upstream to refuse."""
    if item is not None and not isinstance(item, dict):
        return item, [], []
    return _applied(item or {}, layers, Dialect.GENERATE, kind)


def _applied(
    body: dict[str, Any], layers: Layers, dialect: Dialect, kind: Kind
) -> tuple[dict[str, Any], list[Change], list[str]]:
    merge = _Merge(body, dialect, kind)
    for name, setting in layers.model.items():
        merge.fill(name, setting, "model")
    for name, setting in layers.default.items():
        merge.fill(name, setting, "default")
    for name, setting in layers.enforced.items():
        merge.enforce(name, setting)
    changes = merge.changes()
    return merge.body if changes else body, changes, merge.warnings


class _Merge:
    """The working state of one merge; `origins` remembers where each touched field's value came from."""

    def __init__(self, before: dict[str, Any], dialect: Dialect, kind: Kind) -> None:
        self.before = before
        self.body = dict(before)
        self.dialect = dialect
        self.kind = kind
        self.origins: dict[str, list[str]] = {}
        self.full: set[str] = set()  # objects that no lower layer fills up: a value between them replaced it
        self.warnings: list[str] = []

    def fill(self, name: str, setting: Setting, layer: str) -> None:
        """A value from below the request: it counts only where nothing above it is set; objects are filled up."""
        present = self._name_in_body(name)
        if present is None:
            if self._is_carried(name, setting, layer):
                self._set(parameters.spelled(name, self.dialect, self.kind), name, setting.value, setting, layer)
        elif not isinstance(setting.value, Mapping):
            self.full.add(present)
        elif isinstance(self.body[present], dict) and present not in self.full:
            self._set(present, name, deep_merge(setting.value, self.body[present]), setting, layer)

    def enforce(self, name: str, setting: Setting) -> None:
        """A value from above the request: it replaces the parameter under whatever names the body has it."""
        if not self._is_carried(name, setting, "enforced"):
            return
        present = self._name_in_body(name) or name
        spelling = parameters.spelled(present, self.dialect, self.kind)
        self._set(spelling, name, deep_merge(self.body.get(present), setting.value), setting, "enforced")
        for other in parameters.spellings(name):
            if other != spelling and other in self.body:
                del self.body[other]
                self.origins[other] = self.origins[spelling]

    def changes(self) -> list[Change]:
        return [
            Change(name, was, now, " + ".join(origins))
            for name, origins in self.origins.items()
            if not same(was := self.before.get(name, ABSENT), now := self.body.get(name, ABSENT))
        ]

    def _name_in_body(self, name: str) -> str | None:
        return next((spelling for spelling in parameters.spellings(name) if spelling in self.body), None)

    def _is_carried(self, name: str, setting: Setting, layer: str) -> bool:
        if parameters.is_carried(name, self.dialect, self.kind):
            return True
        self.warnings.append(
            f"{name} ({layer}, preset {setting.preset}) is left out: {self.dialect} requests to this upstream "
            f"(kind {self.kind}) cannot carry it."
        )
        return False

    def _set(self, spelling: str, name: str, value: Any, setting: Setting, layer: str) -> None:
        """An object may be made by several layers: then each that added to it is one of its origins."""
        value = parameters.fitted(name, value, self.dialect, self.kind)
        origin = f"{layer}: {setting.preset}"
        if not isinstance(setting.value, Mapping) or spelling not in self.origins:
            self.origins[spelling] = [origin]
        elif not same(self.body.get(spelling, ABSENT), value):
            self.origins[spelling].append(origin)
        self.body[spelling] = copied(value)
