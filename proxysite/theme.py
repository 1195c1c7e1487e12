"""How the admin looks: colours, sidebar and the files of django-unfold's theme."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}")


def _list(title: str, icon: str, model: str, **more: Any) -> dict[str, Any]:
    """A sidebar item that leads to a model's list."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": _may_view(model),
        **more,
    }


def _badge(request: HttpRequest) -> dict[str, str]:
    """How many things want attention, or nothing."""
    from proxysite.dashboards.overview import attention  # the settings import this module, long before the models

    count = attention()
    return {"badge": str(count), "badge_variant": "danger"} if count else {}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar, in the order in which a person sets the proxy up."""
    return [
        {
            "items": [
                {
                    "title": "Overview",
                    "icon": "space_dashboard",
                    "link": reverse_lazy("admin:index"),
                    **_badge(request),
                },
            ]
        },
        {
            "title": "Routing",
            "separator": True,
            "items": [
                _list("Upstreams", "dns", "routing.upstream"),
                _list("Bindings", "alt_route", "routing.modelbinding"),
                _list("Parallel limits", "traffic", "routing.parallellimit"),
                _list("Throttle rules", "timer_pause", "routing.throttlerule"),
            ],
        },
        {
            "title": "Sampling",
            "separator": True,
            "items": [
                _list("Presets", "tune", "sampling.samplingpreset"),
                _list("Rules", "layers", "sampling.samplingrule"),
            ],
        },
        {
            "title": "Validation",
            "separator": True,
            "items": [
                _list("Policies", "policy", "validation.validationpolicy"),
                _list("Validators", "neurology", "validation.validator"),
                _list("Tool-call repair", "build", "validation.repairrule"),
                _list("Failures", "report", "validation.validationfailure"),
            ],
        },
        {
            "title": "Requests",
            "separator": True,
            "items": [
                _list("Records", "receipt_long", "routing.requestrecord"),
                {
                    "title": "Explain",
                    "icon": "troubleshoot",
                    "link": reverse_lazy("explain"),
                    "permission": _may_view("routing.upstream"),
                },
            ],
        },
        {
            "title": "Installation",
            "separator": True,
            "items": [
                _list("Users", "person", "auth.user"),
                _list("Groups", "group", "auth.group"),
                _list("Kept sections", "inventory_2", "routing.configsection"),
            ],
        },
    ]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Sampling Proxy",
    "SITE_HEADER": "Sampling Proxy",
    "SITE_SUBHEADER": "Rules for your models",
    "SITE_SYMBOL": "tune",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "proxysite.dashboards.overview.context",
    "STYLES": [lambda request: static("proxysite/admin.css")],
    "SCRIPTS": [lambda request: static("proxysite/admin.js")],
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("proxysite/favicon.svg"),
        }
    ],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(70.4% .14 182.503)",
            "600": "oklch(52.5% .1 185.5)",
            "700": "oklch(46% .088 186.4)",
            "800": "oklch(43.7% .078 188.216)",
            "900": "oklch(38.6% .063 188.416)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": navigation,
    },
}
