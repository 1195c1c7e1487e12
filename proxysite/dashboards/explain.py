"""Explains a request without sending it: its route, its final parameters and the origin of each."""

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from proxysite import live, serving
from proxysite.dashboards.judging import judging
from proxysite.gateway.asking import Asked, find_route
from proxysite.gateway.endpoints import ENDPOINTS
from proxysite.gateway.plan import Chance, Plan, plan_for
from proxysite.live import LiveConfig
from routing.dialects import Dialect
from routing.errors import ProxyError
from routing.json_form import parsed
from routing.models import RequestRecord
from routing.record_admin import change_row
from routing.snapshot import Binding, CredentialMode
from sampling import parameters
from sampling.snapshot import Layers, Settings

# Fields of a body that are not about how the answer is sampled.
CONTENT = frozenset(
    {"model", "messages", "prompt", "input", "text", "system", "instructions", "tools", "sampling_params"}
)

ENDPOINT_OF = {endpoint.speaks: endpoint for endpoint in reversed(ENDPOINTS.values()) if endpoint.generates}

SMALLEST_BODY: dict[Dialect, dict[str, Any]] = {
    Dialect.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Dialect.COMPLETIONS: {"prompt": "Hello"},
    Dialect.RESPONSES: {"input": "Hello"},
    Dialect.MESSAGES: {"max_tokens": 1024, "messages": [{"role": "user", "content": "Hello"}]},
    Dialect.GENERATE: {"text": "Hello"},
}


class ExplainForm(forms.Form):
    dialect = forms.ChoiceField(
        choices=[(dialect.value, f"{dialect.value} (POST /v1/{ENDPOINT_OF[dialect].path})") for dialect in Dialect],
        widget=UnfoldAdminSelectWidget,
        help_text="What the client speaks.",
    )
    model = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget({"spellcheck": "false", "autocomplete": "off"}),
        help_text="As the client writes it; empty: the body's.",
    )
    body = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 6, "spellcheck": "false", "class": "sp-code"}),
        help_text="The request's JSON; empty: a smallest one.",
    )

    def clean_body(self) -> str:
        text = self.cleaned_data["body"].strip()
        if text:
            value = parsed(text)
            if not isinstance(value, dict):
                raise forms.ValidationError("A request body is a JSON object.")
        return text

    def request_body(self) -> dict[str, Any]:
        dialect = Dialect(self.cleaned_data["dialect"])
        body = json.loads(self.cleaned_data["body"]) if self.cleaned_data["body"] else dict(SMALLEST_BODY[dialect])
        return {**body, "model": self.cleaned_data["model"]} if self.cleaned_data["model"] else body


@dataclass(frozen=True)
class Row:
    """One parameter on every layer, and what came of it.  Texts; blank where a layer does not set it."""

    name: str
    default: str
    model: str
    request: str
    enforced: str
    final: str
    origin: str


def explain(request: HttpRequest) -> HttpResponse:
    """Filled by hand, by a link (`?model=…&dialect=…`) or from a record (`?record=…`)."""
    if not request.user.has_perm("routing.view_upstream"):
        raise PermissionDenied
    config = live.current() or live.reload()
    data = request.POST or _asked_for(request)
    form = ExplainForm(data or None, label_suffix="", initial={"dialect": Dialect.CHAT.value})
    context = {**admin.site.each_context(request), "title": "Explain", "form": form}
    if form.is_bound and form.is_valid():
        context |= explained(form.request_body(), Dialect(form.cleaned_data["dialect"]), config)
    return TemplateResponse(request, "admin/explain.html", context)


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    if "record" in request.GET and request.user.has_perm("routing.view_requestrecord"):
        if not request.GET["record"].isdecimal():
            raise Http404
        record = get_object_or_404(RequestRecord, pk=request.GET["record"])
        dialect = record.client_dialect if record.client_dialect in list(Dialect) else Dialect.CHAT.value
        return {"dialect": dialect, "model": record.model_asked, "body": _indented(record.request_body)}
    if "model" in request.GET:
        return {"dialect": request.GET.get("dialect", Dialect.CHAT.value), "model": request.GET["model"]}
    return {}


def explained(body: dict[str, Any], dialect: Dialect, config: LiveConfig) -> dict[str, Any]:
    """What `admin/explain.html` shows of a request."""
    endpoint = ENDPOINT_OF[dialect]
    asked = Asked(
        method="POST",
        path=endpoint.path,
        query=b"",
        headers=[(b"content-type", b"application/json")],
        body=json.dumps(body).encode(),
        request_id="explain",
    )
    try:
        route = find_route(asked, endpoint, dialect, config.routing)
        if route.binding.picks:
            route.binding = serving.picked(route.binding, route.model or "")
        plan = plan_for(asked, route, route.binding.first_choices[0], config.sampling, Chance())
    except ProxyError as problem:
        return {"refusal": problem}
    sent = json.loads(plan.body)
    layers = config.sampling.layers(plan.model_asked, dialect)
    return {
        "plan": plan,
        "binding": _binding(plan, config),
        "key_sent": _key_sent(plan),
        "limits": config.routing.limits.of(plan.model_asked, plan.upstream.name),
        "pauses": config.routing.throttles.of(plan.model_asked),
        "judging": judging(policy) if (policy := config.validation.policy(plan.model_asked)) else None,
        "rows": rows(layers, _fields(body, dialect), _fields(sent, dialect), plan),
        "changes": [change_row(change.as_dict()) for change in plan.changes],
        "sent": json.dumps(sent, indent=2, ensure_ascii=False),
    }


def rows(layers: Layers, request: dict[str, Any], sent: dict[str, Any], plan: Plan) -> list[Row]:
    """One row for each parameter that a layer, the request or the sent body has, under its usual name."""
    columns = (layers.default, layers.model, request, layers.enforced, sent)
    names = dict.fromkeys(_usual(name) for column in columns for name in column)
    origins = {_usual(change.name): change.origin for change in plan.changes}
    found = []
    for name in names:
        asked, final = _value(request, name), _value(sent, name)
        origin = origins.get(name, "request") if final or name in origins else "not sent"
        found.append(
            Row(
                name=name,
                default=_setting(layers.default, name),
                model=_setting(layers.model, name),
                request=asked,
                enforced=_setting(layers.enforced, name),
                final=final or "not set",
                origin=origin,
            )
        )
    return sorted(found, key=lambda row: row.name)


def _fields(body: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The parameters of a body; on `generate` they are one level down."""
    nested = body.get("sampling_params") if dialect is Dialect.GENERATE else None
    if isinstance(nested, list):
        nested = nested[0] if nested else None
    own = nested if isinstance(nested, dict) else {}
    return {**{name: value for name, value in body.items() if name not in CONTENT}, **own}


def _usual(name: str) -> str:
    parameter = parameters.find(name)
    return parameter.name if parameter else name


def _value(fields: dict[str, Any], name: str) -> str:
    spelling = next((spelling for spelling in parameters.spellings(name) if spelling in fields), None)
    return _short(fields[spelling]) if spelling else ""


def _setting(settings: Settings, name: str) -> str:
    spelling = next((spelling for spelling in parameters.spellings(name) if spelling in settings), None)
    return f"{_short(settings[spelling].value)} ({settings[spelling].preset})" if spelling else ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"


def _binding(plan: Plan, config: LiveConfig) -> Binding | None:
    return config.routing.binding(plan.model_asked) if plan.model_asked else config.routing.catch_all


def _key_sent(plan: Plan) -> str:
    upstream = plan.upstream
    if upstream.credential_mode is CredentialMode.OWN:
        return "the stored one" if upstream.key else "none is stored"
    return "the client’s own" if upstream.credential_mode is CredentialMode.FORWARD else "none"


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return ""
