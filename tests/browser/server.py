"""The product for a browser to look at: a new database, one person per role, ticking prices.

Started as a process of its own with PORT and LOCAL_DIR: `python -m tests.browser.server`.
"""

from __future__ import annotations

import logging
import os
import threading
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.browser.settings")

import django

django.setup()

import uvicorn  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from market import services as market  # noqa: E402
from market.models import Article, Coin  # noqa: E402

logger = logging.getLogger(__name__)

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "alice": Role.USER,
    "bob": Role.USER,  # looks at yen
    "root": Role.ADMIN,
    "ana": Role.ANALYST,
    "mo": Role.MODERATOR,
}
COINS_WITH_HISTORY = int(os.environ.get("COINS_WITH_HISTORY", "2"))
#: While this file exists, no prices come.
HALT = os.path.join(os.environ["LOCAL_DIR"], "halt")  # noqa: PTH118


def prepare() -> None:
    """Make tables, people, coins with history, and a few headlines."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    if User.objects.exists():
        return
    for username, role in PEOPLE.items():
        User.objects.create_user(username, f"{username}@example.com", PASSWORD, role=role)
    User.objects.filter(username="bob").update(display_currency="JPY")
    market.seed_demo_coins()
    market.fetch_prices(now=timezone.now())
    market.load_history(now=timezone.now(), coins=COINS_WITH_HISTORY)
    market.refresh_exchange_rates(now=timezone.now())
    for number in range(6):
        made = Article.objects.create(
            id=f"headline-{number}",
            title=f"Bitcoin holds its range as traders wait for the next figures ({number + 1})",
            summary="Flows are quiet, funding is flat and open interest has not moved.",
            url=f"https://example.com/{number}",
            publisher="Example Wire",
            published_at=timezone.now(),
        )
        made.coins.add(Coin.objects.get(pk="bitcoin"))


def tick() -> None:
    """Bring prices for as long as the process lives."""
    while True:
        time.sleep(1)
        if os.path.exists(HALT):  # noqa: PTH110
            continue
        try:
            market.fetch_prices(now=timezone.now())
        except Exception:
            logger.exception("no tick")


def main() -> None:
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
