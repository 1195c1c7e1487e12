"""From a document to rows, in one transaction: all of it or nothing.

Only what differs is saved, so that an import that changes nothing loads nothing anew.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, models, transaction
from django.db.models import Value
from django.utils import timezone

from proxysite.config_file import reading
from proxysite.config_file.applying_admission import save_limits, save_pauses
from proxysite.config_file.applying_bindings import save_bindings
from proxysite.config_file.applying_upstreams import save_upstreams
from proxysite.config_file.applying_validation import save_policies, save_validators
from proxysite.config_file.document import ConfigFileError, Document, RuleEntry
from proxysite.config_file.exporting import export, is_empty
from proxysite.config_file.parsing import parse
from proxysite.config_file.report import Report
from proxysite.config_file.validation_section import SECTION as VALIDATION
from routing.json_values import same
from routing.matching import fold
from routing.models import ConfigSection
from sampling.models import SamplingPreset, SamplingRule


def _whatever() -> None:
    """Any rows will do."""


def import_file(path: str, *, replace: bool = False, accept: Callable[[], object] = _whatever) -> Report:
    """Reads and imports a file; “-” is standard input.  Raises ConfigFileError and changes nothing."""
    content, notes = reading.read(path)
    document = parse(content)
    document.notes[:0] = notes
    return import_document(document, replace=replace, accept=accept)


def import_document(document: Document, *, replace: bool = False, accept: Callable[[], object] = _whatever) -> Report:
    """`replace`: the rows become exactly the document's, and what was there before is written to a backup.

    `accept` looks at the new rows before they are kept; what it raises leaves everything as it was.
    """
    try:
        with transaction.atomic():
            return _import(document, replace=replace, accept=accept)
    except OperationalError as problem:
        why = f"The database cannot be used: {problem}. If it is a new one, run: manage.py migrate"
        raise ConfigFileError([why]) from None


def _import(document: Document, *, replace: bool, accept: Callable[[], object]) -> Report:
    report = Report(notes=list(document.notes))
    before = export() if replace else {}
    upstreams = save_upstreams(document.upstreams, report, replace=replace)
    save_bindings(document.bindings, upstreams, report, replace=replace)
    save_limits(document.limits, upstreams, report, replace=replace)
    save_pauses(document.pauses, report, replace=replace)
    validators = save_validators(document.validators, report, replace=replace)
    keeps = VALIDATION in document.kept
    save_policies(document.policies, validators, report, replace=replace, keeps=keeps)
    presets = _save_presets(document, report, replace=replace)
    if replace:
        _replace_rules(document.rules, presets, report)
    else:
        _merge_rules(document.rules, presets, report)
    _save_sections(document, report, replace=replace)
    accept()
    if replace and report.changed and not is_empty(before):
        report.backup = _backup(before)
    report.counts = {
        "upstream": len(document.upstreams),
        "binding": len(document.bindings),
        "preset": len(document.presets),
        "rule": len(document.rules),
    }
    return report


def _save_presets(document: Document, report: Report, *, replace: bool) -> dict[str, SamplingPreset]:
    presets = {row.name: row for row in SamplingPreset.objects.all()}
    for name in sorted(presets.keys() - document.presets.keys()) if replace else ():
        report.removed.append(f"preset {name}")
        presets.pop(name).delete()
    for name, values in document.presets.items():
        row = presets.setdefault(name, SamplingPreset(name=name, parameters=None))
        _save_if_other(row, "parameters", values, f"preset {name}", report)
    return presets


def _replace_rules(wanted: list[RuleEntry], presets: dict[str, SamplingPreset], report: Report) -> None:
    """All anew unless they are the same already: among equal positions the older row comes first."""
    stored = list(SamplingRule.objects.select_related("preset"))
    there = [_entry(row) for row in stored]
    ordered = sorted(wanted, key=lambda entry: entry.position)
    if there == ordered:
        return
    for row in stored:
        row.delete()
    for entry in ordered:
        _row(entry, presets).save()
    report.removed += [_label(entry) for entry in there if entry not in ordered]
    report.created += [_label(entry) for entry in ordered if entry not in there]
    if not report.changed:
        report.updated.append("order of the rules")


def _merge_rules(wanted: list[RuleEntry], presets: dict[str, SamplingPreset], report: Report) -> None:
    """A rule is the same as a stored one when it lays the same preset on the same layer for the same requests."""
    stored = list(SamplingRule.objects.select_related("preset"))
    for entry in wanted:
        row = next((row for row in stored if _identity(_entry(row)) == _identity(entry)), None)
        if row is None:
            _row(entry, presets).save()
            report.created.append(_label(entry))
            continue
        stored.remove(row)
        if _entry(row) != entry:
            report.updated.append(_label(entry))
            _row(entry, presets, row.pk).save()


def _entry(row: SamplingRule) -> RuleEntry:
    return RuleEntry(row.preset.name, row.layer, row.model_pattern, row.applies_to, row.position, row.enabled)


def _row(entry: RuleEntry, presets: dict[str, SamplingPreset], pk: int | None = None) -> SamplingRule:
    return SamplingRule(
        pk=pk,
        preset=presets[entry.preset],
        layer=entry.layer,
        model_pattern=entry.model_pattern,
        applies_to=entry.applies_to,
        position=entry.position,
        enabled=entry.enabled,
    )


def _identity(entry: RuleEntry) -> tuple[str, ...]:
    return entry.preset, entry.layer, fold(entry.model_pattern), entry.applies_to


def _label(entry: RuleEntry) -> str:
    return f"rule {entry.preset} for {entry.model_pattern} ({entry.layer})"


def _save_sections(document: Document, report: Report, *, replace: bool) -> None:
    stored = {row.name: row for row in ConfigSection.objects.all()}
    wanted = dict(document.kept)
    if replace:
        for name in sorted(stored.keys() - wanted.keys()):
            report.removed.append(f"section {name}")
            stored.pop(name).delete()
    elif "upstreams" in stored:
        imported = {fold(entry.name) for entry in document.upstreams}
        others = {name: keys for name, keys in stored["upstreams"].content.items() if fold(name) not in imported}
        wanted["upstreams"] = others | wanted.get("upstreams", {})
    for name, content in wanted.items():
        _save_if_other(stored.get(name) or ConfigSection(name=name), "content", content, f"section {name}", report)


def _save_if_other(row: models.Model, field: str, value: Any, label: str, report: Report) -> None:
    if row.pk is not None and same(getattr(row, field), value):
        return
    (report.created if row.pk is None else report.updated).append(label)
    setattr(row, field, Value(None, models.JSONField()) if value is None else value)  # a plain None is no JSON null
    row.save()


def _backup(content: dict[str, Any]) -> Path:
    directory: Path = settings.DATA_DIR / "backups"
    path = directory / f"config-{timezone.now():%Y%m%d-%H%M%S-%f}.json"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(number, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as problem:
        raise ConfigFileError([f"The backup {path} cannot be written: {problem.strerror}."]) from None
    return path
