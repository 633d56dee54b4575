"""The site map."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from . import health
from .api import api

urlpatterns = [
    path("", include("cryptopulse.portals.urls")),
    path("", include("market.urls")),
    path("", include("portfolio.urls")),
    path("", include("alerts.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
