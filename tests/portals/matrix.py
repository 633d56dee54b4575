"""The role matrix as it was agreed, and the doors through which each of its rows is entered.

The table is written out here a second time, on purpose: `accounts.roles` says what the product
does, this says what it must do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VISITOR = "visitor"
ROLES = ("user", "admin", "analyst", "moderator")

# fmt: off
#: What may be done              -> (user, admin, analyst, moderator), a visitor
MATRIX: dict[str, tuple[tuple[bool, bool, bool, bool], bool]] = {
    "log in and sign up":           ((True,  True,  True,  True),  True),
    "dashboard":                    ((True,  False, False, False), False),
    "admin dashboard":              ((False, True,  False, False), False),
    "analyst dashboard":            ((False, False, True,  False), False),
    "moderator dashboard":          ((False, False, False, True),  False),
    "manage a portfolio":           ((True,  False, False, False), False),
    "buy":                          ((True,  False, False, False), False),
    "sell":                         ((True,  False, False, False), False),
    "markets and a coin":           ((True,  True,  True,  True),  True),
    "charts":                       ((True,  True,  True,  True),  False),
    "news":                         ((True,  True,  True,  True),  True),
    "settings":                     ((True,  True,  True,  True),  False),
    "about":                        ((True,  True,  True,  True),  True),
    "watchlist":                    ((True,  True,  True,  True),  False),
    "add and remove coins":         ((False, True,  False, False), False),
    "view all users":               ((False, True,  False, True),  False),
    "invite and change roles":      ((False, True,  False, False), False),
    "suspend and restore":          ((False, True,  False, True),  False),
    "system statistics":            ((False, True,  True,  True),  False),
    "market analysis":              ((False, False, True,  False), False),
    "user activity monitor":        ((False, False, False, True),  False),
    "own transactions":             ((True,  False, False, False), False),
    "all transactions":             ((False, True,  False, True),  False),
    "e-mail notifications":         ((True,  True,  True,  True),  False),
    "choose a currency":            ((True,  True,  True,  True),  False),
    "price alerts":                 ((True,  False, False, False), False),
    "personal events":              ((True,  True,  True,  True),  False),
    "django admin":                 ((False, True,  False, True),  False),
    "schedules":                    ((False, True,  False, False), False),
}
# fmt: on

#: Nobody, whatever their role, changes these in the Django admin.
READ_ONLY_MODELS = (
    ("portfolio", "portfolio"),
    ("portfolio", "holding"),
    ("portfolio", "transaction"),
    ("alerts", "pricealert"),
    ("alerts", "notification"),
    ("alerts", "deliveryattempt"),
    ("accounts", "activity"),
    ("accounts", "user"),
)


@dataclass(frozen=True, kw_only=True)
class Door:
    """One way to do what a row of the matrix names.

    `open` are the answers to somebody who may (a page, a redirect after a POST, a refusal in a
    sentence), because what is tried is the permission and not the operation.
    """

    row: str
    url: str
    method: str = "GET"
    args: tuple[Any, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    kind: str = "page"  # page | json | admin
    open: frozenset[int] = frozenset({200})

    def __str__(self) -> str:
        return f"{self.row}: {self.method} {self.url}"


DONE = frozenset({200, 302, 422})

ORDER = {"coin_id": "bitcoin", "amount": "100", "client_order_id": "matrix-1"}
SALE = {"coin_id": "bitcoin", "quantity": "0.001", "client_order_id": "matrix-2"}
ALERT = {"coin": "bitcoin", "coin_id": "bitcoin", "condition": "above", "target": "250000",
         "channels": ["in_app"]}  # fmt: skip
SETTINGS = {"theme": "dark", "palette": "green-red", "display_currency": "USD", "timezone": "UTC"}


def _page(row: str, url: str, *args: Any) -> Door:
    return Door(row=row, url=url, args=args)


def _post(row: str, url: str, *args: Any, **data: Any) -> Door:
    return Door(row=row, url=url, args=args, method="POST", data=data, open=DONE)


def _admin(row: str, url: str, *args: Any) -> Door:
    return Door(row=row, url=f"admin:{url}", args=args, kind="admin")


#: `NOBODY` stands for the key of a person made for the test, to be suspended and the like.
NOBODY = "<somebody>"
#: The key of a row that there is not.
NOWHERE = "00000000-0000-0000-0000-000000000000"

DOORS: tuple[Door, ...] = (
    _page("dashboard", "portals:dashboard"),
    _page("admin dashboard", "portals:admin"),
    _page("admin dashboard", "portals:admin-health"),
    _page("admin dashboard", "portals:errors"),
    Door(row="admin dashboard", url="portals:error-resolve", method="POST",
         args=("2026-11-20:0",), open=frozenset({404})),
    _page("admin dashboard", "portals:announcements"),
    Door(row="admin dashboard", url="portals:announcement-edit", args=(NOWHERE,),
         open=frozenset({404})),
    Door(row="admin dashboard", url="portals:announcement-end", method="POST", args=(NOWHERE,),
         open=frozenset({404})),
    _page("analyst dashboard", "portals:analyst"),
    _page("moderator dashboard", "portals:moderator"),
    _page("manage a portfolio", "portfolio:overview"),
    _post("buy", "portfolio:trade", side="buy", **ORDER),
    _post("sell", "portfolio:trade", side="sell", **SALE),
    Door(row="buy", url="/api/buy_coin", method="POST", data=ORDER, kind="json",
         open=frozenset({200, 422})),
    Door(row="sell", url="/api/sell_coin", method="POST", data=SALE, kind="json",
         open=frozenset({200, 422})),
    _page("markets and a coin", "market:list"),
    _page("markets and a coin", "market:coin", "bitcoin"),
    _page("markets and a coin", "market:export"),
    _page("charts", "market:charts"),
    _page("news", "market:news"),
    _page("settings", "portals:settings"),
    _page("about", "portals:about"),
    _page("watchlist", "market:watchlist"),
    _post("watchlist", "market:watch", "bitcoin", watch="1"),
    _post("add and remove coins", "portals:coin-add", coin_id="ethereum"),
    _post("add and remove coins", "portals:coin-remove", coin_id="ethereum"),
    _post("add and remove coins", "portals:coin-find", find="pepe"),
    _page("view all users", "accounts:users"),
    _post("invite and change roles", "accounts:invite", email="new@example.com", role="analyst"),
    _post("invite and change roles", "accounts:invitation-resend", email="new@example.com"),
    _post("invite and change roles", "accounts:invitation-withdraw", email="new@example.com"),
    _post("suspend and restore", "accounts:send-reset", NOBODY),
    _post("invite and change roles", "accounts:change-role", NOBODY, role="analyst"),
    _post("suspend and restore", "accounts:suspend", NOBODY, reason="Spam"),
    _post("suspend and restore", "accounts:restore", NOBODY),
    _page("system statistics", "portals:statistics"),
    _page("market analysis", "portals:analysis"),
    _page("market analysis", "portals:analysis-csv", "returns"),
    _page("market analysis", "portals:report"),
    _page("market analysis", "portals:screener"),
    _page("market analysis", "portals:screener-csv"),
    _post("market analysis", "portals:screen-save", name="Cheap", query="max_price=1"),
    _post("market analysis", "portals:screen-delete", "none"),
    _page("view all users", "accounts:person", NOBODY),
    _post("suspend and restore", "accounts:note", NOBODY, text="Watch this account"),
    _page("user activity monitor", "accounts:activity"),
    _page("user activity monitor", "accounts:flags"),
    _page("user activity monitor", "accounts:activity-export"),
    Door(row="user activity monitor", url="accounts:activity-new", open=frozenset({200, 204, 400})),
    _page("moderator dashboard", "portals:moderator-audit"),
    _page("settings", "accounts:security"),
    _post("settings", "accounts:sessions-end"),
    _page("own transactions", "portfolio:transactions"),
    _page("own transactions", "portfolio:export"),
    _page("manage a portfolio", "portfolio:import"),
    _post("manage a portfolio", "portfolio:create", name="Another"),
    *(
        Door(row="manage a portfolio", url=f"portfolio:{act}", method="POST", args=(NOWHERE,),
             data={"name": "Other", "confirmation": "Other"}, open=frozenset({404}))
        for act in ("rename", "reset", "archive")
    ),
    _page("all transactions", "portfolio:all-transactions"),
    _page("all transactions", "portfolio:all-transactions-export"),
    _post("choose a currency", "portals:settings", **SETTINGS),
    _post("e-mail notifications", "portals:settings", **SETTINGS),
    _page("price alerts", "alerts:list"),
    _post("price alerts", "alerts:create", **ALERT),
    _page("price alerts", "alerts:coins"),
    _page("price alerts", "alerts:history-csv"),
    _post("price alerts", "alerts:pause-all"),
    _post("price alerts", "alerts:resume-all"),
    _page("settings", "portals:privacy"),
    _page("settings", "portals:data-export"),
    _post("settings", "portals:leave", password="wrong"),
    _page("personal events", "alerts:bell"),
    _admin("django admin", "index"),
    _admin("view all users", "accounts_user_changelist"),
    _admin("view all users", "accounts_user_change", NOBODY),
    _admin("user activity monitor", "accounts_activity_changelist"),
    _admin("all transactions", "portfolio_transaction_changelist"),
    _admin("all transactions", "portfolio_portfolio_changelist"),
    _admin("all transactions", "portfolio_holding_changelist"),
    _admin("add and remove coins", "market_coin_add"),
    _admin("schedules", "django_celery_beat_periodictask_changelist"),
    _admin("schedules", "django_celery_beat_intervalschedule_changelist"),
)  # fmt: skip


def allowed(row: str, role: str) -> bool:
    """Tell whether the matrix lets this role through."""
    by_role, visitor = MATRIX[row]
    return visitor if role == VISITOR else by_role[ROLES.index(role)]
