"""Filters and order of coins by their figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.measures import Figures
from market.screening import ABOVE, BELOW, BOUNDED, VALUES, Criteria, Row, screen, sort_rows


def coin(name: str = "a", **extra: Any) -> Any:
    known: dict[str, Any] = {
        "id": name, "name": name, "rank": 1, "category": "", "last_price": Decimal(100),
        "market_cap": Decimal(1000), "volume_24h": Decimal(50), "change_24h": Decimal(2),
        "change_7d": None,
    }  # fmt: skip
    return SimpleNamespace(**(known | extra))


def figures(**extra: Any) -> Figures:
    known: dict[str, Any] = {"last": date(2026, 11, 19), "known": 300, "run": 300, "close": 99.0}
    return Figures(**(known | extra))


def test_a_change_over_days_ends_at_the_price_of_now() -> None:
    row = Row(coin(), figures(ago={30: 80.0}, averages={50: 125.0}, high=200.0))
    assert row.change_30d == pytest.approx(25)
    assert row.above_50 == pytest.approx(-20)
    assert row.above_200 is None
    assert row.below_high == pytest.approx(50)


def test_a_price_above_its_highest_close_is_not_below_it() -> None:
    assert Row(coin(), figures(high=90.0)).below_high == 0


def test_volume_is_read_against_its_average_and_the_capitalisation() -> None:
    row = Row(coin(), figures(volume=30.0, volume_mean=20.0))
    assert row.volume_ratio == 1.5
    assert row.turnover == 5
    assert Row(coin(market_cap=None), figures(volume=30.0)).turnover is None
    assert Row(coin(), figures(volume=30.0)).volume_ratio is None


@pytest.mark.parametrize(("price", "place"), [(80, 0), (100, 50), (130, 125)])
def test_a_price_has_its_place_between_the_bands(price: int, place: float) -> None:
    row = Row(coin(last_price=Decimal(price)), figures(band_lower=80.0, band_upper=120.0))
    assert row.band_place == pytest.approx(place)


@pytest.mark.parametrize("key", [*VALUES])
def test_a_coin_without_price_or_days_has_no_figure_and_no_error(key: str) -> None:
    empty = coin(rank=None, last_price=None, market_cap=None, volume_24h=None, change_24h=None)
    assert VALUES[key](Row(empty, None)) is None
    assert sort_rows([Row(empty, None)], key) == [Row(empty, None)]


def test_bounds_belong_to_what_they_hold() -> None:
    row = Row(coin(), figures())
    for low, high, meets in ((100, 100, True), (None, 99, False), (101, None, False)):
        ends = [None if end is None else Decimal(end) for end in (low, high)]
        bounds = {"price": (ends[0], ends[1])}
        assert Criteria(bounds=bounds).is_met_by(row) is meets


def test_what_is_unknown_meets_no_bound_on_it() -> None:
    row = Row(coin(), None)
    assert not Criteria(bounds={"rsi": (Decimal(0), None)}).is_met_by(row)
    assert not Criteria(sides={50: ABOVE}).is_met_by(row)
    assert not Criteria(sides={50: BELOW}).is_met_by(row)
    assert Criteria().is_met_by(row)


def test_category_and_side_of_the_average() -> None:
    row = Row(coin(category="Layer 1"), figures(averages={50: 90.0, 200: 110.0}))
    assert Criteria(category="Layer 1", sides={50: ABOVE, 200: BELOW}).is_met_by(row)
    assert not Criteria(category="Meme").is_met_by(row)
    assert not Criteria(sides={200: ABOVE}).is_met_by(row)


def test_rows_without_the_value_come_last_whichever_way() -> None:
    rows = [Row(coin("x", rank=None), None), Row(coin("y", rank=2), None), Row(coin("z"), None)]
    assert [row.coin.id for row in sort_rows(rows, "rank")] == ["z", "y", "x"]
    assert [row.coin.id for row in sort_rows(rows, "-rank")] == ["y", "z", "x"]
    assert [row.coin.id for row in sort_rows(rows, "-name")] == ["z", "y", "x"]


amounts = st.none() | st.decimals("-100", "100", places=2)


@given(st.sampled_from(BOUNDED), amounts, amounts, st.lists(amounts, max_size=8))
def test_what_is_found_meets_every_bound_and_what_is_not_does_not(
    key: str, low: Decimal | None, high: Decimal | None, values: list[Decimal | None]
) -> None:
    rows = [Row(coin(str(n), change_24h=value), None) for n, value in enumerate(values)]
    found = screen(rows, Criteria(bounds={"change_24h": (low, high)}))
    for row in rows:
        value = row.coin.change_24h
        inside = (
            value is not None and (low is None or low <= value) and (high is None or value <= high)
        )
        assert (row in found) == inside
