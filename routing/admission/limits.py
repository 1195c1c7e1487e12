"""Parallel limits and throttle rules as immutable values, asked by model and upstream."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from routing.matching import PatternTable, fold, remembered


class Scope(StrEnum):
    """What a limit is for, the most specific first: in this order a request waits for them."""

    MODEL = "model"
    UPSTREAM = "upstream"
    GLOBAL = "global"


Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `limit` requests at once.  `name` is the model pattern or the upstream, blank for the global limit.

    `queue_size` None: as many may wait as come; `queue_timeout_seconds` None: they wait as long as their clients do.
    """

    scope: Scope
    limit: int
    name: str = ""
    queue_size: int | None = None
    queue_timeout_seconds: float | None = None
    key: Key = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.scope.value, fold(self.name)))

    @property
    def label(self) -> str:
        """How log lines and errors call it."""
        if self.scope is Scope.GLOBAL:
            return "global limit"
        return f"upstream {self.name}" if self.scope is Scope.UPSTREAM else self.name


@dataclass(frozen=True, kw_only=True)
class LimitTable:
    limits: tuple[Limit, ...] = ()  # those of models in order of position; no two have the same key

    @cached_property
    def _models(self) -> PatternTable[Limit]:
        return PatternTable((limit.name, limit) for limit in self.limits if limit.scope is Scope.MODEL)

    @cached_property
    def _upstreams(self) -> dict[str, Limit]:
        return {fold(limit.name): limit for limit in self.limits if limit.scope is Scope.UPSTREAM}

    @cached_property
    def by_key(self) -> dict[Key, Limit]:
        return {limit.key: limit for limit in self.limits}

    @cached_property
    def _global(self) -> tuple[Limit, ...]:
        return tuple(limit for limit in self.limits if limit.scope is Scope.GLOBAL)[:1]

    @cached_property
    def of(self) -> Callable[[str, str], tuple[Limit, ...]]:
        """The limits a request for a model at an upstream meets, most specific first."""
        return remembered(self._of)

    def _of(self, model: str, upstream: str) -> tuple[Limit, ...]:
        of_model, of_upstream = self._models.first(model), self._upstreams.get(fold(upstream))
        return (*((of_model,) if of_model else ()), *((of_upstream,) if of_upstream else ()), *self._global)

    def longest_wait(self, model: str, upstream: str) -> float | None:
        """How long a request may queue: what the most specific of its limits says that says anything."""
        said = (limit.queue_timeout_seconds for limit in self.of(model, upstream))
        return next((seconds for seconds in said if seconds is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleRule:
    """Pauses between requests to one model.  `pattern` blank: for all; None: inherit from that; 0: no pause."""

    pattern: str = ""
    start_pause_seconds: float | None = None
    end_pause_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pauses:
    """`start`: from one send to the next.  `end`: from the end of an answer to the next send."""

    start: float = 0.0
    end: float = 0.0

    def __bool__(self) -> bool:
        return self.start > 0 or self.end > 0


@dataclass(frozen=True, kw_only=True)
class ThrottleTable:
    rules: tuple[ThrottleRule, ...] = ()  # those of models in order of position

    @cached_property
    def _models(self) -> PatternTable[ThrottleRule]:
        return PatternTable((rule.pattern, rule) for rule in self.rules if rule.pattern)

    @cached_property
    def _global(self) -> ThrottleRule:
        return next((rule for rule in self.rules if not rule.pattern), ThrottleRule())

    @cached_property
    def of(self) -> Callable[[str], Pauses]:
        """The pauses of a model.  The state they need is kept for each model, also where the values are global."""
        return remembered(self._of)

    def _of(self, model: str) -> Pauses:
        rule, inherited = self._models.first(model) or ThrottleRule(), self._global
        return Pauses(
            start=_first_said(rule.start_pause_seconds, inherited.start_pause_seconds),
            end=_first_said(rule.end_pause_seconds, inherited.end_pause_seconds),
        )


def _first_said(own: float | None, inherited: float | None) -> float:
    return own if own is not None else inherited or 0.0
