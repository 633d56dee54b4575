"""Values of portfolios, stored by the hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from market.models import Candle, Coin
from portfolio import services as portfolio
from portfolio.models import EquityPoint, Portfolio, Transaction
from tests.conftest import NOW

D = Decimal
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


def closes(coin: Coin, prices: dict[datetime, str], resolution: str = "1h") -> None:
    """Store candles by the moment at which they begin."""
    Candle.objects.bulk_create(
        Candle(
            id=Candle.key(coin.pk, resolution, start), coin=coin, resolution=resolution,
            start=start, open=D(price), high=D(price), low=D(price), close=D(price),
            open_at=start, close_at=start, source="simulated",
        )
        for start, price in prices.items()
    )  # fmt: skip


def opened(user: User, at: datetime) -> Portfolio:
    own = portfolio.default_portfolio(user=user)
    Portfolio.objects.filter(pk=own.pk).update(created_at=at)
    return own


def bought(user: User, at: datetime, quantity: str = "0.01", side: str = "buy") -> Transaction:
    Coin.objects.update(price_at=at)
    return portfolio.place_order(
        user=user, side=side, coin_id="bitcoin", quantity=D(quantity), now=at,
        client_order_id=f"{side}-{at.timestamp()}",
    )  # fmt: skip


def stored(span: str = "1h") -> list[tuple[datetime, Decimal, Decimal]]:
    own = Portfolio.objects.get(is_default=True)
    rows = EquityPoint.objects.filter(portfolio=own, span=span)
    return list(rows.order_by("at").values_list("at", "value", "cash"))


@pytest.fixture
def hers(alice: User, bitcoin: Coin) -> User:
    opened(alice, NOW - 4 * HOUR)
    return alice


def test_each_hour_is_worth_its_cash_and_its_coins_at_their_close(
    hers: User, bitcoin: Coin
) -> None:
    closes(bitcoin, {NOW - 3 * HOUR: "101000", NOW - 2 * HOUR: "99000", NOW - HOUR: "103000"})
    bought(hers, NOW - 2.5 * HOUR)  # at 100,000
    portfolio.record_equity(now=NOW + timedelta(minutes=5))
    assert stored() == [
        (NOW - 4 * HOUR, D("10000.00"), D("10000.00")),
        (NOW - 3 * HOUR, D("10000.00"), D("10000.00")),
        (NOW - 2 * HOUR, D("10010.00"), D("9000.00")),
        (NOW - HOUR, D("9990.00"), D("9000.00")),
        (NOW, D("10030.00"), D("9000.00")),
    ]


def test_recording_again_adds_nothing(hers: User, bitcoin: Coin) -> None:
    bought(hers, NOW - 2.5 * HOUR)
    assert portfolio.record_equity(now=NOW + timedelta(minutes=5)) == 5
    before = stored()
    assert portfolio.record_equity(now=NOW + timedelta(minutes=9)) == 0
    assert stored() == before


def test_an_hour_that_has_just_ended_waits_for_the_trades_under_way(hers: User) -> None:
    portfolio.record_equity(now=NOW + timedelta(seconds=30))
    assert stored()[-1][0] == NOW - HOUR


def test_days_without_a_server_are_filled_from_the_candles(hers: User, bitcoin: Coin) -> None:
    bought(hers, NOW - 3.5 * HOUR)
    portfolio.record_equity(now=NOW - 2 * HOUR)
    later = NOW + timedelta(days=3)
    closes(bitcoin, {NOW + hour * HOUR: str(100000 + hour * 10) for hour in range(72)})
    portfolio.record_equity(now=later + timedelta(minutes=5))
    points = {at: value for at, value, _ in stored()}
    assert len(points) == 4 + 1 + 72
    assert points[NOW + 50 * HOUR] == D("9000.00") + D("1004.90")
    assert points[later] == D("9000.00") + D("1007.10")


def test_midnights_are_kept_as_days(hers: User) -> None:
    portfolio.record_equity(now=NOW + timedelta(days=2))
    midnight = NOW.replace(hour=0)
    assert [at for at, *_ in stored("1d")] == [midnight + timedelta(days=day) for day in (1, 2)]


def test_hours_go_after_ninety_days_and_days_stay(alice: User, bitcoin: Coin) -> None:
    begin = NOW - timedelta(days=120)
    opened(alice, begin)
    portfolio.record_equity(now=NOW)
    assert len(stored("1d")) == 120
    assert stored("1h")[0][0] >= NOW - timedelta(days=91)
    portfolio.record_equity(now=NOW + timedelta(days=400))
    assert len(stored("1d")) == 520
    assert stored("1h")[0][0] >= NOW + timedelta(days=308)


def test_trades_that_do_not_explain_the_cash_are_waited_for(hers: User, bitcoin: Coin) -> None:
    bought(hers, NOW - 2.5 * HOUR)
    hidden = Transaction.objects.get()
    Transaction.objects.filter(pk=hidden.pk).delete()
    assert portfolio.record_equity(now=NOW + timedelta(minutes=5)) == 0
    hidden.save(force_insert=True)
    assert portfolio.record_equity(now=NOW + timedelta(minutes=5)) == 5


def test_a_coin_without_candles_counts_at_what_was_paid_for_it(hers: User, bitcoin: Coin) -> None:
    bought(hers, NOW - 2.5 * HOUR)
    Coin.objects.update(last_price=D(120000), price_at=NOW + timedelta(minutes=1))
    portfolio.record_equity(now=NOW + timedelta(minutes=5))
    assert [value for _, value, _ in stored()] == [D("10000.00")] * 5


def test_one_broken_portfolio_does_not_keep_the_others_waiting(
    hers: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(bob, NOW - 2 * HOUR)
    from portfolio.services import points
    from portfolio.services.books import read_books

    def fail_for_alice(key: object, **extra: object) -> object:
        if key == Portfolio.default_key(hers.pk):
            raise RuntimeError("broken")
        return read_books(key, **extra)  # type: ignore[arg-type]

    monkeypatch.setattr(points, "read_books", fail_for_alice)
    assert portfolio.record_equity(now=NOW + timedelta(minutes=5)) == 3
