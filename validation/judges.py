"""The built-in detectors as the gate wants them: one judge for each channel of an answer."""

from collections.abc import Callable

from routing.dialects.events import FinishReason
from validation.channels import Channel, Detectors
from validation.detectors import TextDetectors, answer
from validation.snapshot import Policy
from validation.verdict import Verdict


def judges(policy: Policy) -> Callable[[Channel], Detectors]:
    """Makes the judge of a channel."""
    return lambda channel: Judge(policy, channel)


class Judge:
    """What the detectors that the policy wants say of one channel; what they are not sure enough of is not said."""

    def __init__(self, policy: Policy, channel: Channel) -> None:
        self._text = TextDetectors(policy.detectors, channel.value)
        self._threshold = policy.confidence_threshold
        self._is_seen = False
        self._wants_text = channel is Channel.TEXT and "empty" in policy.detectors

    @property
    def suspicion(self) -> int | None:
        return self._text.suspicion

    @property
    def doubt(self) -> int | None:
        return self._text.doubt

    def feed(self, text: str) -> Verdict | None:
        if not self._is_seen:
            self._is_seen = bool(text.strip())
        found = self._text.feed(text)
        return self._sure(found) if found else None

    def close(self, finish_reason: str = "") -> Verdict | None:
        """An answer of nothing is one only if it ended by itself: a client may have asked for a single token."""
        found = self._text.close(finish_reason)
        if found is None and self._wants_text and not self._is_seen and finish_reason in _BY_ITSELF:
            found = answer.empty("")
        return self._sure(found)

    def _sure(self, verdict: Verdict | None) -> Verdict | None:
        return verdict if verdict and verdict.confidence >= self._threshold else None


_BY_ITSELF = frozenset({FinishReason.STOP, FinishReason.UNKNOWN})
