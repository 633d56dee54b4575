"""A list of trades as a CSV file: what our export writes, and what an import reads. Pure.

A line needs a moment (ISO 8601; UTC where it names no zone), a side, a coin, a quantity and a
price in US dollars. A fee that is not given is worked out at the rate of today; an amount that is
given must be what quantity, price and fee come to. Other columns are passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

from cryptopulse import notation
from cryptopulse.words import gettext as _

from .ledger import NOTHING, Account, Fill, Position, book_again, fee_of, gross_of
from .numbers import EXACT, coins, dollars, parse_plain
from .order import CENT, DIGITS, Order, make_order
from .refusals import TradeRejected

MOST_LINES = 5_000
MOST_CHARACTERS = 1_000_000
HEADER = (
    "executed_at",
    "side",
    "coin",
    "symbol",
    "quantity",
    "price",
    "amount",
    "fee",
    "realised_profit",
    "currency",
    "exchange_rate",
    "price_source",
    "portfolio",
)
NEEDED = ("executed_at", "side", "coin", "quantity", "price")
READ = (*NEEDED, "fee", "amount")
_EARLIEST = datetime(2009, 1, 3, tzinfo=UTC)  # Bitcoin's first block
_SMALLEST_PLACES, _PRICE_PLACES = 8, 18
_MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line; line 0 is the file as a whole."""

    line: int
    sentence: str


class StatementRejected(TradeRejected):
    """A file that cannot be imported, with what is wrong line by line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        said = first.sentence
        if first.line:
            said = _("Line %(line)s: %(sentence)s") % {"line": first.line, "sentence": said}
        super().__init__(said, "bad_statement")
        self.problems = list(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trade as it was read."""

    line: int
    at: datetime
    coin: str  # as it is written: an id, or a symbol
    order: Order  # a side and a quantity
    price: Decimal
    fee: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One trade as it was booked."""

    entry: Entry
    coin_id: str
    fill: Fill


@dataclass(slots=True, kw_only=True)
class Replay:
    """All trades booked one after the other, and what they leave."""

    account: Account
    positions: dict[str, Position] = field(default_factory=dict)
    booked: list[Booked] = field(default_factory=list)


def read_statement(text: str, *, now: datetime) -> list[Entry]:
    """Read a file's trades in the order of time. Raises StatementRejected."""
    if len(text) > MOST_CHARACTERS:
        most = _count(MOST_CHARACTERS)
        raise _refusal(0, _("The file is too long: at most %(most)s characters.") % {"most": most})
    rows = list(islice(_rows(text), MOST_LINES + 1))
    if len(rows) > MOST_LINES:
        most = _count(MOST_LINES)
        raise _refusal(
            0, _("The file has too many lines: at most %(most)s trades.") % {"most": most}
        )
    if not rows:
        raise _refusal(0, _("The file has no trades."))
    entries, problems = [], []
    for line, row in rows:
        try:
            entries.append(_entry(line, row, now=now))
        except TradeRejected as refusal:
            problems.append(Problem(line, refusal.sentence))
    if problems:
        raise StatementRejected(problems[:_MOST_PROBLEMS])
    return in_order(entries)


def count_trades(text: str) -> int:
    """Return how many trades a file has that `read_statement` reads: empty lines are none."""
    return sum(1 for _row in _rows(text))


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Sort by time; what happened at one moment stays in the order of the file.

    A file that lists the newest first is read from its end. Each trade gets a moment of its own,
    so that whoever reads them back finds this order.
    """
    listed = list(entries)
    if listed and listed[0].at > listed[-1].at:
        listed.reverse()
    ordered: list[Entry] = []
    for entry in sorted(listed, key=lambda one: one.at):
        after = ordered[-1].at + timedelta(microseconds=1) if ordered else entry.at
        ordered.append(replace(entry, at=max(entry.at, after)))
    return ordered


def replay(
    entries: Iterable[Entry],
    *,
    known: Mapping[str, tuple[str, str]],
    start_balance: Decimal,
    fee_rate: Decimal,
) -> Replay:
    """Book trades by the ledger's rules. `known`: coin as written -> its id and its symbol.

    Raises StatementRejected: unknown coins, each of them; then the first trade that cannot have
    been, because what follows it rests on it.
    """
    entries = list(entries)
    strange = [
        Problem(
            one.line,
            _("There is no coin called %(coin)s here. Use its id, such as bitcoin.")
            % {"coin": one.coin},
        )
        for one in entries
        if one.coin not in known
    ]
    if strange:
        raise StatementRejected(sorted(strange, key=lambda one: one.line)[:_MOST_PROBLEMS])
    done = Replay(account=Account(cash=start_balance, realised=Decimal(0)))
    for entry in entries:
        coin_id, symbol = known[entry.coin]
        try:
            fill = _book(entry, done, coin_id, symbol, fee_rate)
        except TradeRejected as refusal:
            raise _refusal(entry.line, refusal.sentence) from refusal
        done.account = fill.account
        done.positions[coin_id] = fill.position
        if fill.position == NOTHING:
            del done.positions[coin_id]
        done.booked.append(Booked(entry=entry, coin_id=coin_id, fill=fill))
    return done


def _book(entry: Entry, done: Replay, coin_id: str, symbol: str, fee_rate: Decimal) -> Fill:
    gross = gross_of(entry.order, entry.price)
    fill = book_again(
        order=entry.order,
        price=entry.price,
        fee=fee_of(gross, fee_rate) if entry.fee is None else entry.fee,
        account=done.account,
        position=done.positions.get(coin_id, NOTHING),
        symbol=symbol,
    )
    if entry.amount is not None and entry.amount != fill.amount:
        raise TradeRejected(
            _(
                "%(quantity)s at this price and fee comes to %(amount)s, not %(given)s. Without an"
                " amount it is worked out."
            )
            % {
                "quantity": coins(fill.quantity, symbol),
                "amount": dollars(fill.amount),
                "given": dollars(entry.amount),
            },
            "wrong_amount",
        )
    return fill


def _rows(text: str) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield each line's number and its fields by the names in the first line."""
    lines = csv.reader(io.StringIO(text.lstrip("\N{BYTE ORDER MARK}"), newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        if missing := [name for name in NEEDED if name not in names]:
            raise _refusal(
                1,
                _("The first line names the columns; %(missing)s is not among them.")
                % {"missing": ", ".join(missing)},
            )
        if twice := [name for name in READ if names.count(name) > 1]:
            raise _refusal(
                1,
                _("The first line names %(columns)s more than once.")
                % {"columns": ", ".join(twice)},
            )
        for fields in lines:
            if any(value.strip() for value in fields):
                yield lines.line_num, dict(zip(names, map(_plain_text, fields), strict=False))
    except csv.Error as error:
        sentence = _("This line is not CSV: a quote is not closed.")
        raise _refusal(lines.line_num, sentence) from error


def _plain_text(value: str) -> str:
    """Return a field without the quote that keeps spreadsheets from running it."""
    text = value.strip()
    return text[1:] if text[:1] == "'" else text


def _entry(line: int, row: Mapping[str, str], *, now: datetime) -> Entry:
    quantity = _number(row, "quantity", places=_SMALLEST_PLACES)
    price = _number(row, "price", places=_PRICE_PLACES)
    coin = row.get("coin", "")
    if not coin or not coin.isprintable():
        raise TradeRejected(_("It names no coin."), "unknown_coin")
    if price <= 0:
        raise TradeRejected(_("The price must be above zero."), "not_positive")
    return Entry(
        line=line,
        at=_moment(row.get("executed_at", ""), now=now),
        coin=coin.lower()[:128],
        order=make_order(side=row.get("side", "").lower(), quantity=quantity),
        price=price,
        fee=_cash(row, "fee"),
        amount=_cash(row, "amount"),
    )


def _number(row: Mapping[str, str], name: str, *, places: int) -> Decimal:
    text = row.get(name, "")
    if not text:
        raise TradeRejected(_("The %(column)s is missing.") % {"column": name}, "number_missing")
    number = parse_plain(text)
    if number.adjusted() >= DIGITS:
        raise TradeRejected(_("That %(column)s is too large.") % {"column": name}, "too_large")
    exact = EXACT.normalize(number)
    digits, exponent = exact.as_tuple()[1:]
    if len(digits) > DIGITS or not isinstance(exponent, int) or -exponent > places:
        raise TradeRejected(
            _("That %(column)s has too many digits.") % {"column": name}, "too_many_digits"
        )
    return exact


def _cash(row: Mapping[str, str], name: str) -> Decimal | None:
    if not row.get(name):
        return None
    amount = _number(row, name, places=2)
    if amount < 0:
        raise TradeRejected(
            _("The %(column)s must not be below zero.") % {"column": name}, "not_positive"
        )
    return amount.quantize(CENT)


def _moment(text: str, *, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise TradeRejected(
            _("The moment is written like 2026-11-20T14:30:00Z."), "not_a_moment"
        ) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if at > now:
        raise TradeRejected(_("It lies in the future."), "not_a_moment")
    if at < _EARLIEST:
        raise TradeRejected(_("It lies before the first Bitcoin."), "not_a_moment")
    return at.astimezone(UTC)


def _refusal(line: int, sentence: str) -> StatementRejected:
    return StatementRejected([Problem(line, sentence)])


def _count(number: int) -> str:
    return notation.current().spell(f"{number:,}")
