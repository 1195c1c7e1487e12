"""Limits and pauses from a document to rows."""

from typing import Any

from proxysite.config_file.admission_sections import LIMITS, THROTTLE
from proxysite.config_file.document import LimitEntry, PauseEntry
from proxysite.config_file.report import Report
from routing.admission.limits import Scope
from routing.matching import fold
from routing.models import ConfigSection, ParallelLimit, ThrottleRule, Upstream

Wanted = tuple[str, tuple[str, str], dict[str, Any]]


def save_limits(
    entries: list[LimitEntry] | None, upstreams: dict[str, Upstream], report: Report, *, replace: bool
) -> None:
    """None: the file does not say."""
    wanted = [
        (f"limit for {entry.name or 'all requests'}", (entry.scope, fold(entry.name)), _limit(entry, upstreams))
        for entry in entries or []
    ]
    stored = list(ParallelLimit.objects.select_related("upstream"))
    _save(wanted, stored, ParallelLimit, LIMITS, entries is not None, report, replace=replace)


def save_pauses(entries: list[PauseEntry] | None, report: Report, *, replace: bool) -> None:
    """None: the file does not say."""
    wanted = [
        (
            f"pauses of {entry.model_pattern or 'all models'}",
            ("throttle", fold(entry.model_pattern)),
            {name: getattr(entry, name) for name in PauseEntry.__dataclass_fields__},
        )
        for entry in entries or []
    ]
    _save(
        wanted, list(ThrottleRule.objects.all()), ThrottleRule, THROTTLE, entries is not None, report, replace=replace
    )


def _limit(entry: LimitEntry, upstreams: dict[str, Upstream]) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in LimitEntry.__dataclass_fields__ if name != "name"}
    is_model, is_upstream = entry.scope == Scope.MODEL, entry.scope == Scope.UPSTREAM
    return {
        **fields,
        "model_pattern": entry.name if is_model else "",
        "upstream": upstreams[entry.name] if is_upstream else None,
    }


def _save(
    wanted: list[Wanted],
    stored: list[Any],
    model: type[Any],
    section: str,
    is_said: bool,
    report: Report,
    *,
    replace: bool,
) -> None:
    """A row is the same as a stored one when it is for the same.  `wanted`: what it is called, its key, its fields."""
    if replace:
        _replace(wanted, stored, model, report)
    else:
        _merge(wanted, stored, model, report)
    if is_said:
        for kept in ConfigSection.objects.filter(name=section):  # from a version that only kept it
            kept.delete()


def _replace(wanted: list[Wanted], stored: list[Any], model: type[Any], report: Report) -> None:
    """All anew unless they are the same already: among equal positions the older row comes first."""
    there = [(row.key, row) for row in stored]
    ordered = sorted(wanted, key=lambda one: (one[2]["position"], bool(one[1][1])))
    there.sort(key=lambda one: (one[1].position, bool(one[0][1])))
    same = [_is_so(row, fields) for (_, row), (_, _, fields) in zip(there, ordered, strict=False)]
    if [key for key, _ in there] == [key for _, key, _ in ordered] and all(same):
        return
    before, after = dict(there), {key for _, key, _ in ordered}
    report.removed += [str(row) for key, row in there if key not in after]
    report.created += [label for label, key, _ in ordered if key not in before]
    report.updated += [label for label, key, fields in ordered if key in before and not _is_so(before[key], fields)]
    for row in stored:
        row.delete()
    for _, _, fields in ordered:
        model(**fields).save()
    if not report.changed:
        report.updated.append("order of limits or pauses")


def _merge(wanted: list[Wanted], stored: list[Any], model: type[Any], report: Report) -> None:
    rows = {row.key: row for row in reversed(stored)}
    for label, key, fields in wanted:
        row = rows.get(key)
        if row is None:
            model(**fields).save()
            report.created.append(label)
        elif not _is_so(row, fields):
            for name, value in fields.items():
                setattr(row, name, value)
            row.save()
            report.updated.append(label)


def _is_so(row: Any, fields: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in fields.items())
