"""Bindings from a document to rows, in an order in which the file's patterns are reached."""

from proxysite.config_file.binding_sections import CATCH_ALL
from proxysite.config_file.document import STEP, BindingEntry
from proxysite.config_file.report import Report
from routing.matching import fold
from routing.models import BindingTarget, ModelBinding, Upstream

_TARGET_FIELDS = ("upstream_model", "priority", "weight")


def save_bindings(
    entries: list[BindingEntry], upstreams: dict[str, Upstream], report: Report, *, replace: bool
) -> None:
    stored = list(ModelBinding.objects.prefetch_related("targets__upstream"))
    ordered = sorted(entries, key=lambda entry: entry.position)
    if replace:
        _replace(ordered, stored, upstreams, report)
    else:
        _merge(ordered, stored, upstreams, report)


def _replace(
    entries: list[BindingEntry], stored: list[ModelBinding], upstreams: dict[str, Upstream], report: Report
) -> None:
    """All anew unless they are the same already: among equal positions the older row comes first."""
    there = [_said(row) for row in stored]
    wanted = [_wanted(entry, upstreams) for entry in entries]
    if there == wanted:
        return
    for row in stored:
        row.delete()
    for entry in entries:
        _save(ModelBinding(), entry, entry.position, upstreams)
    before = {fold(row.pattern): said for row, said in zip(stored, there, strict=True)}
    after = {fold(entry.pattern): said for entry, said in zip(entries, wanted, strict=True)}
    report.removed += [f"binding {row.pattern}" for row in stored if fold(row.pattern) not in after]
    report.created += [f"binding {entry.pattern}" for entry in entries if fold(entry.pattern) not in before]
    differing = [entry for entry in entries if before.get(fold(entry.pattern), after[fold(entry.pattern)])
                 != after[fold(entry.pattern)]]  # fmt: skip
    report.updated += [f"binding {entry.pattern}" for entry in differing]
    if not report.changed:
        report.updated.append("order of the bindings")


def _merge(
    entries: list[BindingEntry], stored: list[ModelBinding], upstreams: dict[str, Upstream], report: Report
) -> None:
    """The file's bindings come first, then those that were there, and a catch-all last."""
    others = {fold(row.pattern): row for row in stored}
    places: list[tuple[ModelBinding, BindingEntry | None]] = []
    for entry in entries:
        if entry.implied and CATCH_ALL in others:
            report.notes.append("binding *: stays as it is, because the file says nothing of bindings.")
        else:
            places.append((others.pop(fold(entry.pattern), None) or ModelBinding(), entry))
    if not places:
        return
    last = [places.pop()] if places[-1][1] and places[-1][1].pattern == CATCH_ALL else []
    places += [(row, None) for pattern, row in others.items() if pattern != CATCH_ALL]
    places += last or [(row, None) for pattern, row in others.items() if pattern == CATCH_ALL]
    for number, (row, entry_or_none) in enumerate(places, start=1):
        _place(row, entry_or_none, STEP * number, upstreams, report)


def _place(
    row: ModelBinding, entry: BindingEntry | None, position: int, upstreams: dict[str, Upstream], report: Report
) -> None:
    if entry is None:
        if row.position != position:
            row.position = position
            row.save()
            report.updated.append(f"position of binding {row.pattern}")
    elif row.pk is None:
        _save(row, entry, position, upstreams)
        report.created.append(f"binding {entry.pattern}")
    elif _said(row) != _wanted(entry, upstreams, position):
        _save(row, entry, position, upstreams)
        report.updated.append(f"binding {entry.pattern}")


def _said(row: ModelBinding) -> tuple[object, ...]:
    targets = [
        (target.upstream_id, *(getattr(target, name) for name in _TARGET_FIELDS)) for target in row.targets.all()
    ]
    return row.pattern, row.position, row.enabled, row.session_affinity, targets


def _wanted(entry: BindingEntry, upstreams: dict[str, Upstream], position: int | None = None) -> tuple[object, ...]:
    """The same of an entry, targets in the order in which rows come: by priority, then as they were saved."""
    targets = [
        (upstreams[target["upstream"]].pk, *(target[name] for name in _TARGET_FIELDS))
        for target in sorted(entry.targets, key=lambda target: target["priority"])
    ]
    place = entry.position if position is None else position
    return entry.pattern, place, entry.enabled, entry.session_affinity, targets


def _save(row: ModelBinding, entry: BindingEntry, position: int, upstreams: dict[str, Upstream]) -> None:
    row.pattern, row.position, row.enabled = entry.pattern, position, entry.enabled
    row.session_affinity = entry.session_affinity
    row.save()
    for target in BindingTarget.objects.filter(binding=row):
        target.delete()
    for said in entry.targets:
        fields = {name: said[name] for name in _TARGET_FIELDS}
        BindingTarget(binding=row, upstream=upstreams[said["upstream"]], **fields).save()
