"""Applies the layers to a request body: enforced > request > model > default.

A key that is in the request counts as set, even when its value is null, and under any of its names; objects merge
deeply.  Every value that ends up different is reported as a `Change`, so that a record can say where it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
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


def deep_merge(below: Any, above: Any) -> Any:
    """`above` laid over `below`: objects key by key, anything else replaced.  Neither argument is changed."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        merged = dict(below)
        for name, value in above.items():
            merged[name] = deep_merge(below[name], value) if name in below else value
        return merged
    return above


def apply_layers(
    body: dict[str, Any], layers: Layers, dialect: Dialect, kind: Kind
) -> tuple[dict[str, Any], list[Change], list[str]]:
    """The body to send, what changed in it, and warnings about values that this upstream cannot be sent.

    `body` itself is not changed.  On `generate` the parameters live in `sampling_params`, which may be a list of such
    objects (one for each prompt of a batch).
    """
    if not layers:
        return body, [], []
    if dialect is not Dialect.GENERATE:
        return _applied(body, layers, dialect, kind)
    nested = body.get("sampling_params")
    if isinstance(nested, list):
        return _applied_to_each(body, nested, layers, kind)
    if not isinstance(nested, dict):
        nested = {}
    merged, changes, warnings = _applied(nested, layers, dialect, kind)
    return ({**body, "sampling_params": merged} if changes else body), changes, warnings


def _applied_to_each(
    body: dict[str, Any], batch: list[Any], layers: Layers, kind: Kind
) -> tuple[dict[str, Any], list[Change], list[str]]:
    results = [_applied(item if isinstance(item, dict) else {}, layers, Dialect.GENERATE, kind) for item in batch]
    changes = list(dict.fromkeys(str(change) for _, found, _ in results for change in found))
    first_of = {str(change): change for _, found, _ in results for change in found}
    warnings = list(dict.fromkeys(warning for _, _, found in results for warning in found))
    merged = {**body, "sampling_params": [item for item, _, _ in results]} if changes else body
    return merged, [first_of[text] for text in changes], warnings


def _applied(
    body: dict[str, Any], layers: Layers, dialect: Dialect, kind: Kind
) -> tuple[dict[str, Any], list[Change], list[str]]:
    merge = _Merge(dict(body), dialect, kind)
    for name, setting in layers.model.items():
        merge.fill(name, setting, "model")
    for name, setting in layers.default.items():
        merge.fill(name, setting, "default")
    for name, setting in layers.enforced.items():
        merge.enforce(name, setting)
    return merge.body, merge.changes(body), merge.warnings


class _Merge:
    """The working state of one merge; `origins` remembers where each touched field's value came from."""

    def __init__(self, body: dict[str, Any], dialect: Dialect, kind: Kind) -> None:
        self.body = body
        self.dialect = dialect
        self.kind = kind
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []

    def fill(self, name: str, setting: Setting, layer: str) -> None:
        """A value from below the request: it counts only where nothing above it is set; objects are filled up."""
        present = self._name_in_body(name)
        if present is None:
            self._set(parameters.spelled(name, self.dialect), setting.value, name, setting, layer)
        elif isinstance(self.body[present], dict) and isinstance(setting.value, Mapping):
            self._set(present, deep_merge(setting.value, self.body[present]), name, setting, layer)

    def enforce(self, name: str, setting: Setting) -> None:
        """A value from above the request: it takes the name that the body uses already, so that never two are sent."""
        present = self._name_in_body(name) or parameters.spelled(name, self.dialect)
        self._set(present, deep_merge(self.body.get(present), setting.value), name, setting, "enforced")
        for other in parameters.spellings(name):
            if other != present:
                self.body.pop(other, None)

    def changes(self, before: Mapping[str, Any]) -> list[Change]:
        names = dict.fromkeys((*self.origins, *(name for name in before if name not in self.body)))
        return [
            Change(name, was, now, self.origins.get(name, "same parameter under another name"))
            for name in names
            if not _same(was := before.get(name, ABSENT), now := self.body.get(name, ABSENT))
        ]

    def _name_in_body(self, name: str) -> str | None:
        return next((spelling for spelling in parameters.spellings(name) if spelling in self.body), None)

    def _set(self, spelling: str, value: Any, name: str, setting: Setting, layer: str) -> None:
        if not parameters.is_carried(name, self.dialect, self.kind):
            self.warnings.append(
                f"{name} ({layer}, preset {setting.preset}) is left out: {self.dialect} requests to this upstream "
                f"(kind {self.kind}) cannot carry it."
            )
            return
        self.body[spelling] = _fitted(value, spelling)
        self.origins[spelling] = f"{layer}: {setting.preset}"


def _fitted(value: Any, spelling: str) -> Any:
    return [value] if spelling == "stop_sequences" and isinstance(value, str) else value


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 and true differ, 1 and 1.0 differ."""
    return type(one) is type(other) and one == other
