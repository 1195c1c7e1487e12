"""Reads the routing rows and makes the immutable table of them.  A broken row is reported and left out."""

from collections.abc import Iterator, Mapping

from routing import address, kinds, limit_loading
from routing.fields import resolved
from routing.kinds import Kind
from routing.matching import picks_models
from routing.models import ModelBinding, Upstream
from routing.problems import Problem
from routing.reporting import reported
from routing.snapshot import Binding, CredentialMode, KeyStyle, RoutingTable, Target
from routing.snapshot import Upstream as UpstreamSnapshot


def load(detected_kinds: Mapping[str, Kind] | None = None) -> tuple[RoutingTable, list[Problem]]:
    """Five queries.  Never raises for the content of a row.

    `detected_kinds` holds, by upstream name, what a server of kind auto said of itself.
    """
    problems: list[Problem] = []
    rows = {row.pk: row for row in Upstream.objects.all()}
    upstreams: dict[int, UpstreamSnapshot] = {}
    for row in rows.values():
        if row.enabled:
            with reported(problems, "upstream", row.name, row):
                upstreams[row.pk] = upstream_of(row, (detected_kinds or {}).get(row.name, Kind.AUTO))
    enabled = ModelBinding.objects.filter(enabled=True).prefetch_related("targets")
    return RoutingTable(
        bindings=tuple(_binding(binding, rows, upstreams, problems) for binding in enabled),
        upstreams=tuple(upstreams.values()),
        limits=limit_loading.limits(problems),
        throttles=limit_loading.throttles(problems),
    ), problems


def upstream_of(row: Upstream, detected: Kind = Kind.AUTO) -> UpstreamSnapshot:
    """Raises ValidationError when the row cannot be used."""
    row.clean_fields(exclude=["name"])
    row.clean()
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
        extra_headers=tuple((row.extra_headers or {}).items()),
        drop_params=tuple(row.drop_params or ()),
        rename_params=dict(row.rename_params or {}),
        set_params=dict(row.set_params or {}),
        reasoning_field=row.reasoning_field,
        tool_call_repair=row.tool_call_repair,
        strip_billing_header=kind is not Kind.ANTHROPIC if strips is None else strips,
        max_retries=row.max_retries,
        base_retry_delay=row.base_retry_delay,
        rate_limit_wait=row.rate_limit_wait,
        loading_wait=row.loading_wait,
        retry_statuses=tuple(row.retry_statuses or ()),
    )


def _binding(
    row: ModelBinding,
    rows: Mapping[int, Upstream],
    upstreams: Mapping[int, UpstreamSnapshot],
    problems: list[Problem],
) -> Binding:
    """Also one without a usable target, so that nothing falls through to a wider pattern."""
    targets = tuple(_targets(row, upstreams, problems))
    bound = [rows[one.upstream_id] for one in row.targets.all() if one.upstream_id in rows]  # one may be new by now
    lacking = () if targets else tuple(_lack(upstream, upstreams) for upstream in bound)
    binding = Binding(pattern=row.pattern, targets=targets, session_affinity=row.session_affinity, lacking=lacking)
    if not targets:
        problems.append(
            Problem("binding", row.pattern, f"{binding.why_unusable}, so its requests are answered 503", row)
        )
    return binding


def _lack(row: Upstream, upstreams: Mapping[int, UpstreamSnapshot]) -> str:
    """What is wrong with a target at this upstream, without what only people in the admin should read."""
    if not row.enabled:
        return f"“{row.name}” is switched off"
    return f"the target at “{row.name}” is misconfigured" if row.pk in upstreams else f"“{row.name}” is misconfigured"


def _targets(
    binding: ModelBinding, upstreams: Mapping[int, UpstreamSnapshot], problems: list[Problem]
) -> Iterator[Target]:
    for row in binding.targets.all():
        upstream = upstreams.get(row.upstream_id)
        if upstream is None:
            continue
        lead = f"its target {upstream.name} is left out: "
        with reported(problems, "binding", binding.pattern, binding, lead=lead):
            row.clean_fields(exclude=["binding", "upstream"])
            yield Target(
                upstream=upstream,
                model=row.upstream_model,
                priority=row.priority,
                weight=row.weight,
                picks=picks_models(row.upstream_model),
            )
