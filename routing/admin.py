"""The admin of upstreams, bindings and kept sections."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget

from routing import kinds, limit_admin, record_admin
from routing.address import DEMO
from routing.dialects import Dialect
from routing.fields import SecretField, SecretInput, is_reference, warning_of
from routing.forms import UpstreamForm
from routing.json_form import IndentedJSON, JSONText
from routing.kinds import Kind
from routing.models import BindingTarget, ConfigSection, ModelBinding, Upstream
from routing.post_action import post_action
from routing.snapshot import Binding, CredentialMode, RoutingTable, Target

__all__ = ["limit_admin", "record_admin"]  # imported for their registration


@dataclass
class Running:
    """What the lists show of the running proxy; `proxysite.admin` fills it in, for routing imports nothing of it."""

    detected_kind: Callable[[str], Kind] = lambda name: Kind.AUTO
    table: Callable[[], RoutingTable] = RoutingTable
    health: Callable[[str], dict[str, Any]] = lambda name: {}  # the context of `admin/health.html`
    reset_health: Callable[[str], bool] = lambda name: False
    tested: Callable[[Upstream], tuple[bool, str]] = lambda upstream: (False, "The proxy is not running.")


running = Running()


JSON_FIELD = {
    "widget": UnfoldAdminTextareaWidget({"rows": 3, "spellcheck": "false", "class": "sp-code"}),
    "form_class": JSONText,
    "encoder": IndentedJSON,
}


@admin.register(Upstream)
class UpstreamAdmin(ModelAdmin):
    form = UpstreamForm
    list_display = ["name", "kind_shown", "base_url_shown", "speaks", "key_sent", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["enabled", "kind", "credential_mode"]
    list_filter_sheet = False
    search_fields = ["name", "base_url"]
    nothing_yet = "No upstream yet. An upstream is a server that requests go to: llama.cpp, vLLM, a rented API …"
    search_help_text = "Name or base URL"
    actions_detail = ["test_connection", "reset_health"]
    change_form_outer_before_template = "admin/routing/upstream/health.html"
    warn_unsaved_form = True
    radio_fields = {"credential_mode": admin.HORIZONTAL, "key_style": admin.HORIZONTAL}
    formfield_overrides = {
        models.JSONField: JSON_FIELD,
        SecretField: {"widget": SecretInput({"class": " ".join(INPUT_CLASSES)})},
    }
    fieldsets = [
        (None, {"fields": ["name", "base_url", "enabled"]}),
        (
            "Speaks",
            {
                "classes": ["tab"],
                "description": "What the server is, and which dialects it understands.",
                "fields": [
                    "kind",
                    "supports_openai",
                    "supports_anthropic",
                    "supports_responses",
                    "supports_generate",
                    "anthropic_version",
                ],
            },
        ),
        (
            "Key",
            {
                "classes": ["tab"],
                "description": "How this server knows who asks.",
                "fields": ["credential_mode", "api_key", "key_style", "key_header"],
            },
        ),
        (
            "Connection",
            {
                "classes": ["tab"],
                "description": "How long to wait for it, and how to speak to it.",
                "fields": [
                    "connect_timeout_seconds",
                    "first_token_timeout_seconds",
                    "timeout_seconds",
                    "total_timeout_seconds",
                    "http2",
                    "verify_tls",
                ],
            },
        ),
        (
            "Retries",
            {
                "classes": ["tab"],
                "description": "What happens when an attempt fails before the client has seen anything of its answer. "
                "What the server itself says of when to come again counts first.",
                "fields": ["max_retries", "base_retry_delay", "rate_limit_wait", "loading_wait", "retry_statuses"],
            },
        ),
        (
            "What it is sent",
            {
                "classes": ["tab"],
                "description": "What happens to every request body on its way, after the sampling rules.",
                "fields": ["drop_params", "rename_params", "set_params", "extra_headers", "strip_billing_header"],
            },
        ),
        (
            "What comes back",
            {
                "classes": ["tab"],
                "description": "How its answers are read, and what is mended in them.",
                "fields": ["reasoning_field", "tool_call_repair"],
            },
        ),
    ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        upstream = self.get_object(request, object_id)
        health = running.health(upstream.name) if upstream else {}
        return super().change_view(request, object_id, form_url, {**health, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: Upstream, post_url_continue: str | None = None) -> HttpResponse:
        """An upstream serves nobody before a model's name leads there: where to go next is said once, here."""
        answer = super().response_add(request, obj, post_url_continue)
        if request.user.has_perm("routing.add_modelbinding") and IS_POPUP_VAR not in request.POST:
            form = reverse("admin:routing_modelbinding_add")
            hint = 'Now <a class="sp-underlined" href="{}">add a binding</a> that leads to “{}”: a model\'s name, or *.'
            messages.info(request, format_html(hint, form, obj.name))
        return answer

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "api_key" in form.changed_data and (warning := warning_of(obj.api_key)):
            messages.warning(request, warning)

    @post_action("Test connection", "test-connection", icon="network_check")
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        upstream = get_object_or_404(Upstream, pk=object_id)
        works, sentence = running.tested(upstream)
        messages.add_message(request, messages.SUCCESS if works else messages.ERROR, sentence)
        return redirect("admin:routing_upstream_change", upstream.pk)

    @post_action("Reset health", "reset-health", icon="healing")
    def reset_health(self, request: HttpRequest, object_id: str) -> HttpResponse:
        upstream = get_object_or_404(Upstream, pk=object_id)
        if running.reset_health(upstream.name):
            messages.success(request, f"{upstream.name} counts as healthy again; the next requests tell.")
        else:
            messages.error(request, "Another process serves the requests, and only there health can be reset.")
        return redirect("admin:routing_upstream_change", upstream.pk)

    @admin.display(description="kind", ordering="kind")
    def kind_shown(self, upstream: Upstream) -> str:
        if upstream.kind != Kind.AUTO:
            return format_html('<span class="sp-chip">{}</span>', upstream.kind)
        found = kinds.by_url(upstream.base_url)
        found = running.detected_kind(upstream.name) if found is Kind.AUTO else found
        if found is Kind.AUTO:
            return format_html('<span class="sp-quiet" title="Not recognised (yet)">{}</span>', "auto")
        return format_html(
            '<span class="sp-nowrap"><span class="sp-chip">{}</span> <span class="sp-quiet">auto</span></span>', found
        )

    @admin.display(description="base URL", ordering="base_url")
    def base_url_shown(self, upstream: Upstream) -> str:
        text = "built-in demo" if upstream.base_url == DEMO else upstream.base_url
        return format_html('<span class="sp-mono">{}</span>', text)

    @admin.display(description="speaks")
    def speaks(self, upstream: Upstream) -> str:
        spoken = upstream.dialects()
        shown = [dialect.value for dialect in Dialect if dialect in spoken]
        return format_html_join(" ", '<span class="sp-chip sp-note">{}</span>', ((name,) for name in shown)) or "–"

    @admin.display(description="key sent")
    def key_sent(self, upstream: Upstream) -> str:
        if upstream.credential_mode == CredentialMode.FORWARD:
            return "the client’s"
        if upstream.credential_mode == CredentialMode.NONE:
            return "none"
        if is_reference(upstream.api_key):
            return format_html('<span class="sp-mono">{}</span>', upstream.api_key.reveal())
        if not upstream.api_key:
            return format_html('<span class="sp-chip sp-bad">{}</span>', "key is missing")
        return format_html('<span class="sp-nowrap">{}</span>', "stored key")


class TargetInline(TabularInline):
    model = BindingTarget
    fields = ["upstream", "upstream_model", "priority", "weight"]
    extra = 0
    min_num = 1
    hide_title = True
    verbose_name = "target"
    verbose_name_plural = "targets: the lowest priority is tried first, equal ones share by weight"


@admin.register(ModelBinding)
class ModelBindingAdmin(ModelAdmin):
    list_display = ["pattern", "targets_shown", "position", "session_affinity", "enabled"]
    list_editable = ["position", "session_affinity", "enabled"]
    list_filter = ["enabled", "targets__upstream"]
    list_filter_sheet = False
    search_fields = ["pattern", "targets__upstream__name", "targets__upstream_model"]
    search_help_text = "Pattern, upstream or the model's name there"
    nothing_yet = "No binding yet: no model's name leads anywhere, and every request is refused."
    list_before_template = "admin/routing/modelbinding/try_a_name.html"
    warn_unsaved_form = True
    inlines = [TargetInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelBinding]:
        return super().get_queryset(request).prefetch_related("targets__upstream")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Takes `try`, a model's name, out of the query: the list would take it for a filter."""
        query = request.GET.copy()
        name = "".join(query.pop("try", [])[-1:]).strip()
        request.GET = query
        trial = tried(name, running.table()) if name else None
        return super().changelist_view(request, {"trial": trial, **(extra_context or {})})

    @admin.display(description="goes to")
    def targets_shown(self, binding: ModelBinding) -> str:
        parts = [
            (
                "" if target.upstream.enabled else "sp-off",
                "" if target.upstream.enabled else "This upstream is off",
                target.upstream.name,
                f" ({target.upstream_model})" if target.upstream_model else "",
            )
            for target in binding.targets.all()
        ]
        shown = format_html_join(" · ", '<span class="{}" title="{}">{}<span class="sp-quiet">{}</span></span>', parts)
        return (
            format_html("<span>{}</span>", shown)
            if parts
            else format_html('<span class="sp-chip sp-bad">{}</span>', "nowhere")
        )


@dataclass(frozen=True)
class Trial:
    """What a model's name would meet."""

    name: str
    binding: Binding | None
    first: tuple[Target, ...] = ()
    later: tuple[Target, ...] = ()


def tried(name: str, table: RoutingTable) -> Trial:
    binding = table.binding(name)
    if binding is None or not binding.targets:
        return Trial(name, binding)
    later = sorted((one for one in binding.targets if one not in binding.first_choices), key=lambda one: one.priority)
    return Trial(name, binding, binding.first_choices, tuple(later))


@admin.register(ConfigSection)
class ConfigSectionAdmin(ModelAdmin):
    list_display = ["name", "beginning"]
    search_fields = ["name"]
    search_help_text = "Name of a section"
    nothing_yet = "Nothing is kept: all that was imported has a page of its own."
    fields = ["name", "content_shown"]
    list_before_template = "admin/routing/configsection/why.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="content")
    def beginning(self, section: ConfigSection) -> str:
        text = json.dumps(section.content, ensure_ascii=False)
        return format_html('<span class="sp-mono">{}</span>', text if len(text) <= 80 else text[:79] + "…")

    @admin.display(description="content")
    def content_shown(self, section: ConfigSection) -> str:
        return format_html('<pre class="sp-pre">{}</pre>', json.dumps(section.content, indent=2, ensure_ascii=False))
