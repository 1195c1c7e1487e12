"""The site's own pages.  The proxy's paths are in `proxysite.gateway.urls`; `proxysite.asgi` tells them apart."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
