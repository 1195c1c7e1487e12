"""The validation configuration as one immutable value: whose answers are judged, by what, and what becomes of garbage.

A request takes its policy once and carries it to its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from routing.dialects import Dialect
from routing.matching import PatternTable
from routing.secrets import Secret
from validation.repair.settings import RepairTable


class ValidateOn(StrEnum):
    ALWAYS = "always"  # the validator model sees every answer
    SUSPICION = "suspicion"  # only where the built-in detectors are in doubt


class Delivery(StrEnum):
    HOLD_BACK = "hold_back"  # text is released behind a window
    BUFFER = "buffer"  # nothing is released before the answer is judged whole


class OnExhausted(StrEnum):
    ERROR = "error"  # an error of the client's dialect
    MESSAGE = "message"  # an assistant message that explains
    DELIVER = "deliver"  # what there is


class Rung(StrEnum):
    """What a retry changes.  A ladder is climbed one rung for each retry; a rung the upstream lacks is left out."""

    SAME = "same"
    SEED = "seed"
    PENALTY = "penalty"
    DRY = "dry"
    TEMPERATURE = "temperature"
    NO_THINKING = "no_thinking"
    NEXT_TARGET = "next_target"


LADDER = (Rung.PENALTY, Rung.TEMPERATURE, Rung.SEED, Rung.NEXT_TARGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorTarget:
    """A small model that is asked whether an answer is garbage.  Times are in seconds."""

    name: str
    base_url: str
    model: str
    dialect: Dialect = Dialect.CHAT  # or messages
    key: Secret | None = None
    prompt: str = ""  # blank: the prompt that comes with us
    connect_timeout_seconds: float = 5.0
    timeout_seconds: float = 300.0
    extra: Mapping[str, object] = field(default_factory=dict)  # fields laid over the request's body

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What happens to the answers of the models that a pattern names."""

    model_pattern: str
    detectors: frozenset[str] = frozenset()  # names of the built-in detectors that look
    validator: ValidatorTarget | None = None
    mid_stream_validation_enabled: bool = True
    mid_stream_validation_interval_words: int = 300
    validate_on: ValidateOn = ValidateOn.ALWAYS
    max_retries: int = 1
    retry_base_delay_seconds: float = 1.0
    retry_multiplier: float = 2.0
    confidence_threshold: float = 0.85
    delivery: Delivery = Delivery.HOLD_BACK
    on_exhausted: OnExhausted = OnExhausted.ERROR
    ladder: tuple[Rung, ...] = LADDER
    hold_seconds: float = 2.0  # longest that a client's stream waits for the validator model

    @property
    def judges(self) -> bool:
        """Whether anything looks at an answer: a policy that does not look leaves the flow as it is."""
        return bool(self.detectors) or self.validator is not None

    def delay(self, retry: int) -> float:
        """Seconds before a retry, counted from 1: none before the first, which follows at once."""
        return 0.0 if retry <= 1 else self.retry_base_delay_seconds * self.retry_multiplier ** (retry - 2)


@dataclass(frozen=True, kw_only=True)
class ValidationTable:
    policies: tuple[Policy, ...] = ()  # the enabled ones, in order of position
    repair: RepairTable = field(default_factory=RepairTable)

    @cached_property
    def _table(self) -> PatternTable[Policy]:
        return PatternTable((policy.model_pattern, policy) for policy in self.policies)

    def policy(self, model: str) -> Policy | None:
        """The policy of a model name, None if its answers are not judged.  Asked once for each request."""
        if not self.policies:
            return None
        found = self._table.first(model)
        return found if found is not None and found.judges else None
