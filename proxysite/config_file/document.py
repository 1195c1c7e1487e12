"""What a config.json says, checked: plain values, no rows yet."""

from dataclasses import dataclass, field
from typing import Any


class ConfigFileError(Exception):
    """A file that is refused whole; one line for each wrong value, with its path."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class BindingEntry:
    """`targets` hold upstream (a name), upstream_model, priority and weight."""

    pattern: str
    targets: tuple[dict[str, Any], ...]
    enabled: bool = True


@dataclass(frozen=True)
class RuleEntry:
    preset: str
    layer: str
    model_pattern: str = "*"
    applies_to: str = "all"
    position: int = 100
    enabled: bool = True


@dataclass
class Document:
    """`upstreams`: name → fields of the row.  `kept`: sections that become rows of their own, as they came."""

    upstreams: dict[str, dict[str, Any]] = field(default_factory=dict)
    bindings: list[BindingEntry] = field(default_factory=list)
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[RuleEntry] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
