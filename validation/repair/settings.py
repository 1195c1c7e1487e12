"""Whether the leaked calls of an answer are mended, and which: what upstreams and rules say, and who decides.

A rule for a model's name goes before its upstream.  Both say it in the same words: `off`, `auto`, or names of families
separated by commas.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache

from routing.kinds import Kind
from routing.matching import PatternTable

OFF, AUTO = "off", "auto"
_SOUND = frozenset({Kind.OPENAI, Kind.ANTHROPIC})  # their own servers, which do not leak


@dataclass(frozen=True, slots=True)
class Repairing:
    """Mending is on.  `families` None: all of them."""

    families: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairRule:
    """What one row says of the models that its pattern names.  `families` blank: as the upstream says."""

    pattern: str
    families: str = ""
    mend_history: bool = False


@dataclass(frozen=True, kw_only=True)
class RepairTable:
    rules: tuple[RepairRule, ...] = ()  # the enabled ones, in order of position

    @cached_property
    def _table(self) -> PatternTable[RepairRule]:
        return PatternTable((rule.pattern, rule) for rule in self.rules)

    def rule(self, model: str) -> RepairRule | None:
        return self._table.first(model) if self.rules else None

    def repairing(self, model: str, upstream: str, kind: Kind) -> Repairing | None:
        """What holds for an answer of this model; `upstream` is what the upstream says.  None: nothing is mended."""
        rule = self.rule(model)
        return decided(rule.families if rule and rule.families else upstream, kind)

    def mends_history(self, model: str) -> bool:
        rule = self.rule(model)
        return rule is not None and rule.mend_history


@lru_cache(maxsize=256)
def decided(words: str, kind: Kind) -> Repairing | None:
    said = names(words)
    if AUTO in said:
        return None if kind in _SOUND else Repairing()
    families = frozenset(said) - {OFF}
    return Repairing(families) if families else None


def names(words: str) -> tuple[str, ...]:
    return tuple(name for name in (word.strip().lower() for word in words.split(",")) if name)


def problem(words: str, families: Collection[str]) -> str | None:
    """What is wrong with such words, as a sentence."""
    said = names(words)
    if not said:
        return "Enter off, auto, or names of families separated by commas."
    if len(said) > 1 and {OFF, AUTO} & set(said):
        return "off and auto stand alone; families are separated by commas."
    if unknown := [name for name in said if name not in families and name not in (OFF, AUTO)]:
        return f"There is no family {', '.join(unknown)}. Known are: {', '.join(sorted(families))}."
    return None
