"""What another attempt changes in its request, behind an answer that was garbage.  Pure."""

from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
from routing.dialects.capabilities import Capabilities
from routing.snapshot import Target
from sampling.merge import ABSENT, Change
from validation.ladder import Sent, climb
from validation.snapshot import Rung

RETRY = "retry of a bad answer"  # how the origin of such a change begins


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

    def changed(self, body: dict[str, Any], target: Target, of: Capabilities, dialect: Dialect) -> Changed:
        """The body for a target: with the next rung of the ladder, as far as the bad one's target knows it."""
        if target is not self.target:
            return Changed(body)
        sent = Sent(body, dialect, of)
        step = climb(sent, self.ladder, self.number, seed=self.seed, others=self.others)
        if not step.changed:
            return Changed(body, step.rung)
        before, origin = sent.parameters, f"{RETRY}: {step.rung}"
        changes = (Change(name, before.get(name, ABSENT), new, origin) for name, new in step.changed.items())
        return Changed(step.body, step.rung, tuple(changes))
