"""The admin of parallel limits and pauses."""

from django.contrib import admin
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from routing.admission.limits import Scope
from routing.limit_models import ParallelLimit, ThrottleRule

SCOPE_TONES: dict[str, str] = {Scope.MODEL: "sp-note", Scope.UPSTREAM: "sp-good", Scope.GLOBAL: "sp-warn"}


@admin.register(ParallelLimit)
class ParallelLimitAdmin(ModelAdmin):
    list_display = ["applies_to", "scope_shown", "limit", "queue_size", "queue_timeout_seconds", "position", "enabled"]
    list_editable = ["limit", "queue_size", "queue_timeout_seconds", "position", "enabled"]
    list_filter = ["scope", "enabled"]
    list_filter_sheet = False
    list_select_related = ["upstream"]
    search_fields = ["model_pattern", "upstream__name"]
    search_help_text = "Model pattern or upstream"
    nothing_yet = "No limit yet: as many requests run at once as come."
    list_before_template = "admin/routing/parallellimit/order.html"
    warn_unsaved_form = True
    radio_fields = {"scope": admin.VERTICAL}
    fields = [
        "scope",
        "model_pattern",
        "upstream",
        "limit",
        "queue_size",
        "queue_timeout_seconds",
        "position",
        "enabled",
    ]
    conditional_fields = {"model_pattern": "scope == 'model'", "upstream": "scope == 'upstream'"}

    @admin.display(description="for")
    def applies_to(self, limit: ParallelLimit) -> str:
        return limit.name or "all requests"

    @admin.display(description="scope", ordering="scope")
    def scope_shown(self, limit: ParallelLimit) -> str:
        return format_html('<span class="sp-chip {}">{}</span>', SCOPE_TONES.get(limit.scope, ""), limit.scope)


@admin.register(ThrottleRule)
class ThrottleRuleAdmin(ModelAdmin):
    list_display = ["applies_to", "start_pause_seconds", "end_pause_seconds", "position", "enabled"]
    list_editable = ["start_pause_seconds", "end_pause_seconds", "position", "enabled"]
    list_filter = ["enabled"]
    list_filter_sheet = False
    search_fields = ["model_pattern"]
    search_help_text = "Model pattern"
    nothing_yet = "No pauses yet: requests go on as they come."
    list_before_template = "admin/routing/throttlerule/inheritance.html"
    warn_unsaved_form = True
    fields = ["model_pattern", "start_pause_seconds", "end_pause_seconds", "position", "enabled"]

    @admin.display(description="models", ordering="model_pattern")
    def applies_to(self, rule: ThrottleRule) -> str:
        return rule.model_pattern or "all models (global)"
