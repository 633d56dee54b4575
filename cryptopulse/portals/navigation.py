"""Who sees which links: one table, asked with the same permissions as the pages themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission


@dataclass(frozen=True, slots=True)
class Link:
    """One entry: what it says, where it leads, what it needs (None: open to visitors)."""

    label: str | Promise
    url_name: str
    icon: str
    needs: Permission | None = None
    tab: bool = False  # wanted in the tab bar on phones
    url: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Links under one heading; the first section has none."""

    title: str | Promise
    links: list[Link]


_SECTIONS = (
    Section(
        "",
        [
            Link(_("Dashboard"), "portals:dashboard", "home", Permission.USE_DASHBOARD, tab=True),
            Link(_("Overview"), "portals:admin", "home", Permission.USE_ADMIN_PORTAL, tab=True),
            Link(_("Overview"), "portals:analyst", "home", Permission.USE_ANALYST_PORTAL, tab=True),
            Link(
                _("Overview"),
                "portals:moderator",
                "home",
                Permission.USE_MODERATOR_PORTAL,
                tab=True,
            ),
            Link(_("Markets"), "market:list", "market", tab=True),
            Link(_("Charts"), "market:charts", "chart", Permission.READ_MARKET),
            Link(_("Watchlist"), "market:watchlist", "star", Permission.READ_MARKET),
            Link(_("Portfolio"), "portfolio:overview", "wallet", Permission.TRADE, tab=True),
            Link(
                _("Transactions"),
                "portfolio:transactions",
                "list",
                Permission.VIEW_OWN_TRANSACTIONS,
            ),
            Link(_("Alerts"), "alerts:list", "alarm", Permission.SET_ALERTS, tab=True),
            Link(_("News"), "market:news", "news", tab=True),
        ],
    ),
    Section(
        _("Analysis"),
        [
            Link(_("Analysis"), "portals:analysis", "report", Permission.ANALYSE_MARKET, tab=True),
            Link(_("Screener"), "portals:screener", "search", Permission.ANALYSE_MARKET),
            Link(_("Report"), "portals:report", "news", Permission.ANALYSE_MARKET),
            Link(
                _("Statistics"), "portals:statistics", "gauge", Permission.VIEW_STATISTICS, tab=True
            ),
        ],
    ),
    Section(
        _("People"),
        [
            Link(_("Users"), "accounts:users", "users", Permission.VIEW_USERS, tab=True),
            Link(
                _("Activity"), "accounts:activity", "pulse", Permission.MONITOR_ACTIVITY, tab=True
            ),
            Link(_("Flags"), "accounts:flags", "warn", Permission.MONITOR_ACTIVITY),
            Link(
                _("All transactions"),
                "portfolio:all-transactions",
                "list",
                Permission.VIEW_ALL_TRANSACTIONS,
            ),
            Link(_("Django admin"), "admin:index", "shield"),
        ],
    ),
    Section("", [Link(_("About"), "portals:about", "info", tab=True)]),
)

TABS = 4


def sections(user: Any, *, path: str) -> list[Section]:
    """Return the sections with the links that this person may follow; empty ones are left out."""
    allowed = [
        Section(section.title, [link for link in section.links if _may(user, link)])
        for section in _SECTIONS
    ]
    resolved = [Section(s.title, [_resolve(link) for link in s.links]) for s in allowed]
    current = _current([link for s in resolved for link in s.links], path)
    return [
        Section(s.title, [replace(link, is_current=link.url == current) for link in s.links])
        for s in resolved
        if s.links
    ]


def tabs(wanted: list[Section]) -> list[Link]:
    """Return the first links that belong in the tab bar."""
    return [link for section in wanted for link in section.links if link.tab][:TABS]


def _may(user: Any, link: Link) -> bool:
    if link.url_name == "admin:index":
        return bool(user and user.is_authenticated and user.is_active and user.is_staff)
    if link.needs is None:
        return True
    return bool(user and user.is_authenticated and user.may(link.needs))


def _resolve(link: Link) -> Link:
    try:
        return replace(link, url=reverse(link.url_name))
    except NoReverseMatch:
        return replace(link, url="#")


def _current(links: list[Link], path: str) -> str:
    """Return the URL of the link whose page, or whose page's child, this is."""
    matching = [link.url for link in links if link.url != "#" and path.startswith(link.url)]
    return max(matching, key=len, default="")
