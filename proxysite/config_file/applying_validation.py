"""Validation policies and validator models from a document to rows.  A stored key outlives a file that has none."""

from typing import Any

from proxysite.config_file.applying_upstreams import note_a_key_that_moves, note_a_reference_to_nothing
from proxysite.config_file.document import PolicyEntry, ValidatorEntry
from proxysite.config_file.report import Report
from proxysite.config_file.saving import Table, Wanted, forget_kept, is_so, save
from proxysite.config_file.validation_section import POLICY, SECTION, VALIDATOR
from routing.fields import is_reference
from routing.matching import fold
from validation.models import ValidationPolicy, Validator


def save_validators(entries: list[ValidatorEntry] | None, report: Report, *, replace: bool) -> dict[str, Validator]:
    """The rows of the document's validator models, by name."""
    stored = {row.name: row for row in Validator.objects.all()}
    for name in sorted(stored.keys() - {entry.name for entry in entries or []}) if replace else ():
        row = stored.pop(name)
        with_key = " and its key" if row.api_key and not is_reference(row.api_key) else ""
        report.removed.append(f"validator {name}{with_key}")
        row.delete()
    return {entry.name: _saved(entry, stored.get(entry.name), report) for entry in entries or []}


def save_policies(
    entries: list[PolicyEntry] | None,
    validators: dict[str, Validator],
    report: Report,
    *,
    replace: bool,
    keeps: bool,
) -> None:
    """None: the file does not say.  `keeps`: it says something, too, that is only kept."""
    wanted = [
        Wanted(f"policy for {entry.model_pattern}", _key(entry.model_pattern), _policy(entry, validators))
        for entry in entries or []
    ]
    stored = list(ValidationPolicy.objects.select_related("validator"))
    table = Table(ValidationPolicy, stored, lambda row: _key(row.model_pattern), _label, "validation policies")
    save(wanted, table, report, replace=replace)
    if entries is not None and not keeps:
        forget_kept(SECTION)


def _key(pattern: str) -> tuple[str, str]:
    return "policy", fold(pattern)


def _label(row: ValidationPolicy) -> str:
    return f"policy for {row.model_pattern}"


def _policy(entry: PolicyEntry, validators: dict[str, Validator]) -> dict[str, Any]:
    defaults = {name: field.get_default() for name, field in POLICY.items()}
    validator = validators[entry.validator] if entry.validator is not None else None
    return {"model_pattern": entry.model_pattern, **defaults, **entry.fields, "validator": validator}


def _saved(entry: ValidatorEntry, row: Validator | None, report: Report) -> Validator:
    fields = {name: field.get_default() for name, field in VALIDATOR.items() if name != "api_key"} | entry.fields
    if not fields.get("api_key"):
        fields.pop("api_key", None)
    if row is None:
        row = Validator(name=entry.name, **fields)
        row.save()
        report.created.append(f"validator {entry.name}")
    elif not is_so(row, fields):
        if not entry.fields.get("api_key"):
            note_a_key_that_moves(entry.path, fields["base_url"], row, report)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
        report.updated.append(f"validator {entry.name}")
    note_a_reference_to_nothing(entry.path, row, report)
    return row
