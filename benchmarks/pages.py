"""What each page costs the server: time, queries and bytes, for each role, on a well-filled SQLite.

Prints a table and writes it to `results/pages-<date>.json`. `make bench-pages` runs it. Pages are
asked by Django's test client in this process, so there is no network in the figures; each is drawn
once before it is measured. Milliseconds are those of the processor: other work on the machine
does not move them much.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from django.test import Client

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 15
COINS, TRANSACTIONS, PEOPLE = 250, 10_000, 200
TARGET = 50.0  # ms, the median of a page
OK, FAILED = 200, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCost:
    """A page as one person sees it: milliseconds, queries, bytes as they are sent."""

    who: str
    path: str
    status: int
    median: float
    p95: float
    queries: int
    size: int


def main() -> int:
    """Measure, print and write; 1 when a page misses the target or does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        set_up(folder)
        fill()
        costs = [cost for who, paths in pages() for cost in measure(who, paths)]
    print(*table(costs), sep="\n")
    today = datetime.now(UTC).date()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"pages-{today}.json"
    path.write_text(json.dumps(document(costs), indent=2) + "\n")
    slow = [cost for cost in costs if cost.median > TARGET]
    print(f"\n{len(costs)} pages, {len(slow)} above {TARGET:.0f} ms. Written to {path}")
    return int(bool(slow) or any(cost.status >= FAILED for cost in costs))


def set_up(folder: str) -> None:
    """Start Django on a new database, as in production but for its static files' names."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "SECRET_KEY": "only-for-benchmarks-" + "x" * 50,
        "LOCAL_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder}/pages.sqlite3",
        "ALLOWED_HOSTS": "testserver",
        "MARKET_FEEDS": "simulated",
        "READ_DOTENV": "0",
        "DEBUG": "0",
        "HTTPS": "0",
    }
    import django
    from django.conf import settings

    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"] = {"BACKEND": storage}
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (10**6, 60))
    django.setup()


def fill() -> None:
    """Make the tables, the people with their past, and as many rows as a grown site has."""
    from django.core.management import call_command
    from django.utils import timezone

    from market import services as market
    from tests.browser.past import live_through

    now = timezone.now()
    call_command("migrate", run_syncdb=True, verbosity=0)
    live_through(now=now)
    market.load_history(now=now, coins=5)
    market.fetch_prices(now=now)
    add_coins(now)
    add_people()
    add_transactions(now)


def add_coins(now: datetime) -> None:
    from market.models import Coin

    pattern = Coin.objects.get(pk="bitcoin")
    Coin.objects.bulk_create(
        Coin(
            id=f"coin-{number}", symbol=f"c{number}", name=f"Coin {number}", rank=number,
            last_price=Decimal(number), price_at=now, source="simulated",
            change_24h=Decimal(number % 19 - 9), change_7d=Decimal(number % 23 - 11),
            market_cap=Decimal(10**9), volume_24h=Decimal(10**7), sparkline=pattern.sparkline,
            quantity_step=Decimal("0.0001"),
        )
        for number in range(Coin.objects.count() + 1, COINS + 1)
    )  # fmt: skip


def add_people() -> None:
    from accounts.models import User

    User.objects.bulk_create(
        User(username=f"person{number}", email=f"person{number}@example.com")
        for number in range(PEOPLE)
    )


def add_transactions(now: datetime) -> None:
    """Give alice and the others trades of a year; their holdings stay as they were."""
    from accounts.models import User
    from portfolio.models import Portfolio, Transaction

    owners = [User.objects.get(username=name) for name in ("alice", "bob", "carol", "dave")]
    folders = {user.pk: Portfolio.objects.get(user=user, is_default=True) for user in owners}
    Transaction.objects.bulk_create(
        (
            Transaction(
                id=Transaction.key(folders[user.pk].pk, f"bulk-{number}"),
                portfolio=folders[user.pk], user=user, coin_id="bitcoin",
                side="sell" if number % 2 else "buy", quantity=Decimal("0.001"),
                price=Decimal(90000), price_at=now, price_source="simulated",
                amount=Decimal(90), fee=Decimal(0),
                executed_at=now - timedelta(minutes=50 * number),
                client_order_id=f"bulk-{number}", asked="quantity 0.001",
            )
            for number in range(TRANSACTIONS)
            for user in [owners[number % len(owners)]]
        ),
        batch_size=1000,
    )  # fmt: skip


def pages() -> list[tuple[str, tuple[str, ...]]]:
    """Return who looks at which pages: those that the browser tests look at."""
    from tests.browser.product import WHO, pages_of

    return [(who, pages_of(who)) for who in WHO]


def measure(who: str, paths: tuple[str, ...]) -> list[PageCost]:
    """Ask for every page of a person, again and again."""
    from django.test import Client

    from tests.browser.product import PASSWORD

    client = Client(headers={"accept-encoding": "gzip"}, raise_request_exception=False)
    if who:
        client.post("/accounts/login/", {"login": who, "password": PASSWORD})
    return [cost_of(client, who, path) for path in paths]


def cost_of(client: Client, who: str, path: str) -> PageCost:
    first = client.get(path)
    with counted_queries() as queries:
        client.get(path)
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        client.get(path)
        times.append((time.process_time() - began) * 1000)
    return PageCost(
        who=who or "visitor",
        path=path,
        status=first.status_code,
        median=round(statistics.median(times), 1),
        p95=round(sorted(times)[round(0.95 * (ROUNDS - 1))], 1),
        queries=len(queries),
        size=len(first.content),
    )


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Note every statement of this process: views run in a thread, with a connection of its own."""
    from django.db.backends.utils import CursorWrapper

    noted: list[str] = []
    execute = CursorWrapper.execute

    def note(cursor: CursorWrapper, sql: str, params: Any = None) -> Any:
        noted.append(sql)
        return execute(cursor, sql, params)

    with patch.object(CursorWrapper, "execute", note):
        yield noted


def table(costs: list[PageCost]) -> list[str]:
    """Return the lines that are printed, the slowest page of each person first."""
    lines = [f"{'who':9}{'page':38}{'median':>9}{'p95':>9}{'queries':>9}{'bytes':>9}"]
    for cost in sorted(costs, key=lambda one: (one.who, -one.median)):
        note = f"  answers {cost.status}" if cost.status != OK else ""
        note += "  above the target" if cost.median > TARGET else ""
        lines.append(
            f"{cost.who:9}{cost.path:38}{cost.median:>6.1f} ms{cost.p95:>6.1f} ms"
            f"{cost.queries:>9}{cost.size:>9,}{note}"
        )
    return lines


def document(costs: list[PageCost]) -> dict[str, object]:
    """Return what is written: the figures, and what they were measured on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "coins": COINS,
        "transactions": TRANSACTIONS,
        "rounds": ROUNDS,
        "target_ms": TARGET,
        "pages": [asdict(cost) for cost in costs],
    }


if __name__ == "__main__":
    sys.exit(main())
