"""Who may do what: one enum of permissions, one table. Every door asks here.

Pages, JSON operations, websockets and the Django admin all end in `role_allows`; the table
below is the product's role matrix, and a test walks each of its cells through each door.
"""

from __future__ import annotations

import enum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop


class Role(models.TextChoices):
    """The four kinds of account. Sign-up makes a USER; an admin gives the others."""

    USER = "user", _("User")
    ADMIN = "admin", _("Admin")
    ANALYST = "analyst", _("Analyst")
    MODERATOR = "moderator", _("Moderator")


class Permission(enum.Enum):
    """One thing that a person may do. Pages and operations name the one they need."""

    USE_DASHBOARD = gettext_noop("use the dashboard")
    USE_ADMIN_PORTAL = gettext_noop("use the admin portal")
    USE_ANALYST_PORTAL = gettext_noop("use the analyst portal")
    USE_MODERATOR_PORTAL = gettext_noop("use the moderator portal")
    TRADE = gettext_noop("manage a portfolio, buy and sell")
    READ_MARKET = gettext_noop("see charts, news, settings and about")
    MANAGE_COINS = gettext_noop("add and remove coins")
    VIEW_USERS = gettext_noop("see all users")
    MANAGE_USERS = gettext_noop("invite people and change roles")
    SUSPEND_USERS = gettext_noop("suspend and restore users")
    VIEW_STATISTICS = gettext_noop("see the system's statistics")
    ANALYSE_MARKET = gettext_noop("analyse the market")
    MONITOR_ACTIVITY = gettext_noop("monitor what users do")
    VIEW_OWN_TRANSACTIONS = gettext_noop("see one's own transactions")
    VIEW_ALL_TRANSACTIONS = gettext_noop("see all transactions")
    RECEIVE_EMAIL = gettext_noop("receive notifications by e-mail")
    CHOOSE_CURRENCY = gettext_noop("choose a display currency")
    SET_ALERTS = gettext_noop("set price alerts")
    MANAGE_SCHEDULES = gettext_noop("change the schedules of background jobs")


_EVERYONE = frozenset(
    {Permission.READ_MARKET, Permission.RECEIVE_EMAIL, Permission.CHOOSE_CURRENCY}
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.USER: _EVERYONE
    | {
        Permission.USE_DASHBOARD,
        Permission.TRADE,
        Permission.VIEW_OWN_TRANSACTIONS,
        Permission.SET_ALERTS,
    },
    Role.ADMIN: _EVERYONE
    | {
        Permission.USE_ADMIN_PORTAL,
        Permission.MANAGE_COINS,
        Permission.VIEW_USERS,
        Permission.MANAGE_USERS,
        Permission.SUSPEND_USERS,
        Permission.VIEW_STATISTICS,
        Permission.VIEW_ALL_TRANSACTIONS,
        Permission.MANAGE_SCHEDULES,
    },
    Role.ANALYST: _EVERYONE
    | {
        Permission.USE_ANALYST_PORTAL,
        Permission.VIEW_STATISTICS,
        Permission.ANALYSE_MARKET,
    },
    Role.MODERATOR: _EVERYONE
    | {
        Permission.USE_MODERATOR_PORTAL,
        Permission.VIEW_USERS,
        Permission.SUSPEND_USERS,
        Permission.VIEW_STATISTICS,
        Permission.MONITOR_ACTIVITY,
        Permission.VIEW_ALL_TRANSACTIONS,
    },
}

#: Where a person of each role lands after logging in.
HOME_URL_NAMES: dict[Role, str] = {
    Role.USER: "portals:dashboard",
    Role.ADMIN: "portals:admin",
    Role.ANALYST: "portals:analyst",
    Role.MODERATOR: "portals:moderator",
}

#: Roles that work in the Django admin (`User.is_staff` follows from it).
STAFF_ROLES = frozenset({Role.ADMIN, Role.MODERATOR})

#: What each of Django's own permissions needs here. A permission that is not in the table is
#: refused to everyone: in the Django admin, money, alerts and logs are read-only by omission.
DJANGO_PERMISSIONS: dict[str, Permission] = {
    "accounts.view_user": Permission.VIEW_USERS,
    "accounts.view_activity": Permission.MONITOR_ACTIVITY,
    "accounts.view_invitation": Permission.MANAGE_USERS,
    "accounts.view_flag": Permission.MONITOR_ACTIVITY,
    "accounts.view_note": Permission.SUSPEND_USERS,
    "accounts.view_opensession": Permission.MANAGE_USERS,
    "market.view_coin": Permission.READ_MARKET,
    "market.add_coin": Permission.MANAGE_COINS,
    "market.change_coin": Permission.MANAGE_COINS,
    "market.view_candle": Permission.VIEW_STATISTICS,
    "market.view_exchangerate": Permission.VIEW_STATISTICS,
    "market.view_article": Permission.READ_MARKET,
    "market.view_feedstate": Permission.VIEW_STATISTICS,
    "portfolio.view_portfolio": Permission.VIEW_ALL_TRANSACTIONS,
    "portfolio.view_holding": Permission.VIEW_ALL_TRANSACTIONS,
    "portfolio.view_transaction": Permission.VIEW_ALL_TRANSACTIONS,
    "alerts.view_pricealert": Permission.VIEW_USERS,
    "alerts.view_notification": Permission.VIEW_USERS,
    "alerts.view_deliveryattempt": Permission.VIEW_USERS,
    "cryptopulse.view_dailyfigure": Permission.VIEW_STATISTICS,
    "cryptopulse.view_fault": Permission.USE_ADMIN_PORTAL,
    "cryptopulse.view_announcement": Permission.USE_ADMIN_PORTAL,
    # Jobs come with the code, and an interval that goes would take its jobs with it.
    "django_celery_beat.view_periodictask": Permission.MANAGE_SCHEDULES,
    "django_celery_beat.change_periodictask": Permission.MANAGE_SCHEDULES,
    **{
        f"django_celery_beat.{action}_{model}": Permission.MANAGE_SCHEDULES
        for action in ("view", "add", "change")
        for model in ("intervalschedule", "crontabschedule")
    },
}


def role_allows(role: str, permission: Permission) -> bool:
    """Tell whether a person of this role may do this; an unknown role may do nothing."""
    return role in ROLE_PERMISSIONS and permission in ROLE_PERMISSIONS[Role(role)]
