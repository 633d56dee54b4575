"""Pages that read several apps."""

from __future__ import annotations

from django.urls import path

from . import about, administration, analyst, dashboard, landing, moderator, preferences, statistics

app_name = "portals"

urlpatterns = [
    path("", landing.landing, name="landing"),
    path("home/", landing.home, name="home"),
    path("about/", about.about, name="about"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("settings/", preferences.preferences, name="settings"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("analysis/", analyst.analysis, name="analysis"),
    path("portal/admin/", administration.admin_portal, name="admin"),
    path("portal/admin/coins/add/", administration.coin_add, name="coin-add"),
    path("portal/admin/coins/find/", administration.coin_find, name="coin-find"),
    path("portal/admin/coins/remove/", administration.coin_remove, name="coin-remove"),
    path("portal/analyst/", analyst.analyst_portal, name="analyst"),
    path("portal/moderator/", moderator.moderator_portal, name="moderator"),
]
