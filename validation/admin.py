"""The admin of policies and validator models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget

from routing.fields import SecretField, SecretInput, is_reference, warning_of
from routing.json_form import IndentedJSON, JSONText
from routing.post_action import post_action
from validation import failure_admin
from validation.detectors.names import DETECTORS
from validation.forms import PolicyForm, ValidatorForm
from validation.models import RepairRule, ValidationPolicy, Validator
from validation.repair import FAMILIES

__all__ = ["failure_admin"]  # imported for its registration


@dataclass
class Running:
    """What `proxysite.admin` fills in, for this app imports nothing of it."""

    asked: Callable[[Validator], tuple[bool, str]] = lambda validator: (False, "The proxy is not running.")
    silent: Callable[[], frozenset[str]] = frozenset  # names of the validators that give no verdicts


running = Running()


OVERRIDES = {
    models.JSONField: {
        "widget": UnfoldAdminTextareaWidget({"rows": 3, "spellcheck": "false", "class": "sp-code"}),
        "form_class": JSONText,
        "encoder": IndentedJSON,
    },
    SecretField: {"widget": SecretInput({"class": " ".join(INPUT_CLASSES)})},
}


@admin.register(Validator)
class ValidatorAdmin(ModelAdmin):
    form = ValidatorForm
    actions_detail = ["ask_now"]
    list_display = ["name", "base_url", "model", "speaks", "key_stored", "used_by", "timeout_seconds"]
    list_editable = ["timeout_seconds"]
    search_fields = ["name", "base_url", "model"]
    search_help_text = "Name, base URL or model"
    nothing_yet = "No validator model yet. None is needed: the built-in detectors judge without one."
    warn_unsaved_form = True
    formfield_overrides = OVERRIDES
    fieldsets = [
        (None, {"fields": ["name", "base_url", "model"]}),
        ("Speaks", {"fields": ["supports_openai", "supports_anthropic", "api_key"]}),
        ("What it is asked", {"fields": ["prompt", "extra_params"]}),
        ("Patience", {"fields": ["connect_timeout_seconds", "timeout_seconds"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Validator]:
        return super().get_queryset(request).prefetch_related("policies")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "api_key" in form.changed_data and (warning := warning_of(obj.api_key)):
            messages.warning(request, warning)

    @post_action("Ask it now", "ask-now", icon="gavel")
    def ask_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        validator = get_object_or_404(Validator, pk=object_id)
        is_right, sentence = running.asked(validator)
        messages.add_message(request, messages.SUCCESS if is_right else messages.ERROR, sentence)
        return redirect("admin:validation_validator_change", validator.pk)

    @admin.display(description="speaks")
    def speaks(self, validator: Validator) -> str:
        return format_html(
            '<span class="sp-chip sp-note">{}</span>', "messages" if validator.supports_anthropic else "chat"
        )

    @admin.display(description="key")
    def key_stored(self, validator: Validator) -> str:
        if is_reference(validator.api_key):
            return format_html('<span class="sp-mono">{}</span>', validator.api_key.reveal())
        return "stored key" if validator.api_key else "none"

    @admin.display(description="asked for")
    def used_by(self, validator: Validator) -> str:
        """The policies in force that ask it, and whether it answers them."""
        chips = [("", policy.model_pattern) for policy in validator.policies.all() if policy.enabled]
        if validator.name in running.silent():
            chips.append(("sp-bad", "gives no verdicts"))
        return format_html_join(" ", '<span class="sp-chip {}">{}</span>', chips) or "nobody"


@admin.register(RepairRule)
class RepairRuleAdmin(ModelAdmin):
    list_display = ["model_pattern", "tool_call_repair", "mend_history", "position", "enabled"]
    list_editable = ["tool_call_repair", "mend_history", "position", "enabled"]
    list_filter = ["enabled", "mend_history"]
    list_filter_sheet = False
    search_fields = ["model_pattern", "tool_call_repair"]
    search_help_text = "Model pattern or family"
    nothing_yet = "No rule yet: what each upstream says of tool-call repair counts."
    warn_unsaved_form = True
    list_before_template = "admin/validation/repairrule/families.html"
    change_form_before_template = "admin/validation/repairrule/families.html"
    fields = ["model_pattern", "tool_call_repair", "mend_history", "position", "enabled"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"families": FAMILIES, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().changeform_view(request, object_id, form_url, {"families": FAMILIES, **(extra_context or {})})


@admin.register(ValidationPolicy)
class ValidationPolicyAdmin(ModelAdmin):
    form = PolicyForm
    list_display = [
        "model_pattern",
        "judged_by",
        "delivery_shown",
        "ladder_shown",
        "max_retries",
        "confidence_threshold",
        "position",
        "enabled",
    ]
    list_editable = ["max_retries", "confidence_threshold", "position", "enabled"]
    list_filter = ["enabled", "delivery", "on_exhausted", "validator"]
    list_filter_sheet = False
    list_select_related = ["validator"]
    search_fields = ["model_pattern", "validator__name"]
    search_help_text = "Model pattern or validator"
    nothing_yet = "No policy yet: nobody's answers are judged."
    list_before_template = "admin/validation/validationpolicy/order.html"
    warn_unsaved_form = True
    formfield_overrides = OVERRIDES
    radio_fields = {
        "delivery": admin.VERTICAL,
        "on_exhausted": admin.VERTICAL,
        "validate_on": admin.VERTICAL,
    }
    fieldsets = [
        (None, {"fields": ["model_pattern", "position", "enabled"]}),
        ("Built-in detectors", {"classes": ["tab"], "fields": ["builtin", "detectors", "delivery"]}),
        (
            "Validator model",
            {
                "classes": ["tab"],
                "description": "A small model that is asked as well. Whatever goes wrong with it, the answer counts as "
                "good.",
                "fields": [
                    "validator",
                    "validate_on",
                    "mid_stream_validation_enabled",
                    "mid_stream_validation_interval_words",
                    "hold_seconds",
                    "confidence_threshold",
                ],
            },
        ),
        (
            "After a bad answer",
            {
                "classes": ["tab"],
                "fields": [
                    "max_retries",
                    "ladder",
                    "retry_base_delay_seconds",
                    "retry_multiplier",
                    "on_exhausted",
                ],
            },
        ),
    ]

    @admin.display(description="judged by")
    def judged_by(self, policy: ValidationPolicy) -> str:
        chips = []
        if policy.builtin:
            count = len(policy.detectors or DETECTORS)
            chips.append(("sp-note", "built-in detectors" if count == len(DETECTORS) else f"{count} detectors"))
        if policy.validator:
            chips.append(("sp-good", policy.validator.name))
        shown = format_html_join(" ", '<span class="sp-chip {}">{}</span>', chips)
        return shown or format_html('<span class="sp-chip sp-warn">{}</span>', "nothing")

    @admin.display(description="delivery", ordering="delivery")
    def delivery_shown(self, policy: ValidationPolicy) -> str:
        return format_html('<span class="sp-nowrap">{}</span>', policy.delivery.replace("_", " "))

    @admin.display(description="retries change")
    def ladder_shown(self, policy: ValidationPolicy) -> str:
        steps = policy.ladder if isinstance(policy.ladder, list) else []
        text = " → ".join(str(step).replace("_", " ") for step in steps[: policy.max_retries])
        return format_html('<span class="sp-quiet">{}</span>', text or "nothing")
