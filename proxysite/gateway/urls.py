"""The proxy's paths, in canonical form: without `/v1` and without the base path (`routing.address.canonical_path`)."""

from django.urls import path, re_path

from proxysite.gateway import views
from proxysite.gateway.endpoints import ENDPOINTS

urlpatterns = [
    *(path(name, views.endpoint, {"endpoint": endpoint}) for name, endpoint in ENDPOINTS.items()),
    path("", views.status),
    path("health", views.health),
    path("models", views.models),
    path("models/<path:name>", views.model),
    path("api/event_logging/<path:rest>", views.telemetry),
    path("v2/batch", views.telemetry),
    re_path(r"^", views.passing),
]
