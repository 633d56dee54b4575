"""Numbers are read exactly as they are written, or refused."""

# ruff: noqa: PT017 (whether a trade is refused depends on the numbers that hypothesis chose)

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.numbers import coins, dollars, parse_decimal, plain, price, signed_dollars
from portfolio.refusals import TradeRejected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100", "100"),
        (" 0.1 ", "0.1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1,234.50", "1234.50"),
        ("12,345,678", "12345678"),
        ("1e-8", "0.00000001"),
        ("2E3", "2000"),
        ("-5", "-5"),
        ("\N{MINUS SIGN}5", "-5"),
        ("+5", "5"),
    ],
)
def test_a_number_is_read_exactly(text: str, number: str) -> None:
    assert parse_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "NaN",
        "inf",
        "Infinity",
        "1e",
        "1e99999",
        "0x10",
        "1_000",
        "1 000",
        "٣",
        "½",
        "1,2",
        "0,5",
        "1,00,000",
        "1.2.3",
        "--1",
        "$5",
        "1\x00",
        "\ud800",
    ],
)
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(TradeRejected) as refused:
        parse_decimal(text)
    assert refused.value.code == "not_a_number"
    refused.value.sentence.encode()  # can be sent


def test_a_decimal_comma_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(TradeRejected, match=r"^Write the decimals with a point: 0\.5\.$"):
        parse_decimal("0,5")


def test_nothing_is_not_a_number() -> None:
    with pytest.raises(TradeRejected) as refused:
        parse_decimal("  ")
    assert refused.value.code == "number_missing"


def test_a_number_that_goes_on_for_ever_is_refused() -> None:
    with pytest.raises(TradeRejected) as refused:
        parse_decimal("9" * 5000)
    assert refused.value.code == "too_many_digits"


@given(st.text(max_size=80))
def test_any_text_is_a_finite_number_or_refused(text: str) -> None:
    try:
        assert parse_decimal(text).is_finite()
    except TradeRejected as refusal:
        assert refusal.sentence.endswith(".")


@given(st.decimals(min_value=Decimal("-1e14"), max_value=Decimal("1e14"), places=8))
def test_what_is_written_plainly_reads_back(number: Decimal) -> None:
    assert parse_decimal(plain(number)) == number


def test_people_read_separators_and_no_needless_zeros() -> None:
    assert coins(Decimal("1234.50000000"), "btc") == "1,234.5 BTC"
    assert coins(Decimal("1E+3"), "shib") == "1,000 SHIB"
    assert plain(Decimal("1.000E-8")) == "0.00000001"
    assert dollars(Decimal("1234.5")) == "$1,234.50"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("3478.818000000000000000", "$3,478.818"),
        ("97412.2", "$97,412.20"),
        ("0.5", "$0.50"),
        ("0.00000000231", "$0.00000000231"),
        ("123456789012.345", "$123,456,789,012.345"),
        ("1E+5", "$100,000.00"),
    ],
)
def test_the_price_of_a_trade_keeps_all_its_digits(value: str, written: str) -> None:
    assert price(Decimal(value)) == written


def test_a_profit_has_its_sign_and_nothing_has_none() -> None:
    assert signed_dollars(Decimal("58.19")) == "+$58.19"
    assert signed_dollars(Decimal("-58.19")) == "\N{MINUS SIGN}$58.19"
    assert signed_dollars(Decimal("0.00")) == "$0.00"
