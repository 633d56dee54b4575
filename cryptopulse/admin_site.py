"""The Django admin as a whole: its first page, its sidebar, and which installation it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Permission
from alerts import services as alerts

DAYS = 30


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the sidebar: a heading and the models under it, as app.model."""

    title: str | Promise
    models: tuple[str, ...]


#: Models in the order of the sidebar; any other that is registered comes last.
GROUPS = (
    Group(
        gettext_lazy("People"),
        ("accounts.user", "accounts.invitation", "accounts.activity", "accounts.flag",
         "accounts.note", "accounts.opensession"),
    ),
    Group(
        gettext_lazy("Money"),
        ("portfolio.portfolio", "portfolio.holding", "portfolio.transaction"),
    ),
    Group(
        gettext_lazy("Alerts and messages"),
        ("alerts.pricealert", "alerts.notification", "alerts.deliveryattempt",
         "cryptopulse.announcement"),
    ),
    Group(
        gettext_lazy("Market"),
        ("market.coin", "market.feedstate", "market.candle", "market.exchangerate",
         "market.article"),
    ),
    Group(
        gettext_lazy("Operations"),
        ("cryptopulse.fault", "cryptopulse.dailyfigure", "django_celery_beat.periodictask",
         "django_celery_beat.intervalschedule", "django_celery_beat.crontabschedule"),
    ),
)  # fmt: skip

#: Names of Material Symbols, which the theme brings.
ICONS = {
    "accounts.user": "group",
    "accounts.invitation": "mail",
    "accounts.activity": "history",
    "accounts.flag": "flag",
    "accounts.note": "sticky_note_2",
    "accounts.opensession": "devices",
    "portfolio.portfolio": "account_balance_wallet",
    "portfolio.holding": "savings",
    "portfolio.transaction": "receipt_long",
    "alerts.pricealert": "alarm",
    "alerts.notification": "notifications",
    "alerts.deliveryattempt": "send",
    "cryptopulse.announcement": "campaign",
    "market.coin": "currency_bitcoin",
    "market.feedstate": "rss_feed",
    "market.candle": "candlestick_chart",
    "market.exchangerate": "currency_exchange",
    "market.article": "newspaper",
    "cryptopulse.fault": "bug_report",
    "cryptopulse.dailyfigure": "bar_chart",
    "django_celery_beat.periodictask": "schedule",
}
#: Pages of the product that the sidebar leads back to.
PAGES = (
    (gettext_lazy("Administration"), "portals:admin", "home", Permission.USE_ADMIN_PORTAL),
    (gettext_lazy("Moderation"), "portals:moderator", "home", Permission.USE_MODERATOR_PORTAL),
    (gettext_lazy("Statistics"), "portals:statistics", "monitoring", Permission.VIEW_STATISTICS),
    (gettext_lazy("Markets"), "market:list", "show_chart", Permission.READ_MARKET),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: the way back to the product, then what this person may see."""
    user: Any = request.user
    known = {model._meta.label_lower: model for model in admin.site._registry}  # noqa: SLF001 (Django's public API, and its only list of what is registered)
    grouped = {label for group in GROUPS for label in group.models}
    rest = Group(gettext_lazy("More"), tuple(sorted(known.keys() - grouped)))
    back = [
        {"title": str(title), "icon": icon, "link": reverse(name)}
        for title, name, icon, needs in PAGES
        if user.may(needs)
    ]
    index = {"title": _("Figures"), "icon": "dashboard", "link": reverse("admin:index")}
    sections: list[dict[str, Any]] = [{"title": "CryptoPulse", "items": [*back, index]}]
    for group in (*GROUPS, rest):
        items = [
            _item(known[label])
            for label in group.models
            if label in known and user.has_perm(_view_permission(known[label]))
        ]
        if items:
            sections.append({"title": str(group.title), "separator": True, "items": items})
    return sections


def _view_permission(model: Any) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"  # noqa: SLF001 (Django's public API)


def _item(model: Any) -> dict[str, str]:
    meta = model._meta  # noqa: SLF001 (Django's public API)
    return {
        "title": str(meta.verbose_name_plural).capitalize(),
        "icon": ICONS.get(meta.label_lower, "table_rows"),
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }


def environment(_request: HttpRequest) -> list[str]:
    """Name the installation and its database, so that nobody takes one for another."""
    if settings.DEBUG:
        return [f"{_('Development')} · {connection.display_name}", "warning"]
    return [f"{_('Production')} · {connection.display_name}", "danger"]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures of the first page: counted ones, so that no table is read for them."""
    from cryptopulse.portals import faults
    from cryptopulse.portals.administration import schedules
    from cryptopulse.portals.growth import growth
    from cryptopulse.portals.statistics import spell

    now, user = timezone.now(), request.user
    outbox = alerts.outbox_state(now=now)
    manages = isinstance(user, _user_model()) and user.may(Permission.USE_ADMIN_PORTAL)
    return {
        **context,
        "growth": growth(now=now, days=DAYS),
        "outbox": outbox,
        "longest_wait": spell(outbox.longest_wait),
        "manages": manages,
        "faults": faults.newest(limit=5) if manages else [],
        "late_jobs": _late(schedules(now=now)) if manages else [],
    }


def _user_model() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model()


def _late(jobs: Iterable[Any]) -> list[str]:
    return [job.name for job in jobs if job.is_late]
