"""Real days of bitcoin, replayed: exactly the alerts of these tables fire, at these prices.

The bars, by day (Binance, US dollars). A bar that closed up went to its low first; its four prices
come at 00:00, 08:00, 16:00 and a moment before midnight.

    2020-03-11   open  7,894.57   low   7,590.00   high  7,980.00   close  7,934.52
    2020-03-12   open  7,934.58   high  7,966.17   low   4,410.00   close  4,800.00
    2020-03-13   open  4,800.01   low   3,782.13   high  5,955.00   close  5,578.60

    2022-11-08   open 20,590.67   high 20,700.88   low  17,166.83   close 18,547.23
    2022-11-09   open 18,545.38   high 18,587.76   low  15,588.00   close 15,922.81
    2022-11-10   open 15,922.68   low  15,754.26   high 18,199.00   close 17,601.15
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alerts import services
from alerts.models import Notification, PriceAlert
from market import services as market
from market.feeds.replay import ReplayFeed
from tests.alerts.conftest import fired_events
from tests.conftest import make_coin

pytestmark = pytest.mark.django_db

#: condition, target, repeats, how often it fires, and the price and moment of the last time.
CRASH_OF_MARCH_2020 = [
    ("below", "7600", False, 1, "7590", "2020-03-11 08:00"),
    ("below", "7590", False, 1, "7590", "2020-03-11 08:00"),  # the low itself
    ("below", "7589.99", False, 1, "4410", "2020-03-12 16:00"),
    ("above", "7980", False, 1, "7980", "2020-03-11 16:00"),  # the high itself
    ("above", "7980.01", False, 0, None, None),
    ("above", "8000", False, 0, None, None),
    ("below", "5000", False, 1, "4410", "2020-03-12 16:00"),
    ("below", "4410", False, 1, "4410", "2020-03-12 16:00"),
    ("below", "4409.99", False, 1, "3782.13", "2020-03-13 08:00"),
    ("below", "3782.13", False, 1, "3782.13", "2020-03-13 08:00"),
    ("below", "3782.12", False, 0, None, None),
    # 4,410, then back at 4,800, then 3,782.13
    ("below", "4500", True, 2, "3782.13", "2020-03-13 08:00"),
    # 7,980, then back at 7,934.52, then 7,966.17
    ("above", "7950", True, 2, "7966.17", "2020-03-12 08:00"),
    # 4,410; never above 5,960 again
    ("below", "5960", True, 1, "4410", "2020-03-12 16:00"),
]

CRASH_OF_NOVEMBER_2022 = [
    ("above", "20700.88", False, 1, "20700.88", "2022-11-08 08:00"),
    ("above", "20700.89", False, 0, None, None),
    ("below", "17200", False, 1, "17166.83", "2022-11-08 16:00"),
    ("below", "17000", False, 1, "15588", "2022-11-09 16:00"),
    ("below", "15588", False, 1, "15588", "2022-11-09 16:00"),
    ("below", "15587.99", False, 0, None, None),
    # 15,588, then back at 15,922.81, then 15,754.26
    ("below", "15800", True, 2, "15754.26", "2022-11-10 08:00"),
    # 17,166.83; 18,547.23 and 18,545.38 are still below; back at 18,587.76; then 15,588
    ("below", "18550", True, 2, "15588", "2022-11-09 16:00"),
]

Row = tuple[str, str, bool, int, str | None, str | None]


@pytest.mark.parametrize(
    ("first_day", "table"),
    [("2020-03-11", CRASH_OF_MARCH_2020), ("2022-11-08", CRASH_OF_NOVEMBER_2022)],
)
def test_the_recorded_days_fire_exactly_the_alerts_of_the_table(
    recorded_data: Path, alice: Any, first_day: str, table: list[Row]
) -> None:
    (path,) = recorded_data.glob("binance_BTCUSDT_1d_*.csv")
    start = datetime.fromisoformat(first_day).replace(tzinfo=UTC)
    ticks = list(ReplayFeed(path=str(path)).ticks(start, start + timedelta(days=3)))
    assert len(ticks) == 12
    make_coin(price=None)
    market.ingest(quotes=ticks[:1], now=ticks[0].price_at)
    alerts = [create(alice, row, now=ticks[0].price_at) for row in table]
    for tick in ticks[1:]:
        market.ingest(quotes=[tick], now=tick.price_at)
    for alert, row in zip(alerts, table, strict=True):
        alert.refresh_from_db()
        price, moment = row[4], row[5]
        at = None if moment is None else datetime.fromisoformat(moment).replace(tzinfo=UTC)
        found = (alert.times_fired, alert.last_fired_price, alert.last_fired_at)
        assert found == (row[3], None if price is None else Decimal(price), at), row
        assert len(fired_events(alert)) == row[3]
    assert Notification.objects.count() == sum(row[3] for row in table)


def create(user: Any, row: Row, *, now: datetime) -> PriceAlert:
    return services.create_alert(
        user=user,
        coin_id="bitcoin",
        condition=row[0],
        target=Decimal(row[1]),
        channels=["in_app"],
        repeats=row[2],
        cooldown=3600,
        now=now,
    )
