"""Upstreams from a document to rows.  A stored key, and how it is sent, outlives a file that does not speak of it."""

from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from proxysite.config_file.document import ConfigFileError, UpstreamEntry
from proxysite.config_file.report import Report
from proxysite.config_file.upstream_sections import FIELDS, whole_problems
from routing.fields import is_reference, resolved
from routing.json_values import same
from routing.matching import fold
from routing.models import Upstream
from routing.snapshot import CredentialMode
from validation.models import Validator

HasKey = Upstream | Validator

_CREDENTIALS = frozenset({"credential_mode", "api_key", "key_style", "key_header"})


def save_upstreams(entries: list[UpstreamEntry], report: Report, *, replace: bool) -> dict[str, Upstream]:
    """The rows of the document's upstreams, by name.  Raises ConfigFileError."""
    stored = list(Upstream.objects.all())
    found = {entry.name: _row_of(entry.name, stored) for entry in entries}
    if replace:
        kept = {row.pk for row in found.values() if row}
        _remove([row for row in stored if row.pk not in kept], report)
    problems: list[str] = []
    saved = {}
    for entry in entries:
        row = found[entry.name] or Upstream()
        if not entry.fields.get("api_key"):
            note_a_key_that_moves(entry.path, entry.fields["base_url"], row, report)
        _save(entry, row, report, replace=replace)
        problems += [f"{path}: {problem}" for path, problem in whole_problems(row, entry.path)]
        _note_a_missing_key(entry, row, report)
        saved[entry.name] = row
    if problems:
        raise ConfigFileError(problems)
    return saved


def _row_of(name: str, stored: list[Upstream]) -> Upstream | None:
    """Names that differ in case only are the same; of two rows with such names, the one that is written alike."""
    alike = [row for row in stored if fold(row.name) == fold(name)]
    return next((row for row in alike if row.name == name), alike[0] if alike else None)


def _remove(rows: list[Upstream], report: Report) -> None:
    for row in rows:
        with_key = " and its key" if row.api_key and not is_reference(row.api_key) else ""
        report.removed.append(f"upstream {row.name}{with_key}")
        row.delete()


def _save(entry: UpstreamEntry, row: Upstream, report: Report, *, replace: bool) -> None:
    values = {name: _as_stored(name, value) for name, value in _values(entry, row, replace).items()}
    changed = [name for name, value in values.items() if row.pk is None or not same(getattr(row, name), value)]
    for name in changed:
        setattr(row, name, values[name])
    if row.pk is None:
        report.created.append(f"upstream {row.name}")
    elif changed:
        report.updated.append(f"upstream {row.name}")
    if changed:
        row.save()


def _values(entry: UpstreamEntry, row: Upstream, replace: bool) -> dict[str, Any]:
    """What the file leaves out keeps its value; in a new row and with `replace` it takes the default."""
    said = {name: value for name, value in entry.fields.items() if name != "api_key" or value}
    mode = {name: value for name, value in entry.implied.items() if name == "credential_mode"}
    if row.pk is None:
        return entry.implied | said
    if not replace:
        return mode | said
    defaults = {name: field.get_default() for name, field in FIELDS.items() if name != "api_key"}
    if row.api_key and not _CREDENTIALS & said.keys():
        defaults = {name: value for name, value in defaults.items() if name not in _CREDENTIALS}
    return defaults | entry.implied | said


def _as_stored(name: str, value: Any) -> Any:
    """A file may write 5 for 5.0, keys are secrets, and the defaults of choices are members of an enumeration."""
    value = str(value) if isinstance(value, StrEnum) else value
    return None if value is None else FIELDS[name].to_python(value)


def note_a_key_that_moves(path: str, base_url: str, row: HasKey, report: Report) -> None:
    """Whoever is sent a key should be known to whoever entered it."""
    if not row.api_key or is_reference(row.api_key):
        return
    if urlsplit(base_url)[:2] != urlsplit(row.base_url)[:2]:
        report.notes.append(f"{path}: the key that is stored for {row.name} now belongs to {base_url}.")


def note_a_reference_to_nothing(path: str, row: HasKey, report: Report) -> None:
    try:
        resolved(row.api_key)
    except ValidationError as problem:
        report.notes.append(f"{path}.api_key: {problem.messages[0]}")


def _note_a_missing_key(entry: UpstreamEntry, row: Upstream, report: Report) -> None:
    if row.credential_mode != CredentialMode.OWN:
        return
    if not row.api_key:
        report.notes.append(
            f"{entry.path}.api_key: {row.name} sends its own key, and has none yet; enter it in the admin."
        )
        return
    note_a_reference_to_nothing(entry.path, row, report)
