"""The rows of a table of coins: {% load coin_rows %}{% coin_rows coins watched %}.

The same marks as `price`, `change`, `compact` and `sparkline` draw, written in one go: two hundred
and fifty rows of a template's tags take ten times as long.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cryptopulse import drawing, figures

from . import ui

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT, SPARK_POINTS = 132, 34, 33
#: Coins whose trend is kept drawn: more than a page shows.
TRENDS_KEPT = 1024
_PLACE = "0" * 20  # stands in a reversed address where the id goes


@register.simple_tag(takes_context=True)
def coin_rows(
    context: template.Context,
    coins: Iterable[Any],
    watched: Container[str] | None = None,
    *,
    show_age: bool = False,
) -> SafeString:
    """Write the rows; with stars where somebody is logged in and `watched` is given."""
    user = getattr(context.get("request"), "user", None)
    has_stars = watched is not None and bool(user and user.is_authenticated)
    writer = _Rows(ui.display_currency(context), watched if has_stars else None, show_age=show_age)
    rows = "".join(writer.row(coin) for coin in coins)
    return mark_safe(rows)  # noqa: S308 (each cell is escaped where it is written)


class _Rows:
    """What all rows of one table share."""

    def __init__(
        self, currency: figures.Currency, watched: Container[str] | None, *, show_age: bool
    ) -> None:
        self.currency = currency
        self.watched = watched
        self.show_age = show_age
        self.now = timezone.now()
        self.coin_url = reverse("market:coin", args=[_PLACE])
        self.words = {"up": _("up"), "down": _("down"), "flat": _("unchanged")}
        self.trends = {True: _("7-day trend up"), False: _("7-day trend down")}
        self.no_trend = _("No trend yet")

    def row(self, coin: Any) -> str:
        key, name = conditional_escape(coin.id), conditional_escape(coin.name)
        age = f'<td class="r num c-wider">{ui.age(coin.price_at, live=coin.id)}</td>'
        return (
            f'<tr><td class="c-rank num"><span class="rank">{self.star(coin)}'
            f"{'–' if coin.rank is None else coin.rank}</span></td>"  # noqa: RUF001
            f'<th scope="row"><a class="coin" href="{self.coin_url.replace(_PLACE, key)}">'
            f'{_mark(coin.id, coin.symbol)}<span class="coin-name">{name}'
            f"<small>{conditional_escape(coin.symbol.upper())}</small></span></a></th>"
            f'<td class="r num c-price">{self.price(coin, key)}</td>'
            f'<td class="r num">{self.change(coin.change_24h, live=key)}</td>'
            f'<td class="r num c-wide">{self.change(coin.change_7d)}</td>'
            f'<td class="r num c-wide">{figures.compact(coin.market_cap, self.currency)}</td>'
            f'<td class="r num c-wider">{figures.compact(coin.volume_24h, self.currency)}</td>'
            f'<td class="r c-spark">{self.trend(coin)}</td>{age if self.show_age else ""}</tr>'
        )

    def star(self, coin: Any) -> str:
        return "" if self.watched is None else star(coin, coin.id in self.watched)

    def price(self, coin: Any, key: str) -> str:
        stale = " is-stale" if coin.is_stale(now=self.now) else ""
        usd = "" if coin.last_price is None else coin.last_price
        return (
            f'<span class="price num{stale}" data-price="{key}" data-usd="{usd}"'
            f' data-at="{ui.milliseconds(coin.price_at)}">'
            f"{figures.price(coin.last_price, self.currency)}</span>"
        )

    def change(self, value: Any, *, live: str = "") -> str:
        way = figures.direction(value)
        word = "" if value is None else self.words[way]
        mark = f' data-change="{live}"' if live else ""
        return (
            f'<span class="change is-{way}"{mark}><svg class="tri" viewBox="0 0 8 8"'
            f' aria-hidden="true"><path d="M4 1 7.5 7h-7z"/></svg>'
            f'<span class="sr-only">{word} </span><span>{figures.percent(value)}</span></span>'
        )

    def trend(self, coin: Any) -> str:
        drawn = _trend(tuple(coin.sparkline or ()))
        if drawn is None:
            return f'<span class="spark-empty">{self.no_trend}</span>'
        way = "up" if drawn.rising else "down"
        return (
            f'<svg class="spark is-{way}" viewBox="0 0 {drawn.steps} {drawing.SPARK}"'
            f' width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" preserveAspectRatio="none" role="img"'
            f' aria-label="{self.trends[drawn.rising]}">'
            f'<path class="spark-area" fill="url(#fade-{way})" d="{drawn.area}"/>'
            f'<path class="spark-line" d="{drawn.line}"/></svg>'
        )


@register.simple_tag(takes_context=True)
def tracked_rows(context: template.Context, coins: Iterable[Any]) -> SafeString:
    """Write the rows of the coins that are tracked, each with its way out.

    The buttons belong to the page's form "coin-remove", so that 250 rows need one token.
    """
    writer = _Rows(ui.display_currency(context), None, show_age=True)
    sources = {key: ui.source(coin) for coin in coins for key in [(coin.source, coin.is_simulated)]}
    words = {"remove": _("Remove"), "of": _("Remove %(name)s"), "sure": _("Yes, remove")}
    words["sure_of"] = _("Yes, remove %(name)s")
    rows = (
        f'<tr><th scope="row"><a class="coin" href="{writer.coin_url.replace(_PLACE, key)}">'
        f'{_mark(coin.id, coin.symbol)}<span class="coin-name">{name}'
        f"<small>{conditional_escape(coin.symbol.upper())}</small></span></a></th>"
        f'<td class="r num c-wide">{figures.DASH if coin.rank is None else coin.rank}</td>'
        f'<td class="r">{writer.price(coin, key)}</td>'
        f'<td class="r c-wide">{ui.age(coin.price_at)}</td>'
        f'<td class="r c-wide">{sources[coin.source, coin.is_simulated]}</td>'
        f'<td class="r">{_way_out(key, name, words)}</td></tr>'
        for coin in coins
        for key, name in [(conditional_escape(coin.id), conditional_escape(coin.name))]
    )
    return mark_safe("".join(rows))  # noqa: S308 (each cell is escaped where it is written)


def _way_out(key: str, name: str, words: dict[str, str]) -> str:
    return (
        '<details class="confirm"><summary class="button button--quiet button--small"'
        f' aria-label="{words["of"] % {"name": name}}">{words["remove"]}</summary>'
        '<button class="button button--danger button--small" type="submit" form="coin-remove"'
        f' name="coin_id" value="{key}" aria-label="{words["sure_of"] % {"name": name}}">'
        f"{words['sure']}</button></details>"
    )


@register.simple_tag
def star(coin: Any, is_watched: bool) -> SafeString:
    """Draw the button that puts a coin on the watchlist or takes it off.

    It belongs to the page's form "stars" (templates/market/_stars.html), so that it works without
    JavaScript; with htmx it is swapped alone.
    """
    url = reverse("market:watch", args=[coin.id])
    wanted = 0 if is_watched else 1
    return format_html(
        '<button class="star{}" type="submit" form="stars" formaction="{}" name="watch"'
        ' value="{}" hx-post="{}" hx-vals=\'{{"watch": "{}"}}\' hx-swap="outerHTML"'
        ' aria-pressed="{}" aria-label="{}">{}</button>',
        " is-on" if is_watched else "",
        url,
        wanted,
        url,
        wanted,
        "true" if is_watched else "false",
        _("Watch %(name)s") % {"name": coin.name},
        _star_icon(),
    )


@lru_cache(maxsize=TRENDS_KEPT)
def _mark(coin_id: str, symbol: str) -> SafeString:
    return ui.coin_mark(SimpleNamespace(id=coin_id, symbol=symbol))


@lru_cache(maxsize=1)
def _star_icon() -> SafeString:
    return ui.icon("star")


@lru_cache(maxsize=TRENDS_KEPT)
def _trend(points: tuple[Any, ...]) -> drawing.Spark | None:
    return drawing.spark(drawing.thin(points, SPARK_POINTS))
