"""The sampling configuration as one immutable value.

`SamplingTable.layers(model, dialect)` answers the three configured layers for a request, already merged; the request
itself is the fourth (`sampling.merge`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from routing.dialects import Dialect
from routing.json_values import deep_merge
from routing.matching import PatternTable, remembered
from sampling.parameters import canonical


class Layer(StrEnum):
    DEFAULT = "default"
    MODEL = "model"
    ENFORCED = "enforced"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A preset's parameters on one layer.  `applies_to` None means every client dialect."""

    layer: Layer
    pattern: str
    preset: str
    parameters: Mapping[str, Any]
    applies_to: Dialect | None = None
    above_all: bool = False  # beats even exact rules of its layer


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter's value on one layer, and the preset it comes from."""

    value: Any
    preset: str


Settings = Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Layers:
    default: Settings
    model: Settings
    enforced: Settings

    def __bool__(self) -> bool:
        return bool(self.default or self.model or self.enforced)


@dataclass(frozen=True, kw_only=True)
class SamplingTable:
    rules: tuple[Rule, ...] = ()  # in order of position

    @cached_property
    def _tables(self) -> dict[Layer, PatternTable[Rule]]:
        return {
            layer: PatternTable((rule.pattern, rule) for rule in self.rules if rule.layer is layer) for layer in Layer
        }

    @cached_property
    def layers(self) -> Callable[[str, Dialect], Layers]:
        """The merged layers for a model's name as the client wrote it."""
        return remembered(self._layers)

    def _layers(self, model: str, dialect: Dialect) -> Layers:
        return Layers(*(self._merged(self._tables[layer], model, dialect) for layer in Layer))

    def _merged(self, table: PatternTable[Rule], model: str, dialect: Dialect) -> dict[str, Setting]:
        """Exact rules beat globs, earlier positions beat later ones; null switches the parameter off on this layer."""
        rules = [rule for rule in table.all(model) if rule.applies_to in (None, dialect)]
        rules.sort(key=lambda rule: not rule.above_all)
        merged: dict[str, tuple[str, Any, str]] = {}  # by the table's name: spellings of one parameter are one
        for rule in reversed(rules):
            for name, value in rule.parameters.items():
                _, below, _ = merged.get(canonical(name), (name, None, ""))
                merged[canonical(name)] = (name, deep_merge(below, value), rule.preset)
        cleaned = ((name, _without_nulls(value), preset) for name, value, preset in merged.values())
        return {name: Setting(value, preset) for name, value, preset in cleaned if value is not None}


def _without_nulls(value: Any) -> Any:
    """A null inside an object means "not set" there too; an object of nothing but nulls is not set at all."""
    if not isinstance(value, Mapping) or not value:
        return value
    kept = {name: _without_nulls(item) for name, item in value.items()}
    return {name: item for name, item in kept.items() if item is not None} or None
