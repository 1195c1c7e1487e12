"""When the next request of a model may be sent.  Pure: `now` arrives as an argument, in seconds of any clock.

A start pause runs from one send to the next, an end pause from the end of an answer to the next send.  Neither ever
delays an answer.  Each model has its own times, also where the length of the pause is the global one.
"""

from dataclasses import dataclass

from routing.admission.limits import ThrottleTable
from routing.matching import fold

_LONG_AGO = float("-inf")


@dataclass(frozen=True, slots=True)
class PauseState:
    """What a status page shows."""

    model: str
    seconds_left: float


@dataclass(slots=True)
class _Times:
    model: str
    sent: float = _LONG_AGO
    ended: float = _LONG_AGO


class Throttle:
    def __init__(self, rules: ThrottleTable | None = None) -> None:
        self.rules = rules or ThrottleTable()  # changed rules are in force at once, for pauses that run already too
        self._times: dict[str, _Times] = {}

    def paces(self, model: str) -> bool:
        """Whether a model has pauses at all."""
        return bool(self.rules.of(model))

    def sent(self, model: str, now: float) -> None:
        if self.paces(model):
            self._of(model, now).sent = now

    def ended(self, model: str, now: float) -> None:
        if self.paces(model):
            self._of(model, now).ended = now

    def due(self, model: str) -> float:
        """From when on the next request may be sent."""
        times = self._times.get(fold(model))
        return self._due(times) if times else _LONG_AGO

    def pauses(self, now: float) -> tuple[PauseState, ...]:
        """The pauses that run, the longest first."""
        left = ((times.model, self._due(times) - now) for times in self._times.values())
        running = [PauseState(model, seconds) for model, seconds in left if seconds > 0]
        return tuple(sorted(running, key=lambda one: -one.seconds_left))

    def _due(self, times: _Times) -> float:
        pauses = self.rules.of(times.model)
        start = times.sent + pauses.start if pauses.start else _LONG_AGO
        end = times.ended + pauses.end if pauses.end else _LONG_AGO
        return max(start, end)

    def _of(self, model: str, now: float) -> _Times:
        times = self._times.get(fold(model))
        if times is None:
            if len(self._times) >= 1024:  # names come from clients: never let them fill the memory
                self._times = {name: kept for name, kept in self._times.items() if self._due(kept) > now}
            times = self._times[fold(model)] = _Times(model)
        return times
