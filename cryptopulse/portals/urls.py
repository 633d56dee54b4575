"""Pages that read several apps."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import set_language

from . import (
    about,
    administration,
    analysis,
    analysis_tables,
    analyst,
    announcements,
    dashboard,
    errors,
    landing,
    moderator,
    preferences,
    privacy,
    report,
    screener,
    statistics,
)

app_name = "portals"

urlpatterns = [
    path("", landing.landing, name="landing"),
    path("home/", landing.home, name="home"),
    path("about/", about.about, name="about"),
    path("language/", set_language, name="language"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("settings/", preferences.preferences, name="settings"),
    path("settings/privacy/", privacy.privacy, name="privacy"),
    path("settings/privacy/data/", privacy.data_export, name="data-export"),
    path("settings/privacy/leave/", privacy.leave, name="leave"),
    path("farewell/", privacy.farewell, name="farewell"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("analysis/", analysis.analysis, name="analysis"),
    path("analysis/csv/<str:table>/", analysis_tables.analysis_csv, name="analysis-csv"),
    path("analysis/report/", report.report, name="report"),
    path("analysis/screener/", screener.screener, name="screener"),
    path("analysis/screener/csv/", screener.screener_csv, name="screener-csv"),
    path("analysis/screener/save/", screener.screen_save, name="screen-save"),
    path("analysis/screener/<str:screen_id>/delete/", screener.screen_delete, name="screen-delete"),
    path("portal/admin/", administration.admin_portal, name="admin"),
    path("portal/admin/health/", administration.admin_health, name="admin-health"),
    path("portal/admin/errors/", errors.errors, name="errors"),
    path("portal/admin/errors/<str:key>/resolve/", errors.resolve, name="error-resolve"),
    path("portal/admin/announcements/", announcements.announcements, name="announcements"),
    path(
        "portal/admin/announcements/<uuid:key>/",
        announcements.announcement_edit,
        name="announcement-edit",
    ),
    path(
        "portal/admin/announcements/<uuid:key>/end/",
        announcements.announcement_end,
        name="announcement-end",
    ),
    path("portal/admin/coins/add/", administration.coin_add, name="coin-add"),
    path("portal/admin/coins/find/", administration.coin_find, name="coin-find"),
    path("portal/admin/coins/remove/", administration.coin_remove, name="coin-remove"),
    path("portal/analyst/", analyst.analyst_portal, name="analyst"),
    path("portal/moderator/", moderator.moderator_portal, name="moderator"),
    path("portal/moderator/audit/", moderator.audit, name="moderator-audit"),
]
