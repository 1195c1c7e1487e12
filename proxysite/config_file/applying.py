"""From a document to rows, in one transaction: all of it or nothing."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from proxysite.config_file.document import ConfigFileError, Document
from proxysite.config_file.exporting import export
from proxysite.config_file.parsing import parse
from proxysite.config_file.sampling_sections import STEP
from routing.models import BindingTarget, ConfigSection, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule


@dataclass
class Report:
    """What an import did; its text is for the person who ran it."""

    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    backup: Path | None = None

    def __str__(self) -> str:
        counts = (f"{count} {what}{'' if count == 1 else 's'}" for what, count in self.counts.items())
        lines = [f"Imported {', '.join(counts)}."]
        lines += self.notes
        if self.removed:
            lines.append(f"Removed, because the file does not have them: {', '.join(self.removed)}.")
        if self.backup:
            lines.append(f"What was there before is in {self.backup} (without keys).")
        return "\n".join(lines)


def import_file(path: str, *, replace: bool = False) -> Report:
    """Reads and imports a file; “-” is standard input.  Raises ConfigFileError and changes nothing."""
    return import_document(parse(_content(path)), replace=replace)


def import_document(document: Document, *, replace: bool = False) -> Report:
    """`replace`: the rows become exactly the document's, and what was there before is written to a backup."""
    report = Report(notes=document.notes)
    with transaction.atomic():
        before = export()
        if replace:
            _remove_what_is_not_in(document, report)
        upstreams = _save_upstreams(document)
        _save_bindings(document, upstreams, replace=replace)
        _save_sampling(document, replace=replace)
        _save_sections(document, replace=replace)
        if replace and any(before.values()) and before != export():
            report.backup = _backup(before)
    report.counts = {
        "upstream": len(document.upstreams),
        "binding": len(document.bindings),
        "preset": len(document.presets),
        "rule": len(document.rules),
    }
    return report


def _content(path: str) -> Any:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigFileError([f"{path} is not UTF-8 text: {problem.reason} at byte {problem.start}."]) from None
    except OSError as problem:
        raise ConfigFileError([f"{path} cannot be read: {problem.strerror}."]) from None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise ConfigFileError([f"{path} is not valid JSON: {problem.msg} at {where}."]) from None
    except (ValueError, RecursionError) as problem:
        raise ConfigFileError([f"{path} is not valid JSON: {problem}."]) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _remove_what_is_not_in(document: Document, report: Report) -> None:
    names = {name.casefold() for name in document.upstreams}
    for row in Upstream.objects.all():
        if row.name.casefold() not in names:
            report.removed.append(f"upstream {row.name}")
            row.delete()
    patterns = {binding.pattern.casefold() for binding in document.bindings}
    for binding in ModelBinding.objects.all():
        if binding.pattern.casefold() not in patterns:
            report.removed.append(f"binding {binding.pattern}")
            binding.delete()
    for preset in SamplingPreset.objects.exclude(name__in=document.presets):
        report.removed.append(f"preset {preset.name}")
        preset.delete()
    ConfigSection.objects.exclude(name__in=document.kept).delete()


def _save_upstreams(document: Document) -> dict[str, Upstream]:
    """A key that is stored already stays when the file names none."""
    saved = {}
    for name, fields in document.upstreams.items():
        stored = Upstream.objects.filter(name__iexact=name).first()
        row = Upstream(pk=stored.pk if stored else None, **fields)
        if not row.api_key and stored:
            row.api_key = stored.api_key
        row.save()
        saved[name] = row
    return saved


def _save_bindings(document: Document, upstreams: dict[str, Upstream], *, replace: bool) -> None:
    last = ModelBinding.objects.order_by("-position").values_list("position", flat=True).first() or 0
    start = 0 if replace else last
    for number, entry in enumerate(document.bindings, start=1):
        stored = ModelBinding.objects.filter(pattern__iexact=entry.pattern).first()
        position = stored.position if stored and not replace else start + STEP * number
        row = ModelBinding(
            pk=stored.pk if stored else None, pattern=entry.pattern, position=position, enabled=entry.enabled
        )
        row.save()
        row.targets.all().delete()
        for target in entry.targets:
            BindingTarget(binding=row, **{**target, "upstream": upstreams[target["upstream"]]}).save()


def _save_sampling(document: Document, *, replace: bool) -> None:
    presets = {}
    for name, values in document.presets.items():
        stored = SamplingPreset.objects.filter(name=name).first()
        presets[name] = SamplingPreset(pk=stored.pk if stored else None, name=name, parameters=values)
        presets[name].save()
    if replace:
        for rule in SamplingRule.objects.all():
            rule.delete()
    for entry in document.rules:
        preset = presets[entry.preset]
        same = {"layer": entry.layer, "model_pattern": entry.model_pattern, "applies_to": entry.applies_to}
        stored_rule = None if replace else SamplingRule.objects.filter(preset=preset, **same).first()
        SamplingRule(
            pk=stored_rule.pk if stored_rule else None,
            preset=preset,
            position=entry.position,
            enabled=entry.enabled,
            **same,
        ).save()


def _save_sections(document: Document, *, replace: bool) -> None:
    for name, content in document.kept.items():
        stored = ConfigSection.objects.filter(name=name).first()
        if name == "upstreams" and stored and not replace:
            content = stored.content | content
        ConfigSection(pk=stored.pk if stored else None, name=name, content=content).save()


def _backup(content: dict[str, Any]) -> Path:
    directory: Path = settings.DATA_DIR / "backups"
    directory.mkdir(exist_ok=True)
    path = directory / f"config-{timezone.now():%Y%m%d-%H%M%S-%f}.json"
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    path.chmod(0o600)
    return path
