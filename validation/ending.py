"""How an answer ends for the client when it is garbage, or broke off, and nobody tries again.

`Guarded` puts a gate between a reader and a writer.  Alone it ends a bad answer by itself; where somebody watches it,
that one sees the verdict or the failure, tries again as often as may be, and asks for the `end` when no try is left.
"""

from collections.abc import Callable

from routing.dialects.events import End, Event, Failed, Finish, FinishReason, Text, UpstreamError
from validation.asks import Ask
from validation.gate import Gate
from validation.snapshot import OnExhausted, Policy
from validation.verdict import Verdict

STATUS, KIND = 529, "overloaded_error"  # what SDKs show, and try again of their own accord
CODE = "validation_failed"


class Guarded:
    """A `Transform`: what the gate lets go on, and the policy's end when that is said.

    `link` gives the address of the failure in the admin.  Unless it is `watched` nobody asks the validator model
    either: that is as if it gave no answer.
    """

    def __init__(self, gate: Gate, policy: Policy, link: Callable[[], str] = str, *, watched: bool = False) -> None:
        self.gate = gate
        self.policy = policy
        self._link = link
        self._watched = watched
        self._ended = False

    @property
    def is_over(self) -> bool:
        """Garbage was found, and the client was told: nothing that still comes is for it."""
        return self._ended and self.gate.verdict is not None

    def feed(self, event: Event) -> list[Event]:
        return self._with_end(self.gate.feed(event))

    def close(self) -> list[Event]:
        return self._with_end(self.gate.close())

    def answer(self, asked: Ask, verdict: Verdict | None) -> list[Event]:
        """What the validator model said of what the gate asked."""
        return self.gate.answer(asked, verdict)

    def end(self) -> list[Event]:
        """What follows the released part of a bad answer, or of one that broke off; once."""
        verdict, failure = self.gate.verdict, self.gate.failure
        if self._ended or not (verdict or failure):
            return []
        self._ended = True
        if failure:
            return [*self.gate.good_rest(), Failed(failure)]
        assert verdict is not None
        return last_events(self.gate, verdict, self.policy, self._link())

    def _with_end(self, out: list[Event]) -> list[Event]:
        if self._watched:
            return out
        if self.gate.ask:
            out = out + self.gate.answer(self.gate.ask, None)
        return out + self.end()


def last_events(gate: Gate, verdict: Verdict, policy: Policy, link: str = "") -> list[Event]:
    """What follows the released part of a bad answer."""
    if policy.on_exhausted is OnExhausted.DELIVER:
        return [*gate.give_up(), Finish(FinishReason.LENGTH), End()]
    said, rest = explanation(verdict, link), gate.unsaid
    if policy.on_exhausted is OnExhausted.ERROR:
        failed = Failed(UpstreamError(STATUS, said, kind=KIND, code=CODE))
        return [Text(rest), failed] if rest else [failed]
    gap = "\n\n" if gate.released_text else ""
    return [*gate.beginning(), Text(rest + gap + said), Finish(FinishReason.STOP), End()]


def explanation(verdict: Verdict, link: str = "") -> str:
    said = f"The model's answer was stopped because it had become garbage: {verdict.explanation}. Please try again."
    return f"{said} Details: {link}" if link else said
