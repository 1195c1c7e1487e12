"""What happens at this moment: limits, pauses, the health of upstreams.  The overview asks for it again and again."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from proxysite import serving
from routing.admission.targets import Health

TONES = {Health.WELL: "sp-good", Health.LOADING: "sp-note", Health.PROBED: "sp-warn", Health.COOLING: "sp-bad"}


def now(request: HttpRequest) -> HttpResponse:
    """The fragment of the overview that `admin.js` puts in place."""
    if not request.user.has_perm("routing.view_upstream"):
        raise PermissionDenied
    answer = TemplateResponse(request, "admin/now.html", context())
    answer["cache-control"] = "no-store"
    return answer


def context() -> dict[str, Any]:
    status = serving.status()
    ill = [line for line in status.upstreams if line.health != Health.WELL] if status else []
    return {"now": status, "ill": [(line, TONES.get(Health(line.health), "")) for line in ill]}
