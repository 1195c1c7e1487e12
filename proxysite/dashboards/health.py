"""How well an upstream's targets are at this moment, on its page; and the button that resets one of them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from proxysite import live, serving
from proxysite.gateway.alarms import StoredKey
from proxysite.gateway.status import TargetLine, UpstreamLine
from routing.admission.targets import Health
from routing.models import Upstream

TONES = {
    Health.WELL: "sp-good",
    Health.LOADING: "sp-note",
    Health.HALF_OPEN: "sp-warn",
    Health.PROBED: "sp-warn",
    Health.COOLING: "sp-bad",
}
WORDS = {
    Health.WELL: "",
    Health.LOADING: "asked again in",
    Health.HALF_OPEN: "the next request probes it",
    Health.PROBED: "one request tries it, others go elsewhere",
    Health.COOLING: "probed in",
}


def health(request: HttpRequest, upstream: str) -> HttpResponse:
    """GET: the fragment that `admin.js` puts in place.  POST: resets `model`, one of its targets, or all of them."""
    if not request.user.has_perm(f"routing.{'change' if request.method == 'POST' else 'view'}_upstream"):
        raise PermissionDenied
    if request.method == "POST":
        return _reset(request, upstream, request.POST.get("model"))
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    answer = TemplateResponse(request, "admin/health.html", context(upstream))
    answer["cache-control"] = "no-store"
    return answer


def context(upstream: str) -> dict[str, Any]:
    """What is wrong with it, and how well its targets are: blank where another process serves or it is not used."""
    status = serving.status()
    line = next((one for one in status.upstreams if one.name == upstream), None) if status else None
    return {
        "problems_now": _problems(upstream),
        "is_served_here": status is not None,
        "upstream_now": line,
        "targets_now": rows(line) if line else [],
    }


def _problems(upstream: str) -> list[str]:
    config = live.current() or live.reload()
    found = [one.text for one in config.problems if (one.what, one.name) == ("upstream", upstream)]
    keys = (alarm for alarm in serving.alarms() if isinstance(alarm.what, StoredKey))
    return found + [alarm.text for alarm in keys if alarm.what.upstream == upstream]


def rows(line: UpstreamLine) -> list[dict[str, Any]]:
    """The targets as pages show them."""
    return [_row(line, target, _name(target), target.model) for target in line.targets]


def ill(line: UpstreamLine) -> list[dict[str, Any]]:
    """Those that are not well; in one row where all of several are ill in the same way."""
    found = [target for target in line.targets if target.health is not Health.WELL]
    if len(found) > 1 and len({(one.health, one.seconds_left) for one in line.targets}) == 1:
        return [_row(line, found[0], "all models", None)]
    return [_row(line, target, _name(target), target.model) for target in found]


def _row(line: UpstreamLine, target: TargetLine, name: str, model: str | None) -> dict[str, Any]:
    """`model` is what a reset names, None for the whole upstream."""
    tone, words = TONES[target.health], WORDS[target.health]
    if target.seconds_left:
        words += f" {target.seconds_left} s"
    if target.failures and target.health is Health.WELL:
        words = f"{target.failures} failed in a row"
    patterns = target.patterns if target.model and target.patterns != (name,) else ()
    return {
        "upstream": line.name,
        "target": target,
        "name": name,
        "patterns": patterns,  # that lead there, where they say more than the name
        "model": model,
        "tone": tone,
        "words": words,
    }


def _name(target: TargetLine) -> str:
    """A target without a model of its own goes by the patterns that lead to it."""
    return target.model or ", ".join(target.patterns)


def _reset(request: HttpRequest, upstream: str, model: str | None) -> HttpResponse:
    if serving.reset_health(upstream, model):
        messages.success(request, f"{model or upstream} counts as healthy again; the next requests tell.")
    else:
        messages.error(request, "Another process serves the requests, and only there health can be reset.")
    row = None if "from_overview" in request.POST else Upstream.objects.filter(name=upstream).first()
    return redirect("admin:routing_upstream_change", row.pk) if row else redirect("admin:index")
