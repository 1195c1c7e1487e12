"""Reads the sampling rows and makes the immutable table of them.  A broken row is reported and left out."""

from routing.dialects import Dialect
from routing.problems import Problem
from routing.reporting import reported
from sampling import parameters
from sampling.models import SamplingRule
from sampling.snapshot import Layer, Rule, SamplingTable


def load() -> tuple[SamplingTable, list[Problem]]:
    """One query.  Never raises for the content of a row."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for row in SamplingRule.objects.filter(enabled=True).select_related("preset"):
        with reported(problems, "sampling rule", str(row), row):
            rules.append(rule_of(row))
    return SamplingTable(rules=tuple(rules)), problems


def rule_of(row: SamplingRule) -> Rule:
    """Raises ValueError with a sentence when the row cannot be used."""
    values = row.preset.parameters
    if not isinstance(values, dict):
        raise ValueError(f"preset {row.preset} must hold an object of parameters")
    wrong = [f"{name} {problem}" for name, problem in parameters.problems(values)]
    if wrong:
        raise ValueError(f"preset {row.preset}: " + "; ".join(wrong))
    return Rule(
        layer=Layer(row.layer),
        pattern=row.model_pattern,
        preset=row.preset.name,
        parameters=values,
        applies_to=None if row.applies_to == "all" else Dialect(row.applies_to),
    )
