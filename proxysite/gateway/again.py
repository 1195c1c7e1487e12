"""What another attempt changes in its request, behind an answer that was garbage, and what it goes on from.  Pure."""

from dataclasses import dataclass, replace
from typing import Any

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities
from routing.dialects.continuing import continued
from routing.errors import ProxyError
from routing.snapshot import Target
from sampling.merge import ABSENT, Change
from validation.ladder import Sent, climb
from validation.snapshot import Rung

RETRY = "retry of a bad answer"  # how the origin of such a change begins


class CannotContinue(ProxyError):
    """Nobody would go on from the text that the client has."""

    status, code = 400, "cannot_continue"


@dataclass(frozen=True, slots=True)
class Changed:
    """`rung` None: another target is a change in itself."""

    body: dict[str, Any]
    rung: Rung | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """`number` counts these attempts from 1; `target` is the one whose answer was bad."""

    number: int
    target: Target
    ladder: tuple[Rung, ...]
    seed: int
    others: bool = False  # there is another target
    said: str = ""  # the good text to go on from; blank: it begins anew

    def changed(self, body: dict[str, Any], target: Target, of: Capabilities, dialect: Dialect) -> Changed:
        """The body for a target: with the next rung of the ladder, as far as the bad one's target knows it.

        Raises CannotContinue.
        """
        changed = self._climbed(body, target, of, dialect)
        if not self.said:
            return changed
        going_on = continued(changed.body, dialect, of, self.said)
        if going_on is None:
            raise CannotContinue(f"The upstream “{target.upstream.name}” does not go on from a text.")
        return replace(changed, body=going_on)

    def _climbed(self, body: dict[str, Any], target: Target, of: Capabilities, dialect: Dialect) -> Changed:
        if target is not self.target:
            return Changed(body)
        sent = Sent(body, dialect, of)
        step = climb(sent, self.ladder, self.number, seed=self.seed, others=self.others)
        if not step.changed:
            return Changed(body, step.rung)
        before, origin = sent.parameters, f"{RETRY}: {step.rung}"
        changes = (Change(name, before.get(name, ABSENT), new, origin) for name, new in step.changed.items())
        return Changed(step.body, step.rung, tuple(changes))
