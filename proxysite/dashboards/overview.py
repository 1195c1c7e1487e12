"""The admin's first page: what is misconfigured, what failed lately, what was served, and how to call the proxy."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import INFO, CheckMessage
from django.db.models import Case, Count, IntegerField, Max, Model, Q, Sum, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from proxysite import checks, live, serving
from proxysite.dashboards import now as this_moment
from proxysite.dashboards.judging import judging
from proxysite.gateway.alarms import Alarm, StoredKey, What
from proxysite.live import LiveConfig
from routing.address import DEMO
from routing.kinds import Kind, by_url
from routing.matching import is_glob
from routing.models import RequestRecord, Upstream
from routing.record_admin import FAILED, outcome_tone, status_tone
from routing.snapshot import Binding
from routing.snapshot import Upstream as UpstreamSnapshot
from validation.models import ValidationFailure, Validator

HOURS = 24
FAILURES_SHOWN = 8
POLICIES_SHOWN = 8
_LISTED = ("request_id", "received_at", "model_asked", "upstream", "status", "outcome", "error")


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `admin/index.html` shows; django-unfold calls this."""
    config = live.current() or live.reload()
    may_view_upstreams = request.user.has_perm("routing.view_upstream")
    may_view_records = request.user.has_perm("routing.view_requestrecord")
    return {
        **context,
        "title": "Overview",
        "messages_found": [
            *(_alarm(alarm) for alarm in serving.alarms()),
            *(_message(found) for found in checks.configuration_messages(config)),
        ],
        "may_view_records": may_view_records,
        **(_records() if may_view_records else {}),
        "upstreams": _upstreams(config) if may_view_upstreams else [],
        "may_view_upstreams": may_view_upstreams,
        **(this_moment.context() if may_view_upstreams else {}),
        **(_judged(config) if request.user.has_perm("validation.view_validationpolicy") else {}),
        **_how_to_call(request, config),
    }


def attention() -> int:
    """How many things want attention; the sidebar shows it."""
    config = live.current() or live.reload()
    return len(serving.alarms()) + sum(found.level > INFO for found in checks.configuration_messages(config))


def _alarm(alarm: Alarm) -> dict[str, str]:
    often = f"{alarm.count} times, last {_ago(alarm.last)}." if alarm.count > 1 else f"{_ago(alarm.last).capitalize()}."
    return {
        "id": "",
        "text": alarm.text,
        "hint": often,
        "link": _page_of(alarm.what),
        "icon": "notifications_active",
        "tone": "sp-icon-bad",
    }


def _page_of(what: What) -> str:
    """Blank if it has none any more."""
    if isinstance(what, StoredKey):
        upstream = Upstream.objects.filter(name=what.upstream).only("pk").first()
        return reverse("admin:routing_upstream_change", args=[upstream.pk]) if upstream else ""
    validator = Validator.objects.filter(name=what).only("pk").first()
    return reverse("admin:validation_validator_change", args=[validator.pk]) if validator else ""


def _message(found: CheckMessage) -> dict[str, str]:
    link = ""
    if isinstance(found.obj, Model) and found.obj.pk is not None:
        meta = found.obj._meta
        link = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[found.obj.pk])
    elif found.id in ("proxysite.W001", "proxysite.W007"):
        link = reverse("admin:routing_upstream_changelist")
    elif found.id in ("proxysite.W002", "proxysite.I001"):
        link = reverse("admin:routing_modelbinding_changelist")
    elif found.id == "proxysite.W005":
        link = reverse("admin:validation_validationpolicy_changelist")
    return {
        "id": found.id or "",
        "text": str(found.msg),
        "hint": found.hint or "",
        "link": link,
        "icon": "info" if found.level <= INFO else "warning",
        "tone": "sp-quiet" if found.level <= INFO else "sp-icon-warn",
    }


def _records() -> dict[str, Any]:
    now = timezone.now()
    last_day = RequestRecord.objects.filter(received_at__gte=now - timedelta(hours=24))
    failed, hour = Q(outcome__in=FAILED), Q(received_at__gte=now - timedelta(hours=1))
    totals = last_day.order_by().aggregate(
        hour=Count("pk", filter=hour),
        hour_failed=Count("pk", filter=hour & failed),
        day=Count("pk"),
        day_failed=Count("pk", filter=failed),
        day_in=Sum("prompt_tokens"),
        day_out=Sum("completion_tokens"),
    )
    return {
        "totals": {**totals, "day_in": _short(totals["day_in"] or 0), "day_out": _short(totals["day_out"] or 0)},
        "bars": _bars(last_day, now),
        "zone": timezone.localtime(now).tzname(),
        "failures": [_failure(record) for record in last_day.filter(failed).only(*_LISTED)[:FAILURES_SHOWN]],
    }


def _bars(records: Any, now: Any) -> list[dict[str, Any]]:
    """Requests in each of the last 24 hours, as heights in percent of the fullest."""
    this_hour = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=ago) for ago in range(HOURS - 1, -1, -1)]
    # Not TruncHour: SQLite would call back into Python for every row.
    hour = Case(
        *(When(received_at__gte=start, then=Value(number)) for number, start in reversed(list(enumerate(hours)))),
        output_field=IntegerField(),
    )
    rows = records.order_by().annotate(hour=hour).values("hour")
    counted = {
        row["hour"]: row for row in rows.annotate(total=Count("pk"), failed=Count("pk", filter=Q(outcome__in=FAILED)))
    }
    counts = [counted.get(number, {"total": 0, "failed": 0}) for number in range(HOURS)]
    most = max(row["total"] for row in counts) or 1
    return [
        {
            "hour": start.strftime("%H:00"),
            "total": row["total"],
            "failed": row["failed"],
            "good_height": round(100 * (row["total"] - row["failed"]) / most, 1),
            "failed_height": round(100 * row["failed"] / most, 1),
        }
        for start, row in zip(hours, counts, strict=True)
    ]


def _failure(record: RequestRecord) -> dict[str, Any]:
    """A stream that broke off was a 200: there the outcome says what went wrong."""
    told = record.status >= 400
    return {
        "record": record,
        "what": record.status if told else record.get_outcome_display(),
        "tone": status_tone(record.status) if told else outcome_tone(record.outcome),
        "ago": _ago(record.received_at),
    }


def _upstreams(config: LiveConfig) -> list[dict[str, Any]]:
    """Every upstream with what the last day's records say of it."""
    since = timezone.now() - timedelta(hours=24)
    rows = RequestRecord.objects.filter(received_at__gte=since).order_by().values("upstream")
    seen = {
        row["upstream"]: row
        for row in rows.annotate(total=Count("pk"), failed=Count("pk", filter=Q(outcome__in=FAILED)), last=Max("pk"))
    }
    lasts = RequestRecord.objects.only("outcome", "received_at").in_bulk([row["last"] for row in seen.values()])
    in_force = {upstream.name: upstream for upstream in config.routing.upstreams}
    shown = []
    for upstream in Upstream.objects.defer("api_key"):
        row = seen.get(upstream.name, {"total": 0, "failed": 0, "last": None})
        last = lasts.get(row["last"])
        state, tone = _state(upstream, upstream.name in in_force, last)
        shown.append(
            {
                "row": upstream,
                "kind": _kind(upstream, in_force),
                "state": state,
                "tone": tone,
                "total": row["total"],
                "failed": row["failed"],
                "last": _ago(last.received_at) if last else "",
            }
        )
    return shown


def _judged(config: LiveConfig) -> dict[str, Any]:
    """The policies in force, and how often each found garbage in the last day."""
    since = timezone.now() - timedelta(hours=24)
    rows = ValidationFailure.objects.filter(at__gte=since).order_by().values("policy")
    found = {row["policy"]: row["total"] for row in rows.annotate(total=Count("pk"))}
    ill = {alarm.what for alarm in serving.alarms()}
    return {
        "policies": [
            {
                "judging": judging(policy),
                "found": found.get(policy.model_pattern, 0),
                "is_ill": policy.validator is not None and policy.validator.name in ill,
            }
            for policy in config.validation.policies[:POLICIES_SHOWN]
            if policy.judges
        ],
        "policies_hidden": max(0, len(config.validation.policies) - POLICIES_SHOWN),
    }


def _kind(upstream: Upstream, in_force: Mapping[str, UpstreamSnapshot]) -> str:
    if upstream.name in in_force:
        return in_force[upstream.name].kind
    return upstream.kind if upstream.kind != Kind.AUTO else by_url(upstream.base_url)


def _state(upstream: Upstream, in_force: bool, last: RequestRecord | None) -> tuple[str, str]:
    if not upstream.enabled:
        return "off", ""
    if not in_force:
        return "misconfigured", "sp-bad"
    if last is None:
        return "idle", ""
    if last.outcome in FAILED:
        return "last request failed", "sp-warn"
    return "working", "sp-good"


def _how_to_call(request: HttpRequest, config: LiveConfig) -> dict[str, Any]:
    root = request.build_absolute_uri("/").rstrip("/") + request.META.get("SCRIPT_NAME", "")
    return {
        "openai_url": f"{root}/v1",
        "anthropic_url": root,
        "example_model": _example(config),
        "wants_key": bool(settings.ENV["LOCAL_API_KEY"]),
    }


def _example(config: LiveConfig) -> str:
    """A name that can be called as it stands: the demo's where that leads to the demo, whose other models fail."""
    names = [
        binding.pattern
        for binding in config.routing.bindings
        if binding.targets and not is_glob(binding.pattern) and not _leads_to_demo(binding)
    ]
    demo = config.routing.binding("demo")
    if (demo and _leads_to_demo(demo)) or not names:
        return "demo"
    return names[0]


def _leads_to_demo(binding: Binding) -> bool:
    return any(target.upstream.base_url == DEMO for target in binding.targets)


def _ago(moment: Any) -> str:
    passed = (timezone.now() - moment).total_seconds()
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if passed >= length:
            count = int(passed // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _short(number: int) -> str:
    for length, letter in ((1_000_000, "M"), (10_000, "k")):
        if number >= length:
            return f"{number / (1000 if letter == 'k' else length):.1f} {letter}".replace(".0 ", " ")
    return f"{number:,}"
