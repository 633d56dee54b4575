"""Everybody's transactions, for those who keep an eye on them: by person, coin, side and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited
from market import services as market

from . import services
from .models import Side, Transaction
from .paging import MOST, TransactionFilter

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50
#: A file has at most so many rows; what it leaves out is asked for by days.
MOST_EXPORTED = 50_000
#: By coin or side alone, so many days are looked through: there is no index of either.
LOOKED_THROUGH = timedelta(days=90)
#: Beyond these no trade is looked for.
EARLIEST, LATEST = date(1970, 4, 1), date(9998, 12, 31)

HEADER = (
    "executed_at", "user", "side", "coin", "symbol", "quantity", "price", "amount", "fee",
    "realised_profit", "currency", "exchange_rate", "price_source",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form says; what cannot be read is left out, and `problem` says so."""

    username: str
    person: User | None
    coin: str  # as typed: an id or a symbol
    wanted: TransactionFilter
    problem: str = ""

    @property
    def finds_nothing(self) -> bool:
        """Tell whether it asks for somebody or something that there is not."""
        return bool(self.problem)

    def query(self) -> dict[str, str]:
        """Return the address's parameters that say the same."""
        wanted = self.wanted
        filled = {
            "user": self.username,
            "coin": self.coin,
            "side": wanted.side,
            "since": wanted.since.isoformat() if wanted.since else "",
            "until": wanted.until.isoformat() if wanted.until else "",
        }
        return {name: value for name, value in filled.items() if value}


def read(request: HttpRequest) -> Asked:
    """Read the filters of an address."""
    username = request.GET.get("user", "").strip()[:150]
    coin = request.GET.get("coin", "").strip().lower()[:128]
    side = request.GET.get("side", "")
    since, until = _day(request.GET.get("since", "")), _day(request.GET.get("until", ""))
    person = accounts.person_called(username=username) if username else None
    coin_id = _coin_id(coin) if coin else ""
    problem = ""
    if username and person is None:
        problem = _("Nobody has this username")
    elif coin and not coin_id:
        problem = _("There is no such coin here")
    elif since and until and until < since:
        problem = _("The period ends before it begins")
    return Asked(
        username=username,
        person=person,
        coin=coin,
        wanted=TransactionFilter(
            coin_id=coin_id,
            side=side if side in Side.values else "",
            since=since,
            until=until,
            zone=timezone.get_current_timezone(),
        ),
        problem=problem,
    )


@require_safe
@never_cache
@limited("read")
@require(Permission.VIEW_ALL_TRANSACTIONS)
def all_transactions(request: HttpRequest) -> HttpResponse:
    """Everybody's transactions, newest first; to be read, not changed."""
    asked = read(request)
    rows, next_cursor = [], ""
    if not asked.finds_nothing:
        page = _page(asked, cursor=request.GET.get("cursor", ""), limit=PAGE)
        rows, next_cursor = page.rows, page.next_cursor
    chosen = asked.query()
    context = {
        "asked": asked,
        "username": asked.username,
        "person": asked.person,
        "sides": Side.choices,
        "is_narrowed": bool(chosen),
        "looked_through": _lookback(asked) and LOOKED_THROUGH.days,
        "transactions": rows,
        "export_query": urlencode(chosen),
        "next_url": f"?{urlencode({**chosen, 'cursor': next_cursor})}" if next_cursor else "",
        "first_url": f"{request.path}?{urlencode(chosen)}" if request.GET.get("cursor") else "",
    }
    return render(request, "portfolio/all_transactions.html", context)


@require_safe
@never_cache
@limited("export")
@require(Permission.VIEW_ALL_TRANSACTIONS)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a file, with where each price came from."""
    asked = read(request)
    rows = () if asked.finds_nothing else (_line(row) for row in _each(asked))
    return csv_response("transactions.csv", HEADER, rows)


def _page(asked: Asked, *, cursor: str, limit: int) -> accounts.Page[Transaction]:
    wanted = asked.wanted
    if _lookback(asked):
        today = timezone.localdate()
        wanted = replace(wanted, since=(wanted.until or today) - LOOKED_THROUGH)
    return services.all_transactions(
        cursor=cursor,
        limit=limit,
        user_id=asked.person.pk if asked.person is not None else None,
        wanted=wanted,
    )


def _lookback(asked: Asked) -> bool:
    """Tell whether nothing but a column without an index narrows what is asked for."""
    wanted = asked.wanted
    return bool((wanted.coin_id or wanted.side) and not wanted.since and asked.person is None)


def _each(asked: Asked) -> Iterator[Transaction]:
    cursor, sent = "", 0
    while sent < MOST_EXPORTED:
        page = _page(asked, cursor=cursor, limit=MOST)
        yield from page.rows
        sent += len(page.rows)
        if not (cursor := page.next_cursor):
            return


def _line(row: Transaction) -> tuple[Any, ...]:
    return (
        row.executed_at, row.user.username, row.side, row.coin_id, row.coin.symbol.upper(),
        row.quantity, row.price, row.amount, row.fee, row.realised_profit, row.currency,
        row.exchange_rate, row.price_source,
    )  # fmt: skip


def _day(text: str) -> date | None:
    """Read a day; one that lies years from every trade is the nearest that calendars can count on.

    The last days of the calendar have no day after them, and the first none before.
    """
    try:
        return min(max(date.fromisoformat(text), EARLIEST), LATEST)
    except ValueError:
        return None


def _coin_id(text: str) -> str:
    """Return the id of the coin that is called so, by its id or by the symbol of a listed one."""
    if not text.isprintable():
        return ""
    if market.coin(coin_id=text) is not None:
        return text
    listed = (coin.id for coin in market.latest_quotes() if coin.symbol.lower() == text)
    return next(listed, "")
