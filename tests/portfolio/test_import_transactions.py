"""Importing a list of trades: what is read, what is refused, and that it is all or nothing."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from cryptopulse import notation
from cryptopulse.atomic import run_atomic
from market.models import Coin
from portfolio import services as portfolio
from portfolio.ledger import NOTHING, Account, Position, Terms, execute
from portfolio.models import EquityPoint, Holding, Portfolio, State, Transaction
from portfolio.order import make_order
from portfolio.refusals import TradeRejected
from portfolio.services import StatementRejected, importing
from portfolio.statement import HEADER, read_statement, replay
from tests.conftest import NOW

D = Decimal
HEAD = "executed_at,side,coin,quantity,price,fee,amount\n"
PAST = HEAD + (
    "2026-10-01T10:00:00Z,buy,bitcoin,0.05,80000,0,4000.00\n"
    "2026-10-02T10:00:00Z,buy,ethereum,1,3000,,\n"
    "2026-10-03T10:00:00Z,sell,BTC,0.02,90000.5,1.50,1798.51\n"
)


def imported(user: User, text: str = PAST, **extra: Any) -> Portfolio:
    wanted: dict[str, Any] = {"name": "Past", "start_balance": D(10000), "now": NOW} | extra
    return portfolio.import_transactions(user=user, text=text, **wanted)


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(StatementRejected) as refused:
        replay(
            read_statement(text, now=NOW),
            known={"bitcoin": ("bitcoin", "btc"), "btc": ("bitcoin", "btc")},
            start_balance=D(10000),
            fee_rate=D(0),
        )
    return [(one.line, one.sentence) for one in refused.value.problems]


@pytest.mark.django_db
def test_trades_become_a_portfolio_of_their_own(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    own = imported(alice)
    assert (own.name, own.paid_in, own.cash) == ("Past", D(10000), D("4798.51"))
    assert own.realised_profit == D("198.51")
    held = {one.coin_id: (one.quantity, one.cost) for one in own.holdings.all()}
    assert held == {"bitcoin": (D("0.03"), D("2400.00")), "ethereum": (D(1), D("3000.00"))}
    assert [one.name for one in portfolio.portfolios(user=alice)] == ["Main", "Past"]
    trades = portfolio.own_transactions(user=alice, portfolio=own).rows
    assert next((one.side, one.price_source) for one in trades) == ("sell", "import")
    cost = sum(cost for _, cost in held.values())
    assert own.cash + cost - own.realised_profit == own.paid_in


@pytest.mark.django_db
def test_its_past_is_valued_at_once(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    own = imported(alice)
    values = EquityPoint.objects.filter(portfolio=own, span="1d").order_by("at")
    first = values.first()
    assert first
    assert own.started_at
    assert first.value == D("10000.00")
    assert values.count() == (NOW.date() - own.started_at.date()).days


@pytest.mark.django_db
def test_the_same_file_twice_is_one_portfolio(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    first = imported(alice)
    assert imported(alice) == first
    assert Transaction.objects.count() == 3
    assert imported(alice, name="Another").pk != first.pk


@pytest.mark.django_db
def test_one_that_was_begun_anew_is_not_taken_for_the_file(
    alice: User, bitcoin: Coin, ethereum: Coin
) -> None:
    first = imported(alice)
    portfolio.reset_portfolio(user=alice, portfolio_id=first.pk, name="Past", now=NOW)
    with pytest.raises(TradeRejected) as refused:
        imported(alice)
    assert refused.value.code == "name_taken"
    portfolio.rename(user=alice, portfolio_id=first.pk, name="Empty")
    again = imported(alice)
    assert (again.pk != first.pk, again.holdings.count(), again.cash) == (True, 2, D("4798.51"))
    assert imported(alice) == again


@pytest.mark.django_db
def test_a_removed_one_can_be_imported_again(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    first = imported(alice)
    portfolio.archive_portfolio(user=alice, portfolio_id=first.pk, name="Past")
    assert imported(alice).pk != first.pk


@pytest.mark.django_db
def test_a_refused_file_leaves_nothing(alice: User, bitcoin: Coin) -> None:
    with pytest.raises(StatementRejected):
        imported(alice, PAST)  # ethereum is unknown
    assert not Transaction.objects.exists()
    assert [one.name for one in portfolio.portfolios(user=alice)] == ["Main"]


@pytest.mark.django_db
@pytest.mark.parametrize("written", [0, 1, 2])
def test_an_import_that_was_cut_off_is_not_seen_and_goes_on(
    written: int, alice: User, bitcoin: Coin, ethereum: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def cut_off(operation: Any) -> Any:
        calls.append(operation)
        if len(calls) > written + 1:
            raise RuntimeError("the power went out")
        return run_atomic(operation)

    monkeypatch.setattr(importing, "run_atomic", cut_off)
    with pytest.raises(RuntimeError):
        imported(alice)
    monkeypatch.setattr(importing, "run_atomic", run_atomic)
    assert [one.name for one in portfolio.portfolios(user=alice)] == ["Main"]
    assert not portfolio.own_transactions(user=alice).rows
    with pytest.raises(TradeRejected):
        portfolio.place_order(
            user=alice, side="buy", coin_id="bitcoin", amount=D(1), client_order_id="1", now=NOW,
            portfolio_id=Portfolio.objects.get(state=State.IMPORTING).pk,
        )  # fmt: skip
    own = imported(alice)
    assert (own.state, own.cash, own.holdings.count()) == (State.OPEN, D("4798.51"), 2)
    assert Transaction.objects.count() == 3


@pytest.mark.django_db
def test_what_nobody_goes_on_with_is_removed(
    alice: User, bitcoin: Coin, ethereum: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_finish", None)
    with pytest.raises(TypeError):
        imported(alice)
    Portfolio.objects.filter(state=State.IMPORTING).update(created_at=NOW)
    portfolio.finish_interrupted(now=NOW + timedelta(minutes=59))
    assert Portfolio.objects.filter(state=State.IMPORTING).count() == 1
    portfolio.finish_interrupted(now=NOW + timedelta(hours=2))
    assert not Transaction.objects.exists()
    assert not Holding.objects.exists()
    assert not Portfolio.objects.filter(name="Past").exists()


@pytest.mark.django_db
def test_an_import_that_goes_on_late_undoes_no_trade(
    alice: User, bitcoin: Coin, ethereum: Coin
) -> None:
    own = imported(alice)
    portfolio.place_order(
        user=alice, side="sell", coin_id="bitcoin", sell_all=True, client_order_id="1", now=NOW,
        portfolio_id=own.pk,
    )  # fmt: skip
    stale = Holding(id=Holding.key(own.pk, "bitcoin"), portfolio=own, coin_id="bitcoin",
                    quantity=D(1), cost=D(1))  # fmt: skip
    importing._write(own, Holding.objects, [stale])
    assert [one.coin_id for one in own.holdings.all()] == ["ethereum"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("soon,buy,bitcoin,1,1,,", "The moment is written like 2026-11-20T14:30:00Z."),
        ("2027-01-01,buy,bitcoin,1,1,,", "It lies in the future."),
        ("2008-01-01,buy,bitcoin,1,1,,", "It lies before the first Bitcoin."),
        ("2026-10-01,hold,bitcoin,1,1,,", "Choose buy or sell."),
        ("2026-10-01,buy,bitcoin,,1,,", "The quantity is missing."),
        ("2026-10-01,buy,bitcoin,-1,1,,", "The quantity must be above zero."),
        ("2026-10-01,buy,bitcoin,1,0,,", "The price must be above zero."),
        ("2026-10-01,buy,bitcoin,0.000000001,1,,", "That quantity has too many digits."),
        ("2026-10-01,buy,bitcoin,1e400,1,,", "That quantity is too large."),
        ("2026-10-01,buy,bitcoin,1,1,-1,", "The fee must not be below zero."),
        ("2026-10-01,buy,,1,1,,", "It names no coin."),
        ("2026-10-01,buy,doge,1,1,,",
         "There is no coin called doge here. Use its id, such as bitcoin."),
        ("2026-10-01,buy,bitcoin,1,20000,,", "1 BTC costs $20,000.00; you have $9,999.99."),
        ("2026-10-01,sell,bitcoin,1,1,,", "You hold no BTC to sell."),
        ("2026-10-01,buy,bitcoin,1,100,1,100",
         ("1 BTC at this price and fee comes to $101.00, not $100.00. Without an amount it is "
          "worked out.")),
        ('2026-10-01,buy,"bitcoin,1,1,,', "This line is not CSV: a quote is not closed."),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_number(line: str, sentence: str) -> None:
    good = "2026-09-01,buy,bitcoin,0.001,1,,\n2026-09-02,sell,bitcoin,0.001,9,,\n"
    assert problems(f"{HEAD}{good}{line}\n") == [(4, sentence)]


def test_all_bad_lines_are_named_at_once() -> None:
    text = f"{HEAD}soon,buy,bitcoin,1,1,,\n2026-10-01,buy,bitcoin,1,1,,\n2026-10-01,up,x,1,1,,\n"
    assert [line for line, _ in problems(text)] == [2, 4]


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("a,b\n1,2\n", 1), (HEAD, 0), ("x" * 1_000_001, 0), (HEAD + "\n" * 9, 0)],
)
def test_a_file_that_is_no_list_of_trades_is_refused(text: str, line: int) -> None:
    assert [number for number, _ in problems(text)] == [line]


@pytest.mark.parametrize("column", ["price", "fee", " Quantity "])
def test_a_column_that_is_there_twice_is_refused(column: str) -> None:
    head = f"executed_at,side,coin,quantity,price,fee,{column}\n"
    text = head + "2026-10-01T10:00:00Z,buy,bitcoin,1,2,3,4\n"
    name = column.strip().lower()
    assert problems(text) == [(1, f"The first line names {name} more than once.")]


@pytest.mark.parametrize("text", ["0.1" + "0" * 40 + "1", "1." + "0" * 30 + "4"])
def test_no_digit_is_dropped(text: str) -> None:
    line = f"2026-10-01T10:00:00Z,buy,bitcoin,{text},1,,\n"
    assert problems(HEAD + line) == [(2, "That quantity has too many digits.")]


def test_too_many_lines_are_refused_before_any_is_read() -> None:
    assert "too many lines" in problems(HEAD + "bad\n" * 5001)[0][1]


def test_the_newest_first_or_last_is_the_same() -> None:
    lines = ["2026-10-01,buy,bitcoin,1,1,,", "2026-10-01,sell,bitcoin,1,1,,",
             "2026-10-02,buy,bitcoin,2,1,,"]  # fmt: skip
    forwards = read_statement(HEAD + "\n".join(lines), now=NOW)
    backwards = read_statement(HEAD + "\n".join(reversed(lines)), now=NOW)
    assert [one.order for one in forwards] == [one.order for one in backwards]
    assert forwards[0].at < forwards[1].at < forwards[2].at


def test_a_quote_that_keeps_a_spreadsheet_calm_is_not_part_of_the_text() -> None:
    entry = read_statement(HEAD + "2026-10-01,'buy,'bitcoin,1,1,,\n", now=NOW)[0]
    assert (entry.order.side, entry.coin) == ("buy", "bitcoin")


prices = st.integers(1, 10**12).map(lambda nanos: D(nanos).scaleb(-6))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_was_traded_exported_and_read_back_leaves_the_same_to_the_cent(
    data: st.DataObject,
) -> None:
    account = Account(cash=D("10000.00"), realised=D(0))
    held: dict[str, Position] = {}
    rows: list[list[str]] = []
    for number in range(data.draw(st.integers(1, 15))):
        coin, side = (
            data.draw(st.sampled_from(["bitcoin", "penny"])),
            data.draw(st.sampled_from(["buy", "sell"])),
        )
        at = Terms(price=data.draw(prices), step=D("1e-8"), fee_rate=D("0.0025"), symbol=coin)
        position = held.get(coin, NOTHING)
        try:
            fill = execute(order=make_order(side=side, amount=D(data.draw(st.integers(1, 4000)))),
                           account=account, position=position, terms=at)  # fmt: skip
        except TradeRejected:
            continue
        account, held[coin] = fill.account, fill.position
        moment = (NOW - timedelta(days=30) + timedelta(seconds=number)).isoformat()
        row = {"executed_at": moment, "side": side, "coin": coin, "quantity": fill.quantity,
               "price": at.price, "amount": fill.amount, "fee": fill.fee}  # fmt: skip
        rows.append([str(row.get(name, "")) for name in HEADER])
    if not rows:
        return
    out = io.StringIO()
    csv.writer(out).writerows([list(HEADER), *reversed(rows)])
    done = replay(
        read_statement(out.getvalue(), now=NOW),
        known={coin: (coin, coin) for coin in ("bitcoin", "penny")},
        start_balance=D("10000.00"),
        fee_rate=D("0.5"),  # what is written counts, not the rate of today
    )
    assert done.account == account
    assert done.positions == {coin: left for coin, left in held.items() if left != NOTHING}


def test_what_is_wrong_with_a_line_is_said_in_german_too() -> None:
    with translation.override("de"), notation.written_in(notation.NOTATIONS["point-comma"]):
        said = "0,05 BTC zu diesem Kurs und dieser Gebühr ergeben $4.000,00, nicht $1,00."
        assert problems(HEAD + "2026-10-01,buy,bitcoin,0.05,80000,0,1\n") == [
            (2, f"{said} Ohne Betrag wird er ausgerechnet.")
        ]
        with pytest.raises(StatementRejected, match=r"Zeile 2: Die Angabe price fehlt\."):
            read_statement(HEAD + "2026-10-01,buy,bitcoin,1,,,\n", now=NOW)
        with pytest.raises(StatementRejected, match=r"höchstens 1\.000\.000 Zeichen"):
            read_statement("x" * 1_000_001, now=NOW)
