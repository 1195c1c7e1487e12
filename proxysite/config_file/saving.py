"""Rows that a section of a file lists in full: saved, kept or removed, whatever they are."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from proxysite.config_file.report import Report
from routing.json_values import same
from routing.models import ConfigSection


@dataclass(frozen=True)
class Wanted:
    """`key`: a stored row with the same one is for the same; its last part is blank where that is everything."""

    label: str
    key: tuple[str, str]
    fields: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A kind of row with a position: `stored` in its order, `key` and `label` of one, `what` it is in the plural."""

    model: type[Any]
    stored: list[Any]
    key: Callable[[Any], Hashable]
    label: Callable[[Any], str]
    what: str


def save(wanted: list[Wanted], table: Table, report: Report, *, replace: bool) -> None:
    (_replace if replace else _merge)(wanted, table, report)


def forget_kept(section: str) -> None:
    """What a version that only kept a section has stored of it."""
    for kept in ConfigSection.objects.filter(name=section):
        kept.delete()


def _replace(wanted: list[Wanted], table: Table, report: Report) -> None:
    """All anew unless they are the same already: among equal positions the older row comes first."""
    there = [(table.key(row), row) for row in table.stored]
    ordered = sorted(wanted, key=lambda one: (one.fields["position"], bool(one.key[1])))
    there.sort(key=lambda one: (one[1].position, bool(one[0][1])))
    alike = [is_so(row, one.fields) for (_, row), one in zip(there, ordered, strict=False)]
    if [key for key, _ in there] == [one.key for one in ordered] and all(alike):
        return
    before, after = dict(there), {one.key for one in ordered}
    report.removed += [table.label(row) for key, row in there if key not in after]
    report.created += [one.label for one in ordered if one.key not in before]
    updated = [one.label for one in ordered if one.key in before and not is_so(before[one.key], one.fields)]
    report.updated += updated
    for row in table.stored:
        row.delete()
    for one in ordered:
        table.model(**one.fields).save()
    if not report.changed:
        report.updated.append(f"order of {table.what}")


def _merge(wanted: list[Wanted], table: Table, report: Report) -> None:
    rows = {table.key(row): row for row in reversed(table.stored)}
    for one in wanted:
        row = rows.get(one.key)
        if row is None:
            table.model(**one.fields).save()
            report.created.append(one.label)
        elif not is_so(row, one.fields):
            for name, value in one.fields.items():
                setattr(row, name, value)
            row.save()
            report.updated.append(one.label)


def is_so(row: Any, fields: dict[str, Any]) -> bool:
    """Whether a row has these values already; 5 is 5.0, but within JSON they differ."""
    return all(
        same(getattr(row, name), value) if isinstance(value, dict | list) else getattr(row, name) == value
        for name, value in fields.items()
    )
