"""Numbers as they are written: any size, never a wrong sign, never an exception."""
# ruff: noqa: RUF001  (a real minus is what is tested)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptopulse import figures
from cryptopulse.notation import NOTATIONS, written_in

KORUNA = figures.currency("CZK", Decimal("20.5"))
YEN = figures.currency("JPY", Decimal("155.2"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("97412.2", "$97,412.20"),
        ("1", "$1.00"),
        ("0.7832", "$0.7832"),
        ("0.01234", "$0.01234"),
        ("2.3e-09", "$0.000000002300"),
        ("1e13", "$10,000,000,000,000.00"),
        ("123456789012345678901", "$123,456,789,012,345,678,901.00"),
        ("0", "$0.00"),
        ("-5", "−$5.00"),
        ("-0.00000000000000000000001", "$0.00000000000000000000"),
        ("0.99999", "$1.0000"),
    ],
)
def test_money_of_any_size(value: str, written: str) -> None:
    assert figures.money(Decimal(value)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("115860.354", "$115,860.35"),
        ("3435.11", "$3,435.11"),
        ("206.65", "$206.65"),
        ("24.5174", "$24.517"),
        ("2.8134", "$2.8134"),
        ("1.0003", "$1.0003"),
        ("1", "$1.0000"),
        ("0.99974", "$0.9997"),
        ("0.7832", "$0.7832"),
        ("2.3e-09", "$0.000000002300"),
        ("0", "$0.00"),
        ("1e13", "$10,000,000,000,000.00"),
    ],
)
def test_a_price_has_enough_digits_for_its_ticks_to_show(value: str, written: str) -> None:
    assert figures.price(Decimal(value)) == written


def test_a_price_in_a_currency_without_cents_shows_its_ticks_too() -> None:
    assert figures.price(Decimal("115860.35"), YEN) == "¥17,981,526"
    assert figures.price(Decimal(2), YEN) == "¥310.40"


@given(
    st.decimals(min_value="1e-10", max_value="1e7", places=14),
    st.decimals(min_value="0.0001", max_value="0.01", places=4),
)
def test_a_tick_of_a_hundredth_of_a_percent_can_be_seen(value: Decimal, moved: Decimal) -> None:
    least = 1 if value >= 1 else 10  # below 1 four digits count
    assert figures.price(value) != figures.price(value * (1 + moved * least))


def test_numbers_are_in_the_persons_notation() -> None:
    with written_in(NOTATIONS["point-comma"]):
        assert figures.money(Decimal("1234567.891")) == "$1.234.567,89"
        assert figures.price(Decimal("2.8134")) == "$2,8134"
        assert figures.compact(Decimal("1.93e12")) == "$1,93T"
        assert figures.quantity(Decimal("1234.5")) == "1.234,5"
        assert figures.percent(Decimal("2.31")) == "2,31%"
        assert figures.number(10000) == "10.000"
    with written_in(NOTATIONS["space-comma"]):
        assert figures.money(-1234) == "−$1\N{NARROW NO-BREAK SPACE}234,00"


def test_a_count_is_grouped_and_a_measure_has_its_decimals() -> None:
    assert figures.number(10000) == "10,000"
    assert figures.number(Decimal("61.25"), 1) == "61.3"
    assert figures.number(-3) == "−3"


def test_profit_has_its_sign() -> None:
    assert figures.money(Decimal("18204.11"), signed=True) == "+$18,204.11"
    assert figures.money(Decimal(-3), signed=True) == "−$3.00"
    assert figures.money(0, signed=True) == "$0.00"


def test_money_in_another_currency() -> None:
    assert figures.money(10, KORUNA) == "CZK\N{NO-BREAK SPACE}205.00"
    assert figures.money(1000, YEN) == "¥155,200"
    assert figures.money(Decimal("0.1"), YEN) == "¥15.52"


@pytest.mark.parametrize("nothing", [None, "", "abc", Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_number_is_a_dash(nothing: object) -> None:
    assert figures.money(nothing) == "—"  # type: ignore[arg-type]
    assert figures.compact(nothing) == "—"  # type: ignore[arg-type]
    assert figures.quantity(nothing) == "—"  # type: ignore[arg-type]
    assert figures.percent(nothing) == "—"  # type: ignore[arg-type]
    assert figures.direction(nothing) == "flat"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1930000000000", "$1.93T"),
        ("38400000000", "$38.40B"),
        ("620000000", "$620.00M"),
        ("12450", "$12.45K"),
        ("999.5", "$999.50"),
        ("999499", "$999.50K"),
        ("999999", "$1.00M"),
        ("-12450", "−$12.45K"),
    ],
)
def test_large_amounts_are_short(value: str, written: str) -> None:
    assert figures.compact(Decimal(value)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1234.50000000", "1,234.5"),
        ("0.00000001", "0.00000001"),
        ("1E+3", "1,000"),
        ("-0.5", "−0.5"),
    ],
)
def test_a_quantity_has_the_digits_that_it_has(value: str, written: str) -> None:
    assert figures.quantity(Decimal(value)) == written


@pytest.mark.parametrize(
    ("value", "direction"),
    [("2.31", "up"), ("-0.01", "down"), ("0.004", "flat"), ("-0.0049", "flat"), ("0", "flat")],
)
def test_direction_is_what_two_decimals_show(value: str, direction: str) -> None:
    assert figures.direction(Decimal(value)) == direction


@pytest.mark.parametrize(
    ("ago", "written"),
    [
        (timedelta(seconds=-3), "0 s ago"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(minutes=4, seconds=59), "4 min ago"),
        (timedelta(hours=25), "1 d ago"),
    ],
)
def test_an_age_counts_in_its_largest_unit(ago: timedelta, written: str) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert figures.age(now - ago, now=now).replace("\N{NO-BREAK SPACE}", " ") == written


def test_a_price_that_never_was_has_no_age() -> None:
    assert figures.age(None, now=datetime(2026, 11, 20, tzinfo=UTC)) == "never"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e18", max_value="1e18"))
def test_money_reads_back_as_what_it_was(value: Decimal) -> None:
    written = figures.money(value)
    read = Decimal(written.replace("$", "").replace(",", "").replace("−", "-"))
    # Half of the last digit shown: of a cent from 1 up, of four digits that count below.
    half = max(abs(value) * Decimal("0.0005"), Decimal("1e-20"))
    assert abs(read - value) <= (Decimal("0.005") if abs(value) >= 1 else half)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_no_decimal_is_too_odd_to_write(value: Decimal) -> None:
    for write in (
        figures.money,
        figures.price,
        figures.compact,
        figures.number,
        figures.quantity,
        figures.percent,
    ):
        assert write(value)
