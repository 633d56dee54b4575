"""One's own transactions: as a list, as a file to take along, and from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse import notation
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited

from . import services
from .everybody import Asked
from .everybody import read as read_filters
from .models import Portfolio, Side, Transaction
from .numbers import parse_decimal
from .refusals import TradeRejected
from .services import ImportPreview, Problem, StatementRejected
from .statement import HEADER, MOST_CHARACTERS, count_trades

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50
ALL = "all"
PROBLEMS_SHOWN = 20


@require_safe
@never_cache
@limited("read")
@require(Permission.VIEW_OWN_TRANSACTIONS)
def transactions(request: HttpRequest) -> HttpResponse:
    """One's own transactions, newest first: of one portfolio or of all, by coin, side and day."""
    user = _me(request)
    asked = read_filters(request)
    own, portfolio = _portfolio(request, user)
    page = None
    if not asked.finds_nothing:
        page = services.own_transactions(
            user=user, portfolio=portfolio, wanted=asked.wanted,
            cursor=request.GET.get("cursor", ""), limit=PAGE,
        )  # fmt: skip
    kept = request.GET.get("portfolio", "")[:36]
    chosen = asked.query() | ({"portfolio": kept} if kept else {})
    cursor = page.next_cursor if page else ""
    context = {
        "portfolios": own,
        "portfolio": portfolio,
        "asked": asked,
        "sides": Side.choices,
        "is_narrowed": bool(asked.query()),
        "transactions": page.rows if page else [],
        "kept": kept,
        "export_query": urlencode(chosen),
        "next_url": f"{request.path}?{urlencode({**chosen, 'cursor': cursor})}" if cursor else "",
        "first_url": _link(request, chosen) if request.GET.get("cursor") else "",
    }
    return render(request, "portfolio/transactions.html", context)


@require_safe
@never_cache
@limited("export")
@require(Permission.VIEW_OWN_TRANSACTIONS)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a file, which can be imported again."""
    user = _me(request)
    asked: Asked = read_filters(request)
    own, portfolio = _portfolio(request, user)
    names = {one.pk: one.name for one in own}
    rows = () if asked.finds_nothing else services.each_own_transaction(
        user=user, portfolio=portfolio, wanted=asked.wanted
    )  # fmt: skip
    return csv_response("transactions.csv", HEADER, (_line(row, names) for row in rows))


def _link(request: HttpRequest, query: dict[str, str]) -> str:
    return f"{request.path}?{urlencode(query)}" if query else request.path


def _line(row: Transaction, names: dict[Any, str]) -> Sequence[Any]:
    return (
        row.executed_at, row.side, row.coin_id, row.coin.symbol.upper(), row.quantity, row.price,
        row.amount, row.fee, row.realised_profit, row.currency, row.exchange_rate,
        row.price_source, names.get(row.portfolio_id, ""),
    )  # fmt: skip


def _portfolio(request: HttpRequest, user: User) -> tuple[list[Portfolio], Portfolio | None]:
    """Return a person's portfolios and the one that is looked at; None is all of them."""
    wanted = request.GET.get("portfolio", "")
    own, portfolio = services.choose_portfolio(user=user, session=request.session, wanted=wanted)
    return own, None if wanted == ALL else portfolio


@dataclass(kw_only=True)
class ImportForm:
    """An import as it was typed, and what came of it."""

    name: str = ""
    start_balance: str = ""
    text: str = ""
    error: str = ""
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    preview: ImportPreview | None = None

    def refuse(self, refusal: TradeRejected) -> None:
        """Keep what was typed, and say what is wrong with it."""
        self.error = refusal.sentence
        if isinstance(refusal, StatementRejected):
            self.error = ""
            self.problems = refusal.problems[:PROBLEMS_SHOWN]
            self.more_problems = len(refusal.problems) - len(self.problems)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limited("read")
@require(Permission.TRADE)
def import_page(request: HttpRequest) -> HttpResponseBase:
    """Make a portfolio of a file: first what it would become, then the portfolio."""
    if request.method == "POST":
        return _import(request)
    form = ImportForm(start_balance=notation.current().write(settings.START_BALANCE))
    return _import_page(request, form)


@limited("import")
def _import(request: HttpRequest) -> HttpResponse:
    form = ImportForm(
        name=request.POST.get("name", "").strip(),
        start_balance=request.POST.get("start_balance", "").strip(),
        text=request.POST.get("text", ""),
    )
    try:
        form.text = _uploaded(request) or form.text
        wanted: dict[str, Any] = {
            "user": _me(request), "name": form.name, "text": form.text, "now": timezone.now(),
            "start_balance": _balance(form.start_balance),
        }  # fmt: skip
        if request.POST.get("action") != "import":
            form.preview = services.preview_import(**wanted)
            return _import_page(request, form)
        done = services.import_transactions(**wanted, address=accounts.client_address(request))
    except TradeRejected as refusal:
        form.refuse(refusal)
        return _import_page(request, form, status=422)
    count = count_trades(form.text)
    messages.success(
        request,
        ngettext(
            "%(count)d trade is in the portfolio %(name)s.",
            "%(count)d trades are in the portfolio %(name)s.",
            count,
        )
        % {"count": count, "name": done.name},
    )
    return redirect(f"{reverse('portfolio:overview')}?portfolio={done.pk}&range=all")


def _uploaded(request: HttpRequest) -> str:
    """Return the text of the file that came with the form, if one did."""
    file = request.FILES.get("file")
    if file is None or not file.size:
        return ""
    if file.size > MOST_CHARACTERS:
        raise TradeRejected(_("The file is too long: at most a megabyte."), "too_long")
    try:
        text: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TradeRejected(_("The file is not text in UTF-8."), "not_text") from None
    return text


def _balance(text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except TradeRejected as refusal:
        raise TradeRejected(
            _("Start balance: %(sentence)s") % {"sentence": refusal.sentence}, refusal.code
        ) from None


def _import_page(request: HttpRequest, form: ImportForm, *, status: int = 200) -> HttpResponse:
    return render(request, "portfolio/import.html", {"form": form}, status=status)


def _me(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user
