"""What a config.json says, checked: plain values, no rows yet."""

from dataclasses import dataclass, field
from typing import Any

STEP = 10  # between positions, so that a person can put something in between


class ConfigFileError(Exception):
    """A file that is refused whole; one line for each wrong value, with its path."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class UpstreamEntry:
    """`fields` are what the file says, `implied` what follows from it for a row that is new or replaced."""

    name: str
    path: str
    fields: dict[str, Any]
    implied: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BindingEntry:
    """`targets` hold upstream (a name), upstream_model, priority and weight.  `implied`: the file does not say it."""

    pattern: str
    targets: tuple[dict[str, Any], ...]
    position: int
    enabled: bool = True
    session_affinity: bool = False
    implied: bool = False


@dataclass(frozen=True)
class RuleEntry:
    preset: str
    layer: str
    model_pattern: str = "*"
    applies_to: str = "all"
    position: int = 100
    enabled: bool = True


@dataclass(frozen=True)
class LimitEntry:
    """`name` is the model pattern or the upstream, as the scope says; blank for the global limit."""

    scope: str
    name: str
    limit: int
    queue_size: int | None = None
    queue_timeout_seconds: float | None = None
    position: int = 100
    enabled: bool = True


@dataclass(frozen=True)
class PauseEntry:
    model_pattern: str
    start_pause_seconds: float | None = None
    end_pause_seconds: float | None = None
    position: int = 100
    enabled: bool = True


@dataclass(frozen=True)
class ValidatorEntry:
    """A validator model; `fields` are what the file says."""

    name: str
    path: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class PolicyEntry:
    """`validator` is the name of one, None where no model is asked; `fields` are what the file says."""

    model_pattern: str
    validator: str | None
    fields: dict[str, Any]


@dataclass
class Document:
    """`kept`: sections that become rows of their own, as they came.  What may be None is so where the file is silent.

    Among the kept, "upstreams" holds the keys of upstreams that are not known: name → keys.
    """

    upstreams: list[UpstreamEntry] = field(default_factory=list)
    bindings: list[BindingEntry] = field(default_factory=list)
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[RuleEntry] = field(default_factory=list)
    limits: list[LimitEntry] | None = None
    pauses: list[PauseEntry] | None = None
    validators: list[ValidatorEntry] | None = None
    policies: list[PolicyEntry] | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
