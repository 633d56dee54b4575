"""What a portfolio is worth, worked out by hand, and what must hold for any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.valuation import (
    Held,
    Valuation,
    day_change_of,
    percent_of,
    percent_shares,
    value_portfolio,
)

D = Decimal
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Coin:
    id: str
    last_price: Decimal | None
    change_24h: Decimal | None = None
    price_at: datetime = NOW
    category: str = ""

    @property
    def name(self) -> str:
        return self.id.capitalize()

    def is_stale(self, *, now: datetime) -> bool:
        return now - self.price_at > timedelta(minutes=5)


def held(
    coin_id: str, quantity: str, cost: str, price: str | None, change: str | None = None,
    *, at: datetime = NOW,
) -> Held:  # fmt: skip
    coin = Coin(
        coin_id,
        None if price is None else D(price),
        None if change is None else D(change),
        at,
    )
    return Held(coin=coin, quantity=D(quantity), cost=D(cost))


def value(
    *positions: Held, cash: str = "0", paid_in: str = "10000", realised: str = "0"
) -> Valuation:
    return value_portfolio(
        cash=D(cash), paid_in=D(paid_in), realised=D(realised), held=positions, now=NOW
    )


def test_an_untouched_portfolio_is_worth_its_cash() -> None:
    result = value(cash="10000.00")
    assert (result.value, result.profit, result.cost) == (D("10000.00"), D(0), D(0))
    assert result.day_change is None
    assert result.best is None
    assert not result.stale
    assert [(one.name, one.share) for one in result.allocation] == [("Cash", D("100.0"))]


def test_two_holdings_and_cash() -> None:
    result = value(
        held("bitcoin", "0.05", "4000.00", "100000", "25"),
        held("ethereum", "1.5", "5500.00", "3400", "-20"),
        cash="500.00",
    )
    ethereum, bitcoin = result.holdings  # largest first
    assert bitcoin.value == D("5000.00")
    assert bitcoin.unrealised == D("1000.00")
    assert bitcoin.unrealised_percent == D("25.00")
    assert bitcoin.average_cost == D(80000)
    assert bitcoin.day_change == D("1000.00")  # 4,000 a day ago
    assert ethereum.value == D("5100.00")
    assert ethereum.day_change == D("-1275.00")  # 6,375 a day ago
    assert result.value == D("10600.00")
    assert result.cost == D("9500.00")
    assert result.unrealised == D("600.00")
    assert result.profit == D("600.00")
    assert result.profit_percent == D("6.00")
    assert result.day_change == D("-275.00")
    assert result.day_change_percent == D("-2.53")  # of 10,875
    assert result.best is bitcoin
    assert [(one.name, one.share) for one in result.allocation] == [
        ("Ethereum", D("48.1")),
        ("Bitcoin", D("47.2")),
        ("Cash", D("4.7")),
    ]


def test_realised_profit_counts_towards_profit_and_not_towards_unrealised() -> None:
    result = value(held("bitcoin", "0.05", "4000.00", "100000"), cash="6500.00", realised="500.00")
    assert result.unrealised == D("1000.00")
    assert result.profit == D("1500.00")
    assert result.value == D("11500.00")


def test_a_value_is_what_a_sale_would_bring() -> None:
    assert value(held("bitcoin", "0.00000003", "0.01", "999999")).value == D("0.02")


def test_a_price_that_is_too_old_makes_the_portfolio_stale() -> None:
    old = held("bitcoin", "1", "1.00", "1", at=NOW - timedelta(minutes=6))
    result = value(old, held("ethereum", "1", "1.00", "1"))
    assert result.stale
    assert {one.coin.id: one.is_stale for one in result.holdings} == {
        "bitcoin": True,
        "ethereum": False,
    }


def test_a_holding_without_a_price_counts_at_its_cost() -> None:
    result = value(held("bitcoin", "1", "50.00", None))
    assert result.value == D("50.00")
    assert result.unrealised == D(0)


def test_a_gift_has_no_percentage() -> None:
    assert value(held("bitcoin", "1", "0", "5")).holdings[0].unrealised_percent is None


def test_small_holdings_share_a_slice() -> None:
    coins = [held(f"coin{n}", "1", "1.00", str(100 - n)) for n in range(6)]
    assert [one.name for one in value(*coins, cash="1").allocation] == [
        "Coin0",
        "Coin1",
        "Coin2",
        "3 others",
        "Cash",
    ]
    assert [one.name for one in value(*coins[:4], cash="1").allocation] == [
        "Coin0",
        "Coin1",
        "Coin2",
        "Coin3",
        "Cash",
    ]


def test_a_coin_that_lost_everything_has_no_day_change() -> None:
    assert day_change_of(D(0), D(-100)) is None
    assert day_change_of(D(100), None) is None


def test_nothing_has_no_percentage() -> None:
    assert percent_of(D(5), D(0)) is None


cents = st.integers(0, 10**15).map(lambda n: D(n).scaleb(-2))


@given(st.lists(cents, min_size=1, max_size=30))
def test_shares_add_up_to_a_hundred(values: list[Decimal]) -> None:
    shares = percent_shares(values)
    assert sum(shares) == (100 if any(values) else 0)
    total = sum(values) or 1
    for share, one in zip(shares, values, strict=True):
        assert abs(share - one * 100 / total) <= D("0.1")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**15 - 1).map(lambda n: D(n).scaleb(-8)),
            cents,
            st.integers(1, 10**15 - 1).map(lambda n: D(n).scaleb(-12)),
            st.none() | st.decimals(-100, 10**6, places=4),
        ),
        max_size=8,
    ),
    cents,
    st.integers(-(10**14), 10**14).map(lambda n: D(n).scaleb(-2)),
)
def test_value_is_what_was_paid_in_and_the_profit(
    positions: list[tuple[Decimal, Decimal, Decimal, Decimal | None]],
    cash: Decimal,
    realised: Decimal,
) -> None:
    cost = sum((one[1] for one in positions), D(0))
    paid_in = cash + cost - realised
    result = value_portfolio(
        cash=cash,
        paid_in=paid_in,
        realised=realised,
        held=[
            Held(coin=Coin(f"coin{n}", price, change), quantity=quantity, cost=paid)
            for n, (quantity, paid, price, change) in enumerate(positions)
        ],
        now=NOW,
    )
    assert result.value == paid_in + result.profit
    assert result.profit == result.unrealised + result.realised
    assert sum(one.value for one in result.holdings) + cash == result.value
    assert sum(one.value for one in result.allocation) == result.value
    assert len(result.allocation) <= 5
    if result.value:
        assert sum(one.share for one in result.allocation) == 100
