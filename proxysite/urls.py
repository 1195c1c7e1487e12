"""The site's own pages.  The proxy's paths are in `proxysite.gateway.urls`; `proxysite.asgi` tells them apart."""

from django.contrib import admin
from django.urls import path

from proxysite.dashboards.explain import explain

urlpatterns = [
    path("admin/explain/", admin.site.admin_view(explain), name="explain"),
    path("admin/", admin.site.urls),
]
