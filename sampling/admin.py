"""The admin of presets and rules."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline

from sampling import parameters
from sampling.forms import IN_LIST, PresetForm, PresetRowForm
from sampling.models import SamplingPreset, SamplingRule

AS_IT_IS = "\u2060"  # a word joiner before it keeps the theme from writing Top_p

LAYER_TONES = {"default": "", "model": "sp-note", "enforced": "sp-warn"}


class RuleInline(TabularInline):
    model = SamplingRule
    fields = ["layer", "model_pattern", "applies_to", "position", "enabled"]
    extra = 0
    hide_title = True
    verbose_name_plural = "rules that use this preset"


@admin.register(SamplingPreset)
class SamplingPresetAdmin(ModelAdmin):
    form = PresetForm
    list_display = ["name", *IN_LIST, "other_parameters", "used_by"]
    search_fields = ["name", "parameters"]
    search_help_text = "Name of a preset or of a parameter in it"
    nothing_yet = "No preset yet. A preset is a named set of sampling parameters; rules say for which models it counts."
    fields = ["name", "parameters"]
    inlines = [RuleInline]
    warn_unsaved_form = True
    list_before_template = "admin/sampling/samplingpreset/hint.html"
    change_form_after_template = "admin/sampling/samplingpreset/known_parameters.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SamplingPreset]:
        return super().get_queryset(request).prefetch_related("rules")

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[ModelForm]:
        return PresetRowForm

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """`list_editable` itself takes model fields only; these are keys of one."""
        changelist = super().get_changelist_instance(request)
        if self.has_change_permission(request) and not changelist.is_popup:
            changelist.list_editable = IN_LIST
        return changelist

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"known_parameters": [_described(one) for one in parameters.PARAMETERS], **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: SamplingPreset, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        unknown = parameters.unknown(obj.parameters) if "parameters" in form.changed_data else []
        if unknown:
            messages.warning(
                request,
                f"Not in the table of known parameters: {', '.join(unknown)}. They are sent as they are; "
                "check the spelling if that is not what you mean.",
            )

    def _number(self, preset: SamplingPreset, name: str) -> str:
        """For people who may look but not change; everybody else has an input there."""
        values = preset.parameters if isinstance(preset.parameters, dict) else {}
        if name not in values:
            return "–"
        return "off" if values[name] is None else json.dumps(values[name])

    @admin.display(description=AS_IT_IS + "temperature")
    def temperature(self, preset: SamplingPreset) -> str:
        return self._number(preset, "temperature")

    @admin.display(description=AS_IT_IS + "top_p")
    def top_p(self, preset: SamplingPreset) -> str:
        return self._number(preset, "top_p")

    @admin.display(description=AS_IT_IS + "top_k")
    def top_k(self, preset: SamplingPreset) -> str:
        return self._number(preset, "top_k")

    @admin.display(description=AS_IT_IS + "min_p")
    def min_p(self, preset: SamplingPreset) -> str:
        return self._number(preset, "min_p")

    @admin.display(description="other parameters")
    def other_parameters(self, preset: SamplingPreset) -> str:
        if not isinstance(preset.parameters, dict):
            return format_html('<span class="sp-chip sp-bad">{}</span>', "not an object")
        others = ((name, value) for name, value in preset.parameters.items() if name not in IN_LIST)
        chips = ((_shortened(value), name, _shortened(value, 24)) for name, value in others)
        shown = format_html_join(" ", '<span class="sp-chip" title="{}">{} <b>{}</b></span>', chips)
        return format_html('<span class="sp-chips">{}</span>', shown) if shown else "–"

    @admin.display(description="used by")
    def used_by(self, preset: SamplingPreset) -> str:
        rules = preset.rules.all()
        if not rules:
            return format_html('<span class="sp-quiet">{}</span>', "no rule yet")
        links = (
            (
                reverse("admin:sampling_samplingrule_change", args=[rule.pk]),
                "" if rule.enabled else "sp-off",
                LAYER_TONES.get(rule.layer, ""),
                rule.layer,
                rule.model_pattern,
            )
            for rule in rules
        )
        shown = format_html_join(" ", '<a href="{}" class="{}"><span class="sp-chip {}">{} <b>{}</b></span></a>', links)
        return format_html('<span class="sp-chips">{}</span>', shown)


@admin.register(SamplingRule)
class SamplingRuleAdmin(ModelAdmin):
    list_display = ["preset", "layer_shown", "model_pattern", "applies_to_shown", "position", "enabled"]
    list_editable = ["model_pattern", "position", "enabled"]
    list_filter = ["layer", "enabled", "applies_to", "preset"]
    list_filter_sheet = False
    list_select_related = ["preset"]
    search_fields = ["preset__name", "model_pattern"]
    search_help_text = "Preset or model pattern"
    nothing_yet = "No rule yet: parameters go on as clients send them."
    list_before_template = "admin/sampling/samplingrule/order.html"
    change_form_before_template = "admin/sampling/samplingrule/order.html"
    warn_unsaved_form = True
    fields = ["preset", "layer", "model_pattern", "applies_to", "position", "enabled"]
    radio_fields = {"layer": admin.VERTICAL}

    @admin.display(description="layer", ordering="layer")
    def layer_shown(self, rule: SamplingRule) -> str:
        return format_html('<span class="sp-chip {}">{}</span>', LAYER_TONES.get(rule.layer, ""), rule.layer)

    @admin.display(description="applies to", ordering="applies_to")
    def applies_to_shown(self, rule: SamplingRule) -> str:
        return rule.get_applies_to_display()


def _described(parameter: parameters.Parameter) -> dict[str, str]:
    least, most = parameter.minimum, parameter.maximum
    between = (f"{least:g} … {most:g}" if most is not None else f"{least:g} or more") if least is not None else ""
    return {
        "name": parameter.name,
        "aliases": ", ".join(parameter.aliases),
        "type": _TYPES.get(parameter.type, parameter.type),
        "range": between,
        "help": parameter.help,
    }


_TYPES = {
    "integer": "whole number",
    "flag": "true or false",
    "texts": "text or list of texts",
    "any": "any JSON",
}


def _shortened(value: Any, length: int = 200) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"
