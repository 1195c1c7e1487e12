"""Reads the routing rows and makes the immutable table of them.  A broken row is reported and left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from routing import address, kinds
from routing.fields import resolved
from routing.kinds import Kind
from routing.models import BindingTarget, ModelBinding, Upstream
from routing.snapshot import Binding, CredentialMode, KeyStyle, RoutingTable, Target
from routing.snapshot import Upstream as UpstreamSnapshot


@dataclass(frozen=True)
class Problem:
    """A row that cannot be used, and why; the admin index links to it."""

    what: str
    name: str
    text: str
    row: models.Model | None = None

    def __str__(self) -> str:
        return f"{self.what} “{self.name}”: {self.text}"


def load(detected_kinds: Mapping[str, Kind] | None = None) -> tuple[RoutingTable, list[Problem]]:
    """Three queries.  Never raises for the content of a row.

    `detected_kinds` holds, by upstream name, what a server of kind auto said of itself.
    """
    problems: list[Problem] = []
    upstreams: dict[int, UpstreamSnapshot] = {}
    for row in _rows(Upstream, problems):
        try:
            upstreams[row.pk] = upstream_of(row, (detected_kinds or {}).get(row.name, Kind.AUTO))
        except (ValidationError, ValueError, TypeError) as problem:
            problems.append(Problem("upstream", row.name, _sentence(problem), row))
    bindings = []
    for binding in ModelBinding.objects.filter(enabled=True).prefetch_related("targets"):
        targets = tuple(_target(row, upstreams) for row in binding.targets.all() if row.upstream_id in upstreams)
        if targets:
            bindings.append(Binding(pattern=binding.pattern, targets=targets))
        else:
            problems.append(Problem("binding", binding.pattern, "it has no enabled upstream, so it is skipped", binding))
    return RoutingTable(upstreams=tuple(upstreams.values()), bindings=tuple(bindings)), problems


def _rows(model: type[Upstream], problems: list[Problem]) -> list[Upstream]:
    """The enabled rows; when one cannot even be read (a key that does not decrypt) the others still can."""
    try:
        return list(model.objects.filter(enabled=True))
    except ValidationError:
        readable = []
        for pk, name in model.objects.filter(enabled=True).values_list("pk", "name"):
            try:
                readable.append(model.objects.get(pk=pk))
            except ValidationError as problem:
                problems.append(Problem("upstream", name, _sentence(problem), model(pk=pk, name=name)))
        return readable


def upstream_of(row: Upstream, detected: Kind = Kind.AUTO) -> UpstreamSnapshot:
    """Raises ValidationError, ValueError or TypeError when the row cannot be used."""
    row.clean_fields(exclude=["name"])
    kind = Kind(row.kind)
    if kind is Kind.AUTO:
        kind = kinds.by_url(row.base_url)
    if kind is Kind.AUTO:
        kind = detected
    strips = row.strip_billing_header
    mode = CredentialMode(row.credential_mode)
    return UpstreamSnapshot(
        name=row.name,
        base_url=address.normal_base_url(row.base_url),
        kind=kind,
        dialects=row.dialects(),
        connect_timeout_seconds=row.connect_timeout_seconds,
        timeout_seconds=row.timeout_seconds,
        first_token_timeout_seconds=row.first_token_timeout_seconds,
        total_timeout_seconds=row.total_timeout_seconds,
        http2=row.http2,
        verify_tls=row.verify_tls,
        credential_mode=mode,
        key_style=KeyStyle(row.key_style),
        key_header=row.key_header,
        key=resolved(row.api_key) if mode is CredentialMode.OWN else None,
        anthropic_version=row.anthropic_version,
        extra_headers=tuple(row.extra_headers.items()),
        drop_params=tuple(row.drop_params),
        rename_params=dict(row.rename_params),
        set_params=dict(row.set_params),
        reasoning_field=row.reasoning_field,
        tool_call_repair=row.tool_call_repair,
        strip_billing_header=kind is not Kind.ANTHROPIC if strips is None else strips,
        max_retries=row.max_retries,
        base_retry_delay=row.base_retry_delay,
        rate_limit_wait=row.rate_limit_wait,
        retry_statuses=tuple(row.retry_statuses),
    )


def _target(row: BindingTarget, upstreams: Mapping[int, UpstreamSnapshot]) -> Target:
    return Target(
        upstream=upstreams[row.upstream_id], model=row.upstream_model, priority=row.priority, weight=row.weight
    )


def _sentence(problem: Any) -> str:
    if isinstance(problem, ValidationError):
        if hasattr(problem, "message_dict"):
            return " ".join(f"{field}: {' '.join(texts)}" for field, texts in problem.message_dict.items())
        return " ".join(problem.messages)
    return str(problem)
