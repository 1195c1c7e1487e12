"""Reads the rows of limits and pauses into the tables that admission asks.  A broken row is reported and left out."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from routing.admission.limits import Key, Limit, LimitTable, Scope, ThrottleRule, ThrottleTable
from routing.limit_models import ParallelLimit
from routing.limit_models import ThrottleRule as ThrottleRow
from routing.problems import Problem
from routing.reporting import reported

Row = TypeVar("Row", ParallelLimit, ThrottleRow)


def limits(problems: list[Problem]) -> LimitTable:
    """One query."""
    rows = ParallelLimit.objects.filter(enabled=True).select_related("upstream").defer("upstream__api_key")
    whole = _usable(rows, "parallel limit", problems)
    found = [
        Limit(
            scope=Scope(row.scope),
            name=row.name,
            limit=row.limit,
            queue_size=row.queue_size,
            queue_timeout_seconds=row.queue_timeout_seconds,
        )
        for row in whole
    ]
    return LimitTable(limits=tuple(found))


def throttles(problems: list[Problem]) -> ThrottleTable:
    """One query."""
    rows = _usable(ThrottleRow.objects.filter(enabled=True), "throttle rule", problems)
    return ThrottleTable(
        rules=tuple(
            ThrottleRule(
                pattern=row.model_pattern,
                start_pause_seconds=row.start_pause_seconds,
                end_pause_seconds=row.end_pause_seconds,
            )
            for row in rows
        )
    )


def _usable(rows: Iterable[Row], what: str, problems: list[Problem]) -> Iterator[Row]:
    """Those that can be used, each for something else; of twins the first."""
    seen: set[Key] = set()
    for row in rows:
        with reported(problems, what, row.name or "global", row):
            row.clean_fields(exclude=["upstream"])
            row.check_scope()
            if row.key in seen:
                raise ValueError("there is another one for the same, so it is left out")
            seen.add(row.key)
            yield row
