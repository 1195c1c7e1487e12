"""A policy in force, in the words of the overview and of “explain”."""

from dataclasses import dataclass

from validation.detectors.names import DETECTORS
from validation.snapshot import Delivery, OnExhausted, Policy, Rung, ValidateOn


@dataclass(frozen=True)
class Judging:
    """Texts; blank where there is nothing to say."""

    pattern: str
    detectors: str
    validator: str
    asked: str  # when the validator model is
    delivery: str
    retries: str
    exhausted: str


def judging(policy: Policy) -> Judging:
    return Judging(
        pattern=policy.model_pattern,
        detectors=_detectors(policy),
        validator=policy.validator.name if policy.validator else "",
        asked=_asked(policy) if policy.validator else "",
        delivery=_DELIVERY[policy.delivery],
        retries=_retries(policy),
        exhausted=_EXHAUSTED[policy.on_exhausted],
    )


_DELIVERY = {
    Delivery.HOLD_BACK: "text goes on behind a window",
    Delivery.BUFFER: "nothing goes on before the answer is judged whole",
}
_EXHAUSTED = {
    OnExhausted.ERROR: "an error",
    OnExhausted.MESSAGE: "a message that explains it",
    OnExhausted.DELIVER: "the answer as it is",
}


def _detectors(policy: Policy) -> str:
    count = len(policy.detectors)
    if count == len(DETECTORS):
        return "built-in detectors"
    return f"{count} detector{'' if count == 1 else 's'}" if count else ""


def _asked(policy: Policy) -> str:
    doubt = " where the detectors are in doubt" if policy.validate_on is ValidateOn.SUSPICION else ""
    if not policy.mid_stream_validation_enabled:
        return f"at the end{doubt}"
    return f"every {policy.mid_stream_validation_interval_words} words and at the end{doubt}"


def _retries(policy: Policy) -> str:
    if not policy.max_retries:
        return "not tried again"
    steps = [step.replace("_", " ") for step in policy.ladder[: policy.max_retries]] or [Rung.SAME.value]
    times = "once" if policy.max_retries == 1 else f"up to {policy.max_retries} times"
    return f"tried again {times}: {' → '.join(steps)}"
