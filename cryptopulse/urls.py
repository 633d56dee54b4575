"""The site map."""

from __future__ import annotations

from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path

from . import health, installable
from .late import late
from .portals.coin import coin_page

#: The page of one coin shows a holding and alerts, which the market knows nothing of.
market_urls: list[URLPattern | URLResolver] = [
    path("", include("market.urls")),
    path("markets/<str:coin_id>/", coin_page, name="coin"),
]

urlpatterns = [
    path("", include("cryptopulse.portals.urls")),
    path("", include((market_urls, "market"))),
    path("", include("portfolio.urls")),
    path("", include("alerts.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    late("api/", "cryptopulse.api_urls", app_name="ninja", namespace="api"),
    late("admin/", "cryptopulse.admin_urls", app_name="admin", namespace="admin"),
    path("favicon.ico", lambda _request: redirect(static("img/favicon.svg"))),
    path("manifest.webmanifest", installable.manifest, name="manifest"),
    path("service-worker.js", installable.service_worker, name="service-worker"),
    path("offline/", installable.offline, name="offline"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
