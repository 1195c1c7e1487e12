"""Records are browsed, not edited, and big tables page cheaply."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from routing.dialects import Dialect
from routing.models import RequestRecord, Upstream

COUNTED_AT_MOST = 10_000
FAILED = tuple(
    outcome
    for outcome in RequestRecord.Outcome
    if outcome not in (RequestRecord.Outcome.OK, RequestRecord.Outcome.CLIENT_GONE)
)
RECENT = 2_000  # records that the choices of a filter are taken from


class CheapPaginator(Paginator):
    """Never counts a big table: by the keys when nothing is filtered, else up to a limit."""

    @cached_property
    def count(self) -> int:
        if not isinstance(self.object_list, QuerySet):
            return super().count
        rows = self.object_list.order_by()
        if rows.query.where:
            return rows[:COUNTED_AT_MOST].count()
        ends = rows.aggregate(first=Min("pk"), last=Max("pk"))
        return 0 if ends["last"] is None else ends["last"] - ends["first"] + 1


class RecordAdmin(ModelAdmin):
    """What every kind of record has in common: look, search, filter, delete."""

    paginator = CheapPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the whole table, once for each choice
    list_per_page = 50
    list_filter_sheet = False
    actions = ["delete_selected"]
    body_fields: tuple[str, ...] = ()  # long texts, which the list does not read

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer(*self.body_fields) if match and match.url_name.endswith("_changelist") else rows

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Nothing is filtered: then what is found is everything, and the heading need not offer to show more."""
        changelist = super().get_changelist_instance(request)
        if not changelist.has_active_filters and not changelist.query:
            changelist.full_result_count = changelist.result_count
        return changelist


class SinceFilter(admin.SimpleListFilter):
    title = "time"
    parameter_name = "since"
    spans = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("15m", "last 15 minutes"), ("1h", "last hour"), ("1d", "last 24 hours"), ("7d", "last 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = self.spans.get(self.value() or "")
        return queryset.filter(received_at__gte=timezone.now() - span) if span else queryset


class OutcomeFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "everything that failed"), *RequestRecord.Outcome.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "failed":
            return queryset.filter(outcome__in=FAILED)
        return queryset.filter(outcome=self.value()) if self.value() else queryset


class UpstreamFilter(admin.SimpleListFilter):
    title = "upstream"
    parameter_name = "upstream"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in Upstream.objects.values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(upstream=self.value()) if self.value() else queryset


class ModelFilter(admin.SimpleListFilter):
    """The models of the newest records: a list of all would read the whole table."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        recent = RequestRecord.objects.order_by("-pk").values_list("model_asked", flat=True)[:RECENT]
        return [(name, name) for name in sorted({*recent, self.used_parameters.get("model") or ""} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_asked=self.value()) if self.value() else queryset


class DialectFilter(admin.SimpleListFilter):
    title = "client dialect"
    parameter_name = "dialect"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(dialect.value, dialect.value) for dialect in Dialect]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(client_dialect=self.value()) if self.value() else queryset


class RepairFilter(admin.SimpleListFilter):
    title = "repairs"
    parameter_name = "repairs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "something was mended"), ("none", "nothing was mended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "some":
            return queryset.exclude(repairs=[])
        return queryset.filter(repairs=[]) if self.value() == "none" else queryset


@admin.register(RequestRecord)
class RequestRecordAdmin(RecordAdmin):
    list_display = [
        "time",
        "model_shown",
        "upstream_shown",
        "dialects",
        "status_shown",
        "outcome_shown",
        "duration",
        "tokens",
        "mended",
    ]
    list_filter = [OutcomeFilter, SinceFilter, UpstreamFilter, ModelFilter, DialectFilter, RepairFilter]
    search_fields = ["^request_id", "model_asked", "model_sent"]
    search_help_text = "Request id (its beginning), or a part of a model's name"
    sortable_by = ()
    nothing_yet = "No request came so far. The overview says how to call the proxy."
    body_fields = ("request_body", "sent_body", "answer_body", "changes", "warnings", "error")

    @admin.display(description="received")
    def time(self, record: RequestRecord) -> str:
        return moment(record.received_at, record.request_id)

    @admin.display(description="model")
    def model_shown(self, record: RequestRecord) -> str:
        asked = record.model_asked or "–"
        if record.model_sent and record.model_sent != record.model_asked:
            return format_html(
                '<span class="sp-model">{} <span class="sp-quiet">→ {}</span></span>', asked, record.model_sent
            )
        return format_html('<span class="sp-model">{}</span>', asked)

    @admin.display(description="upstream")
    def upstream_shown(self, record: RequestRecord) -> str:
        return record.upstream or "–"

    @admin.display(description="dialect")
    def dialects(self, record: RequestRecord) -> str:
        spoken = list(dict.fromkeys(filter(None, (record.client_dialect, record.upstream_dialect))))
        stream = format_html(' <span class="sp-chip">stream</span>') if record.streamed else ""
        return format_html('<span class="sp-nowrap">{}</span>{}', " → ".join(spoken) or "–", stream)

    @admin.display(description="status")
    def status_shown(self, record: RequestRecord) -> str:
        return format_html('<span class="sp-chip {}">{}</span>', status_tone(record.status), record.status)

    @admin.display(description="outcome")
    def outcome_shown(self, record: RequestRecord) -> str:
        """A request that needed more than one attempt was answered in the end, and yet is worth a look."""
        attempts = format_html(' <span class="sp-quiet sp-nowrap">{} attempts</span>', record.attempts)
        return format_html(
            '<span><span class="sp-chip {}">{}</span>{}</span>',
            outcome_tone(record.outcome),
            record.get_outcome_display(),
            attempts if record.attempts > 1 else "",
        )

    @admin.display(description="took")
    def duration(self, record: RequestRecord) -> str:
        return format_html('<span class="sp-number">{}</span>', seconds(record.duration_seconds()))

    @admin.display(description="tokens in → out")
    def tokens(self, record: RequestRecord) -> str:
        if record.prompt_tokens is None and record.completion_tokens is None:
            return "–"
        known = (
            "?" if number is None else f"{number:,}" for number in (record.prompt_tokens, record.completion_tokens)
        )
        return format_html('<span class="sp-number">{} → {}</span>', *known)

    @admin.display(description="mended")
    def mended(self, record: RequestRecord) -> str:
        count = len(record.repairs)
        return format_html('<span class="sp-chip sp-note">{}</span>', count) if count else ""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        shown = _shown(record) if isinstance(record, RequestRecord) else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})


def moment(at: datetime, request_id: str) -> str:
    """A time in a list; what else a person may want to know of it when the mouse rests there."""
    local = timezone.localtime(at)
    return format_html(
        '<span class="sp-nowrap" title="{} · {}">{} <span class="sp-quiet">{}</span></span>',
        local.strftime("%d %b %Y, %H:%M:%S %Z"),
        request_id,
        local.strftime("%H:%M:%S"),
        local.strftime("%d %b"),
    )


@dataclass
class Beside:
    """What other apps know of a request; `proxysite.admin` fills it in, for routing imports nothing of them."""

    failures_link: Callable[[str], str] = lambda request_id: ""


beside = Beside()


def _shown(record: RequestRecord) -> dict[str, Any]:
    """What the detail page needs beyond the record itself."""
    return {
        "failures_link": beside.failures_link(record.request_id),
        "title": f"Request {record.request_id}",
        "subtitle": None,
        "status_tone": status_tone(record.status),
        "outcome_tone": outcome_tone(record.outcome),
        "duration": seconds(record.duration_seconds()),
        "timeline": timeline(record),
        "changes": [change_row(change) for change in record.changes],
        "bodies": [
            {"title": title, "text": pretty(text), "size": f"{len(text.encode()):,} bytes"}
            for title, text in (
                ("What the client sent", record.request_body),
                ("What the upstream was sent", record.sent_body),
                ("What was answered", record.answer_body),
            )
            if text
        ],
    }


def timeline(record: RequestRecord) -> list[dict[str, Any]]:
    """The steps of a request: when, how long since it came, and where that lies between its first and last moment."""
    whole = max(record.duration_seconds(), 0.000001)
    steps = [
        ("received", record.received_at),
        ("admitted", record.admitted_at),
        ("first byte", record.first_byte_at),
        ("done", record.done_at),
    ]
    return [
        {
            "name": name,
            "at": timezone.localtime(moment).strftime("%H:%M:%S.%f")[:-3],
            "after": seconds((moment - record.received_at).total_seconds()),
            "percent": round(100 * min(max((moment - record.received_at).total_seconds() / whole, 0), 1), 2),
        }
        for name, moment in steps
        if moment is not None
    ]


def change_row(change: Any) -> dict[str, str]:
    """One parameter change as text: JSON values, and words where there was, or is, nothing."""
    if not isinstance(change, dict):
        return {"name": str(change), "before": "", "after": "", "origin": ""}
    before, after = (
        json.dumps(change[side], ensure_ascii=False) if side in change else "not set" for side in ("from", "to")
    )
    return {
        "name": str(change.get("name", "")),
        "before": before,
        "after": after,
        "origin": str(change.get("origin", "")),
    }


def pretty(text: str) -> str:
    """JSON with indentation; anything else (a stream, a text that was cut, nesting without end) as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def seconds(duration: float) -> str:
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.2f} s"
    return f"{int(duration // 60)} min {int(duration % 60)} s"


def status_tone(status: int) -> str:
    return "sp-good" if status < 300 else "sp-note" if status < 400 else "sp-warn" if status < 500 else "sp-bad"


def outcome_tone(outcome: str) -> str:
    tones = {"ok": "sp-good", "client_gone": "sp-note", "refused": "sp-warn", "upstream_status": "sp-warn"}
    return tones.get(outcome, "sp-bad")
