"""The product for a browser to look at: a new database, one person per role, ticking prices.

Started as a process of its own with PORT and LOCAL_DIR: `python -m tests.browser.server`.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.browser.settings")

import django

django.setup()

import uvicorn  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import services as accounts  # noqa: E402
from accounts.models import User  # noqa: E402
from alerts import services as alerts  # noqa: E402
from cryptopulse.portals.growth import count_days  # noqa: E402
from market import services as market  # noqa: E402
from portfolio import services as portfolio  # noqa: E402

from .past import live_through  # noqa: E402

logger = logging.getLogger(__name__)

COINS_WITH_HISTORY = int(os.environ.get("COINS_WITH_HISTORY", "6"))
#: While this file exists, no prices come.
HALT = os.path.join(os.environ["LOCAL_DIR"], "halt")  # noqa: PTH118
#: Seconds between two looks at the activity log, which beat does each minute.
LOG_EVERY = 3


def prepare() -> None:
    """Make tables, people with a past, and the prices of now with their history."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    if User.objects.exists():
        return
    began = time.monotonic()
    now = timezone.now()
    live_through(now=now)
    accounts.read_log(now=timezone.now())
    count_days(now=timezone.now())
    lived = time.monotonic()
    market.load_history(now=now, coins=COINS_WITH_HISTORY)
    market.refresh_exchange_rates(now=now)
    market.fetch_prices(now=timezone.now())
    portfolio.record_equity(now=timezone.now())
    logger.warning(
        "six weeks in %.1f s, history in %.1f s", lived - began, time.monotonic() - lived
    )


def tick() -> None:
    """Do what beat and workers do: bring prices, deliver what they have fired, read the log."""
    for second in itertools.count():
        time.sleep(1)
        if os.path.exists(HALT):  # noqa: PTH110
            continue
        try:
            market.fetch_prices(now=timezone.now())
            alerts.deliver_due(now=timezone.now())
            if second % LOG_EVERY == 0:
                accounts.read_log(now=timezone.now())
        except Exception:
            logger.exception("no tick")


def main() -> None:
    if not settings.DEBUG:
        # Without what only the Django admin and the API's docs use: to compress that takes longest.
        others = ["admin/*", "unfold/*", "ninja/*"]
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)
    prepare()
    threading.Thread(target=tick, daemon=True).start()
    uvicorn.run(
        "cryptopulse.asgi:application",
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        ws="cryptopulse.live.protocol:HubProtocol",
        log_level="warning",
    )


if __name__ == "__main__":
    main()
