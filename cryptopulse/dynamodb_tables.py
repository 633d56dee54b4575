"""What the product's tables need on DynamoDB that no model can say; the engine's OPTIONS TABLES.

`shards`: one partition takes 1,000 writes a second, so what grows with every request is spread.
`ttl`: rows vanish by themselves at this moment. `ordered`: an index that orders the whole table,
or whose first column has so few values that one of them would be a hot partition; each of its
shards is one more request for a page. `unbuilt`: an index, or a column's own, that only SQL needs
to find what is over; it would cost a write for each change. `small`: read whole on purpose, never
reported as a scan.
"""

from __future__ import annotations

from typing import Any

SHARDS = 16
#: A page over all rows asks each of these once, side by side: 4,000 writes a second are enough.
INDEX_SHARDS = 4

_SMALL: dict[str, Any] = {"small": True}

TABLES: dict[str, dict[str, Any]] = {
    # --- Written with every request, trade, tick or message --------------------------------
    "django_session": {"shards": SHARDS, "ttl": "expire_date", "unbuilt": ("expire_date",)},
    "accounts_activity": {
        "shards": SHARDS,
        # Most lines are log-ins and trades: as plain partitions these two kinds would be hot.
        "ordered": {"activity_kind": INDEX_SHARDS},
    },
    "accounts_opensession": {
        "shards": SHARDS,
        "ttl": "expires_at",
        "unbuilt": ("expires_at",),
    },
    "portfolio_transaction": {
        "shards": SHARDS,
        "ordered": {"transaction_all": INDEX_SHARDS},  # everybody's trades by time
    },
    "market_candle": {"shards": SHARDS, "ttl": "expires_at", "unbuilt": ("candle_expiry",)},
    "portfolio_equitypoint": {
        "shards": SHARDS,
        "ttl": "expires_at",
        "unbuilt": ("equity_expiry",),
    },
    "alerts_notification": {
        "shards": SHARDS,
        "ttl": "expires_at",
        "ordered": {"notification_newest": INDEX_SHARDS},  # the admin's list
        "unbuilt": ("notification_expiry",),
    },
    "alerts_deliveryattempt": {"shards": SHARDS, "ttl": "expires_at"},
    # Some hundred headlines a day, all on one shelf: one shard, so that a page is one request.
    "market_article": {"ordered": {"article_newest": 1}},
    # --- Small and read whole ---------------------------------------------------------------
    # As many rows as there are coins, some hundreds: what is tracked, and what searches found.
    "market_coin": _SMALL,
    # A row per feed, and per coin a note of when its history was loaded.
    "market_feedstate": _SMALL,
    # A row per feed, budget and job that has ever failed.
    "alerts_watched": _SMALL,
    # As many rows at most as there are coins; each tick reads them all.
    "alerts_alertedcoin": _SMALL,
    # Accounts that are being erased at this moment.
    "accounts_erasure": _SMALL,
    "market_priceorigin": _SMALL,  # one row
    # A row per currency and day: ten currencies make 4,000 short rows a year.
    "market_exchangerate": _SMALL,
    # A row per reader of the log, and one per hour of some weeks.
    "accounts_activityposition": _SMALL,
    "accounts_activityhour": {"small": True, "ttl": "expires_at", "unbuilt": ("expires_at",)},
    # Those that admins have sent in the last week.
    "accounts_invitation": {"small": True, "ttl": "expires_at"},
    # Four rows a day; pages read a range of them by their index.
    "cryptopulse_dailyfigure": _SMALL,
    "cryptopulse_announcement": _SMALL,  # those that admins have made
    # A hundred ways to fail a day at the most, for a month.
    "cryptopulse_fault": {"small": True, "ttl": "expires_at", "unbuilt": ("fault_expiry",)},
    # Django's own: a row per model, four permissions per model, a row per migration.
    "django_content_type": _SMALL,
    "auth_permission": _SMALL,
    "django_migrations": _SMALL,
    # What admins change by hand, read for one person or one object.
    "django_admin_log": _SMALL,
    # Groups give no rights here and stay empty.
    "auth_group": _SMALL,
    "auth_group_permissions": _SMALL,
    # A row per job, and the few intervals and crontabs that they run at.
    "django_celery_beat_periodictask": _SMALL,
    "django_celery_beat_periodictasks": _SMALL,
    "django_celery_beat_intervalschedule": _SMALL,
    "django_celery_beat_crontabschedule": _SMALL,
    "django_celery_beat_solarschedule": _SMALL,
    "django_celery_beat_clockedschedule": _SMALL,
}
