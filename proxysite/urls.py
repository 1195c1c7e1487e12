"""The site's own pages.  The proxy's paths are in `proxysite.gateway.urls`; `proxysite.asgi` tells them apart."""

from django.contrib import admin
from django.urls import path

from proxysite.dashboards.explain import explain
from proxysite.dashboards.health import health
from proxysite.dashboards.now import now

urlpatterns = [
    path("admin/explain/", admin.site.admin_view(explain), name="explain"),
    path("admin/health/<path:upstream>/", admin.site.admin_view(health), name="health"),
    path("admin/now/", admin.site.admin_view(now), name="now"),
    path("admin/", admin.site.urls),
]
