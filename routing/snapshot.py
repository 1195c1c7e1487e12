"""The routing configuration as one immutable value: what `routing.loading` makes of the rows.

A request takes it once and carries it to its end, so a change in the admin never splits one request in two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from routing.admission.limits import LimitTable, ThrottleTable
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.matching import PatternTable
from routing.secrets import Secret


class CredentialMode(StrEnum):
    FORWARD = "forward"  # the client's own key goes upstream
    NONE = "none"  # no key goes upstream
    OWN = "own"  # the upstream's stored key goes upstream


class KeyStyle(StrEnum):
    BEARER = "bearer"
    X_API_KEY = "x-api-key"
    HEADER = "header"  # the header that key_header names


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server we call.  Times are in seconds; `base_url` has no trailing slash."""

    name: str
    base_url: str
    kind: Kind
    dialects: frozenset[Dialect]
    connect_timeout_seconds: float = 5.0
    timeout_seconds: float = 1200.0
    first_token_timeout_seconds: float | None = None
    total_timeout_seconds: float | None = None
    http2: bool = False
    verify_tls: bool = True
    credential_mode: CredentialMode = CredentialMode.FORWARD
    key_style: KeyStyle = KeyStyle.BEARER
    key_header: str = ""
    key: Secret | None = None
    anthropic_version: str = ""
    extra_headers: tuple[tuple[str, str], ...] = ()
    drop_params: tuple[str, ...] = ()
    rename_params: Mapping[str, str] = field(default_factory=dict)
    set_params: Mapping[str, Any] = field(default_factory=dict)
    reasoning_field: str = "auto"
    tool_call_repair: str = "auto"
    strip_billing_header: bool = True
    max_retries: int = 2
    base_retry_delay: float = 1.0
    rate_limit_wait: float = 30.0
    loading_wait: float = 600.0
    retry_statuses: tuple[int, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One upstream inside a binding; `model` is the name it knows, blank for the client's own.

    Where `model` is a glob, the request's copy of the target says which of the upstream's models was `picked`.
    """

    upstream: Upstream
    model: str = ""
    priority: int = 0
    weight: int = 1
    picks: bool = False  # `model` is a glob
    picked: str = ""

    @property
    def sent_model(self) -> str:
        """The name that is sent, blank for the client's own."""
        return self.picked if self.picks else self.model


_MOST_LACKING = 5  # that are told


@dataclass(frozen=True, kw_only=True)
class Binding:
    """`session_affinity`: the requests of one conversation go to the same target, so that its KV cache is used.

    One without targets matches all the same, and its requests are refused: else they would go, with their client's key,
    where a wider pattern leads.  `lacking` is then what is wrong with each target that it would have.
    """

    pattern: str
    targets: tuple[Target, ...]
    session_affinity: bool = False
    lacking: tuple[str, ...] = ()

    @property
    def why_unusable(self) -> str:
        """In words for whoever mends it, where there are no targets."""
        shown, more = self.lacking[:_MOST_LACKING], len(self.lacking) - _MOST_LACKING
        words = f"{', '.join(shown)}{f' and {more} more' if more > 0 else ''}"
        return f"it has no usable upstream ({words})" if shown else "it names no upstream"

    @cached_property
    def picks(self) -> bool:
        """Whether it must be known which models an upstream has."""
        return any(target.picks for target in self.targets)

    @cached_property
    def first_choices(self) -> tuple[Target, ...]:
        """The targets of the best priority, which is the lowest number."""
        best = min(target.priority for target in self.targets)
        return tuple(target for target in self.targets if target.priority == best)


@dataclass(frozen=True, kw_only=True)
class RoutingTable:
    upstreams: tuple[Upstream, ...] = ()  # the enabled ones
    bindings: tuple[Binding, ...] = ()  # the enabled ones, in order of position
    limits: LimitTable = field(default_factory=LimitTable)
    throttles: ThrottleTable = field(default_factory=ThrottleTable)

    @cached_property
    def _table(self) -> PatternTable[Binding]:
        return PatternTable((binding.pattern, binding) for binding in self.bindings)

    @cached_property
    def catch_all(self) -> Binding | None:
        return next((binding for binding in self.bindings if binding.pattern == "*"), None)

    def binding(self, model: str) -> Binding | None:
        return self._table.first(model)
