"""Limits and pauses from a document to rows."""

from typing import Any

from proxysite.config_file.admission_sections import LIMITS, THROTTLE
from proxysite.config_file.document import LimitEntry, PauseEntry
from proxysite.config_file.report import Report
from proxysite.config_file.saving import Table, Wanted, forget_kept, save
from routing.admission.limits import Scope
from routing.matching import fold
from routing.models import ParallelLimit, ThrottleRule, Upstream

WHAT = "limits or pauses"


def save_limits(
    entries: list[LimitEntry] | None, upstreams: dict[str, Upstream], report: Report, *, replace: bool
) -> None:
    """None: the file does not say."""
    wanted = [
        Wanted(f"limit for {entry.name or 'all requests'}", (entry.scope, fold(entry.name)), _limit(entry, upstreams))
        for entry in entries or []
    ]
    stored = list(ParallelLimit.objects.select_related("upstream"))
    save(wanted, Table(ParallelLimit, stored, lambda row: row.key, str, WHAT), report, replace=replace)
    if entries is not None:
        forget_kept(LIMITS)


def save_pauses(entries: list[PauseEntry] | None, report: Report, *, replace: bool) -> None:
    """None: the file does not say."""
    wanted = [
        Wanted(
            f"pauses of {entry.model_pattern or 'all models'}",
            ("throttle", fold(entry.model_pattern)),
            {name: getattr(entry, name) for name in PauseEntry.__dataclass_fields__},
        )
        for entry in entries or []
    ]
    stored = list(ThrottleRule.objects.all())
    save(wanted, Table(ThrottleRule, stored, lambda row: row.key, str, WHAT), report, replace=replace)
    if entries is not None:
        forget_kept(THROTTLE)


def _limit(entry: LimitEntry, upstreams: dict[str, Upstream]) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in LimitEntry.__dataclass_fields__ if name != "name"}
    is_model, is_upstream = entry.scope == Scope.MODEL, entry.scope == Scope.UPSTREAM
    return {
        **fields,
        "model_pattern": entry.name if is_model else "",
        "upstream": upstreams[entry.name] if is_upstream else None,
    }
