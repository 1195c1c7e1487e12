"""What happens at this moment: limits, pauses, the health of upstreams.  The overview asks for it again and again."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from proxysite import serving
from proxysite.dashboards.health import ill

LIMITS_SHOWN = 8


def now(request: HttpRequest) -> HttpResponse:
    """The fragment of the overview that `admin.js` puts in place."""
    if not request.user.has_perm("routing.view_upstream"):
        raise PermissionDenied
    answer = TemplateResponse(request, "admin/now.html", context())
    answer["cache-control"] = "no-store"
    return answer


def context() -> dict[str, Any]:
    status = serving.status()
    upstreams = status.upstreams if status else ()
    limits = list(status.limits) if status else []
    if len(limits) > LIMITS_SHOWN:
        limits.sort(key=lambda line: (not line.queued, not line.used))
    return {
        "now": status,
        "limits": limits[:LIMITS_SHOWN],
        "limits_hidden": len(limits[LIMITS_SHOWN:]),
        "ill": [row for line in upstreams for row in ill(line)],
    }
