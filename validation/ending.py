"""How an answer ends for the client when it is garbage and nobody tries again.

`Guarded` puts a gate between a reader and a writer, for a flow that has one attempt; a flow that retries asks
`last_events` itself when its attempts are used up.
"""

from routing.dialects.events import End, Event, Failed, Finish, FinishReason, Text, UpstreamError
from validation.gate import Gate
from validation.snapshot import OnExhausted, Policy
from validation.verdict import Verdict

STATUS, KIND = 529, "overloaded_error"  # what SDKs show, and try again of their own accord
CODE = "validation_failed"


class Guarded:
    """A `Transform`: what the gate lets go on, and the policy's end as soon as it has found garbage.

    `link` leads to the failure in the admin.  Nobody here can ask the validator model: that is as if it gave no answer.
    """

    def __init__(self, gate: Gate, policy: Policy, link: str = "") -> None:
        self.gate = gate
        self.policy = policy
        self._link = link
        self._ended = False

    @property
    def is_over(self) -> bool:
        """Garbage was found, and the client was told: nothing that still comes is for it."""
        return self._ended

    def feed(self, event: Event) -> list[Event]:
        return self._with_end(self.gate.feed(event))

    def close(self) -> list[Event]:
        return self._with_end(self.gate.close())

    def _with_end(self, out: list[Event]) -> list[Event]:
        if self.gate.ask:
            out = out + self.gate.answer(self.gate.ask, None)
        if self.gate.verdict is None or self._ended:
            return out
        self._ended = True
        return out + last_events(self.gate, self.gate.verdict, self.policy, self._link)


def last_events(gate: Gate, verdict: Verdict, policy: Policy, link: str = "") -> list[Event]:
    """What follows the released part of a bad answer."""
    if policy.on_exhausted is OnExhausted.DELIVER:
        return [*gate.give_up(), Finish(FinishReason.LENGTH), End()]
    said = explanation(verdict, link)
    if policy.on_exhausted is OnExhausted.ERROR:
        return [Failed(UpstreamError(STATUS, said, kind=KIND, code=CODE))]
    gap = "\n\n" if gate.released_text else ""
    return [*gate.beginning(), Text(gap + said), Finish(FinishReason.STOP), End()]


def explanation(verdict: Verdict, link: str = "") -> str:
    said = f"The model's answer was stopped because it had become garbage: {verdict.explanation}. Please try again."
    return f"{said} Details: {link}" if link else said
