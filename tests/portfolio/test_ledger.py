"""Trades as scenarios, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from portfolio.ledger import (
    NOTHING,
    Account,
    Fill,
    Position,
    Terms,
    execute,
)
from portfolio.order import make_order
from portfolio.refusals import TradeRejected

D = Decimal


def btc(price: str = "100000", *, fee: str = "0", step: str = "1e-8") -> Terms:
    return Terms(price=D(price), step=D(step), fee_rate=D(fee), symbol="btc")


def start(cash: str = "10000.00") -> Fill:
    """Return an empty portfolio, as the trade before the first would have left it."""
    return Fill(
        quantity=D(0),
        fee=D(0),
        amount=D(0),
        realised=D(0),
        account=Account(cash=D(cash), realised=D(0)),
        position=NOTHING,
    )


def trade(
    before: Fill,
    at: Terms,
    *,
    buy: str | None = None,
    sell: str | None = None,
    spend: str | None = None,
    bring: str | None = None,
    sell_all: bool = False,
) -> Fill:
    """Buy or sell a quantity, or spend or bring in an amount."""
    quantity, amount = buy or sell, spend or bring
    order = make_order(
        side="buy" if buy or spend else "sell",
        quantity=D(quantity) if quantity else None,
        amount=D(amount) if amount else None,
        sell_all=sell_all,
    )
    return execute(order=order, account=before.account, position=before.position, terms=at)


def test_buy_once() -> None:
    fill = trade(start(), btc(), buy="0.01")
    assert (fill.amount, fill.fee, fill.realised) == (D("1000.00"), D(0), D(0))
    assert fill.account.cash == D("9000.00")
    assert fill.position == Position(quantity=D("0.01"), cost=D("1000.00"))


def test_buy_for_all_the_cash() -> None:
    fill = trade(start(), btc("97412.2"), spend="10000")
    assert fill.quantity == D("0.10265654")  # 0.102656545... floored to the step
    assert fill.amount == D("10000.00")  # 9999.9994... rounded up
    assert fill.account.cash == D("0.00")


def test_buy_twice_then_sell_partly() -> None:
    first = trade(start(), btc("100000"), buy="0.02")  # costs 2,000
    second = trade(first, btc("50000"), buy="0.02")  # costs 1,000, average 75,000
    sold = trade(second, btc("80000"), sell="0.01")
    assert sold.amount == D("800.00")
    assert sold.realised == D("50.00")  # a quarter of 3,000 went with it
    assert sold.position == Position(quantity=D("0.03"), cost=D("2250.00"))
    assert sold.account.cash == D("7800.00")


def test_sell_all_then_buy_again_starts_with_a_clean_cost() -> None:
    held = trade(start(), btc("100000"), buy="0.03333333")
    sold = trade(held, btc("120000"), sell_all=True)
    assert sold.position == NOTHING
    assert sold.realised == sold.account.cash - D("10000.00") == D("666.65")
    again = trade(sold, btc("60000"), buy="0.01")
    assert again.position == Position(quantity=D("0.01"), cost=D("600.00"))
    assert again.account.realised == D("666.65")


def test_sell_in_thirds_leaves_no_residue() -> None:
    held = trade(start(), btc("100000"), buy="0.00000003")  # costs 0.003, a cent
    assert held.position.cost == D("0.01")
    one = trade(held, btc("1000000"), sell="0.00000001")
    two = trade(one, btc("1000000"), sell="0.00000001")
    three = trade(two, btc("1000000"), sell="0.00000001")
    assert three.position == NOTHING
    assert three.account.realised == D("0.02")
    assert three.account.cash == D("10000.02")


def test_a_sale_takes_its_share_of_the_cost_to_the_nearest_cent() -> None:
    held = trade(start(), btc("100", step="0.01"), buy="3")
    parts = [trade(held, btc("100", step="0.01"), sell=part) for part in ("1.01", "2.99")]
    assert [part.realised for part in parts] == [D("0.00"), D("0.00")]
    uneven = replace(held, position=Position(quantity=D(3), cost=D("100.00")))
    assert trade(uneven, btc("100"), sell="2").position.cost == D("33.33")  # 66.67 went
    assert trade(uneven, btc("100"), sell="1").position.cost == D("66.67")  # 33.33 went


def test_sell_at_a_loss() -> None:
    held = trade(start(), btc("100000"), buy="0.05")
    sold = trade(held, btc("40000"), sell_all=True)
    assert sold.realised == D("-3000.00")
    assert sold.account.cash == D("7000.00")


def test_a_coin_that_has_become_worthless_can_still_be_closed() -> None:
    held = trade(start(), btc("100000"), buy="0.00000001")
    sold = trade(held, btc("0.0001"), sell_all=True)
    assert (sold.amount, sold.realised, sold.position) == (D(0), D("-0.01"), NOTHING)


def test_fees_are_rounded_up_and_belong_to_the_cost() -> None:
    bought = trade(start(), btc("100000", fee="0.0025"), buy="0.00333333")
    assert bought.fee == D("0.84")  # 333.34 * 0.0025 = 0.83335
    assert bought.amount == bought.position.cost == D("334.18")  # 333.333 up, and the fee
    sold = trade(bought, btc("100000", fee="0.0025"), sell_all=True)
    assert sold.fee == D("0.84")
    assert sold.amount == D("332.49")  # 333.333 down, less the fee
    assert sold.realised == D("-1.69")


def test_spend_an_amount_with_a_fee_in_it() -> None:
    fill = trade(start(), btc("100000", fee="0.01"), spend="101")
    assert (fill.quantity, fill.fee, fill.amount) == (D("0.001"), D("1.00"), D("101.00"))


def test_bring_an_amount_to_the_cent() -> None:
    held = trade(start(), btc("97412.2"), buy="0.1")
    sold = trade(held, btc("97412.2"), bring="500")
    assert sold.amount == D("500.00")
    assert sold.quantity == D("0.00513283")  # the smallest that brings it


def test_bring_exactly_what_everything_brings_leaves_no_dust() -> None:
    held = trade(start(), btc("97412.2"), buy="0.10000001")
    sold = trade(held, btc("97412.2"), bring="9741.22")
    assert sold.position == NOTHING


def test_a_coin_too_cheap_to_imagine() -> None:
    pepe = Terms(price=D("2.264e-09"), step=D(1), symbol="pepe")
    fill = trade(start(), pepe, spend="10000")
    assert fill.quantity == D("4416961130742")
    assert fill.amount == D("10000.00")


def test_whole_coins_only() -> None:
    stock = Terms(price=D("181.50"), step=D(1), symbol="acme")
    fill = trade(start("1000.00"), stock, spend="1000")
    assert (fill.quantity, fill.amount) == (D(5), D("907.50"))


REFUSED = [
    ({"buy": "0.11"}, "too_little_cash", "0.11 BTC costs $11,000.00; you have $10,000.00."),
    (
        {"spend": "10000.01"},
        "too_little_cash",
        "You have $10,000.00, which is less than $10,000.01.",
    ),
    ({"sell": "0.01"}, "too_little_held", "You hold no BTC to sell."),
    ({"sell_all": True}, "too_little_held", "You hold no BTC to sell."),
    (
        {"buy": "0.000000001"},
        "below_smallest_step",
        "BTC is traded in steps of 0.00000001 BTC; 0.000000001 BTC does not fit them.",
    ),
    ({"spend": "0.009"}, "below_smallest_amount", "The smallest amount is $0.01."),
    (
        {"spend": "1.005"},
        "too_many_digits",
        "Amounts go down to the cent: give at most two decimals.",
    ),
    ({"buy": "0"}, "not_positive", "The quantity must be above zero."),
    ({"spend": "-5"}, "not_positive", "The amount must be above zero."),
    ({"spend": "NaN"}, "not_a_number", "The amount is not a number."),
    ({"buy": "Infinity"}, "not_a_number", "The quantity is not a number."),
    ({"buy": "1e999999"}, "too_large", "That quantity is too large."),
    ({"buy": "1e-999999"}, "too_many_digits", "That quantity has too many digits."),
    (
        {"buy": "10000000"},
        "too_large",
        "A portfolio can hold at most 9,999,999.99999999 BTC.",
    ),
    (
        {"buy": "1", "spend": "1"},
        "amount_and_quantity",
        "Give either an amount or a quantity, not both.",
    ),
    ({}, "amount_or_quantity", "Say how much: an amount or a quantity."),
]


@pytest.mark.parametrize(("wanted", "code", "sentence"), REFUSED)
def test_a_refusal_says_why(wanted: dict[str, str], code: str, sentence: str) -> None:
    with pytest.raises(TradeRejected) as refused:
        trade(start(), btc(), **wanted)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.sentence) == (code, sentence)


def test_selling_more_than_held_says_how_much_there_is() -> None:
    held = trade(start(), btc(), buy="0.025")
    with pytest.raises(TradeRejected, match=r"^You hold 0\.025 BTC, which is less than 1 BTC\.$"):
        trade(held, btc(), sell="1")


def test_selling_for_more_than_everything_brings_says_what_it_brings() -> None:
    held = trade(start(), btc(), buy="0.025")
    with pytest.raises(TradeRejected, match=r"brings \$2,500\.00, which is less than \$3,000\.00"):
        trade(held, btc(), bring="3000")


def test_a_part_that_brings_less_than_a_cent_is_refused() -> None:
    held = trade(start(), btc(), buy="0.025")
    with pytest.raises(TradeRejected) as refused:
        trade(held, btc("100"), sell="0.00000001")
    assert refused.value.code == "below_smallest_amount"


def test_an_amount_that_buys_nothing_says_what_the_smallest_costs() -> None:
    with pytest.raises(
        TradeRejected,
        match=r"^\$50\.00 is not enough for the smallest quantity: 1 BTC costs \$100\.00\.$",
    ):
        trade(start(), btc("100", step="1"), spend="50")


def test_equal_orders_are_spelled_alike() -> None:
    spellings = {make_order(side="buy", amount=D(text)).asked for text in ("100", "100.00", "1e2")}
    assert spellings == {"amount 100"}
    assert make_order(side="sell", quantity=D("0.50")).asked == "quantity 0.5"
    assert make_order(side="sell", sell_all=True).asked == "all"


def test_only_a_sale_can_be_of_everything() -> None:
    with pytest.raises(TradeRejected, match="Only a sale"):
        make_order(side="buy", sell_all=True)


def test_there_are_two_sides() -> None:
    with pytest.raises(TradeRejected, match="Choose buy or sell"):
        make_order(side="hold", amount=D(1))
