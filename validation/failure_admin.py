"""Bad answers are browsed, labelled and judged again, not edited."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from routing.record_admin import COUNTED_AT_MOST, RECENT, RecordAdmin, moment
from validation.exporting import lines
from validation.failures import Channel, Outcome
from validation.marking import pieces
from validation.models import ValidationFailure
from validation.rejudging import has_text, judged, rejudge

TONES = {
    Outcome.RETRIED: "sp-good",
    Outcome.CONTINUED: "sp-good",
    Outcome.CLIENT_GONE: "sp-note",
    Outcome.DELIVERED: "sp-warn",
    Outcome.MESSAGE: "sp-warn",
    Outcome.ERROR: "sp-bad",
}
LABEL_TONES = {"right": "sp-good", "false_alarm": "sp-warn"}


class BoundedPaginator(Paginator):
    """Labelled rows outlive their neighbours, so that keys say nothing of how many there are."""

    @cached_property
    def count(self) -> int:
        if not isinstance(self.object_list, QuerySet):
            return super().count
        return self.object_list.order_by()[:COUNTED_AT_MOST].count()


class RecentValues(admin.SimpleListFilter):
    """The values that the newest failures have: a list of all would read the whole table."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        name = self.parameter_name
        recent = ValidationFailure.objects.order_by("-pk").values_list(name, flat=True)[:RECENT]
        chosen = self.used_parameters.get(name) or ""
        return [(value, value) for value in sorted({*recent, chosen} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class ModelFilter(RecentValues):
    title = parameter_name = "model"


class UpstreamFilter(RecentValues):
    title = parameter_name = "upstream"


class DetectorFilter(RecentValues):
    title = parameter_name = "detector"


class PolicyFilter(RecentValues):
    title = parameter_name = "policy"


class LabelFilter(admin.SimpleListFilter):
    title = parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "unlabelled"), ("right", "right"), ("false_alarm", "false alarm")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(label="" if self.value() == "none" else self.value())


@admin.register(ValidationFailure)
class ValidationFailureAdmin(RecordAdmin):
    paginator = BoundedPaginator
    list_display = [
        "time",
        "model_shown",
        "attempt",
        "found",
        "excerpt_shown",
        "outcome_shown",
        "label_shown",
        "judged_now",
    ]
    list_filter = [ModelFilter, UpstreamFilter, PolicyFilter, DetectorFilter, "outcome", LabelFilter]
    search_fields = ["^request_id", "model", "excerpt"]
    search_help_text = "Request id (its beginning), or a part of a model's name or of what repeats"
    date_hierarchy = "at"
    sortable_by = ()
    nothing_yet = "No bad answer was found so far. Policies say whose answers are judged."
    body_fields = ("text", "reasoning", "tool_calls", "request_body", "parameters")
    actions = ["judge_again", "label_right", "label_false_alarm", "export", "delete_selected"]

    def get_urls(self) -> list[Any]:
        own = [
            path("<int:pk>/label/", self.admin_site.admin_view(require_POST(self.label_view)), name="failure_label"),
            path("<int:pk>/rejudge/", self.admin_site.admin_view(require_POST(self.rejudge_view)), name="rejudge"),
        ]
        return own + super().get_urls()

    def label_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._may_label(request)
        label = request.POST.get("set_label", "")
        if label not in ValidationFailure.Label.values:
            raise Http404
        get_object_or_404(ValidationFailure, pk=pk)
        self._label(request, ValidationFailure.objects.filter(pk=pk), label)
        return redirect("admin:validation_validationfailure_change", pk)

    def rejudge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._may_label(request)
        self._rejudge(request, ValidationFailure.objects.filter(pk=pk))
        return redirect("admin:validation_validationfailure_change", pk)

    def has_label_permission(self, request: HttpRequest) -> bool:
        """Whoever may only look neither labels, nor takes away many answers at once."""
        return request.user.has_perm("validation.change_validationfailure")

    def _may_label(self, request: HttpRequest) -> None:
        if not self.has_label_permission(request):
            raise PermissionDenied

    def _label(self, request: HttpRequest, failures: QuerySet[ValidationFailure], label: str) -> None:
        by, at = (request.user.get_username(), timezone.now()) if label else ("", None)
        count = failures.update(label=label, labelled_by=by, labelled_at=at)
        what = ValidationFailure.Label(label).label
        messages.success(request, f"{count} labelled as {what}." if label else f"{count} no longer labelled.")

    def _rejudge(self, request: HttpRequest, failures: QuerySet[ValidationFailure]) -> None:
        flagged, passed = rejudge(failures)
        if not flagged and not passed:
            messages.warning(request, "No text of these answers was kept, so they cannot be judged again.")
            return
        if flagged + passed == 1:
            again = "is still flagged" if flagged else "would not be flagged any more"
            messages.success(request, f"With today's settings this answer {again}.")
        else:
            messages.success(request, f"With today's settings {flagged} of {flagged + passed} would be flagged.")

    @admin.action(description="Judge again with today's settings", permissions=["label"])
    def judge_again(self, request: HttpRequest, queryset: QuerySet[ValidationFailure]) -> None:
        self._rejudge(request, queryset)

    @admin.action(description="Label: this was right", permissions=["label"])
    def label_right(self, request: HttpRequest, queryset: QuerySet[ValidationFailure]) -> None:
        self._label(request, queryset, "right")

    @admin.action(description="Label: this was a false alarm", permissions=["label"])
    def label_false_alarm(self, request: HttpRequest, queryset: QuerySet[ValidationFailure]) -> None:
        self._label(request, queryset, "false_alarm")

    @admin.action(description="Export as JSON lines", permissions=["label"])
    def export(self, request: HttpRequest, queryset: QuerySet[ValidationFailure]) -> HttpResponse:
        whole = ValidationFailure.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        return HttpResponse(
            "".join(lines(whole.order_by("pk"))),
            content_type="application/jsonl",
            headers={"Content-Disposition": 'attachment; filename="failures.jsonl"'},
        )

    @admin.display(description="when")
    def time(self, failure: ValidationFailure) -> str:
        return moment(failure.at, failure.request_id)

    @admin.display(description="model")
    def model_shown(self, failure: ValidationFailure) -> str:
        at = format_html('<br><span class="sp-quiet">at {}</span>', failure.upstream) if failure.upstream else ""
        return format_html('<span class="sp-model">{}{}</span>', failure.model or "–", at)

    @admin.display(description="found by")
    def found(self, failure: ValidationFailure) -> str:
        return format_html(
            '<span class="sp-nowrap"><span class="sp-chip">{}</span> <span class="sp-quiet">{}</span></span>',
            failure.detector or failure.issue_type or "–",
            f"{failure.confidence:.2f}",
        )

    @admin.display(description="what repeats")
    def excerpt_shown(self, failure: ValidationFailure) -> str:
        text = " ".join(failure.excerpt.split())
        return format_html('<span class="sp-mono sp-excerpt">{}</span>', text if len(text) <= 60 else text[:59] + "…")

    @admin.display(description="what happened next")
    def outcome_shown(self, failure: ValidationFailure) -> str:
        return format_html(
            '<span class="sp-chip {}">{}</span>', TONES.get(failure.outcome, ""), failure.get_outcome_display()
        )

    @admin.display(description="right?")
    def label_shown(self, failure: ValidationFailure) -> str:
        if not failure.label:
            return "–"
        tone = LABEL_TONES.get(failure.label, "")
        return format_html('<span class="sp-chip {}">{}</span>', tone, failure.get_label_display())

    @admin.display(description="rejudged")
    def judged_now(self, failure: ValidationFailure) -> str:
        if failure.rejudged_at is None:
            return "–"
        return failure.rejudged_detector or "not flagged"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        failure = self.get_object(request, object_id)
        shown = _shown(failure, request) if isinstance(failure, ValidationFailure) else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})


def _shown(failure: ValidationFailure, request: HttpRequest) -> dict[str, Any]:
    """What the detail page needs beyond the failure itself."""
    attempts = ValidationFailure.objects.filter(request_id=failure.request_id).order_by("attempt", "pk")[:12]
    may_view = request.user.has_perm("routing.view_requestrecord")
    return {
        "title": f"Failure of {failure.request_id}",
        "subtitle": None,
        "tone": TONES.get(failure.outcome, ""),
        "label_tone": LABEL_TONES.get(failure.label, ""),
        "attempts": [_attempt(one) for one in attempts],
        "has_text": has_text(failure),
        "may_label": request.user.has_perm("validation.change_validationfailure"),
        "record_link": f"{reverse('admin:routing_requestrecord_changelist')}?q={failure.request_id}"
        if may_view
        else "",
    }


def _attempt(failure: ValidationFailure) -> dict[str, Any]:
    kept = failure.left_out
    onset = None if failure.onset is None else failure.onset - kept
    offset = None if failure.offset is None else failure.offset - kept
    others = [("Text", failure.text, Channel.TEXT), ("Reasoning", failure.reasoning, Channel.REASONING)]
    return {
        "failure": failure,
        "tone": TONES.get(failure.outcome, ""),
        "pieces": pieces(judged(failure), onset, offset, failure.period),
        "others": [(title, text) for title, text, channel in others if text and text != judged(failure)],
        "parameters": _parameters(failure),
    }


def _parameters(failure: ValidationFailure) -> list[tuple[str, str]]:
    """As the request had them, which is JSON: `false`, not Python's `False`."""
    found = failure.parameters if isinstance(failure.parameters, dict) else {}
    return [(name, json.dumps(value, ensure_ascii=False)) for name, value in sorted(found.items())]
