"""Template tags that draw the product's numbers and pictures. Loaded everywhere (builtins).

Numbers
  {{ value|money }}                 US dollars: $97,412.20, $0.7832, -$5.00; None is a dash
  {% money value %}                 the same in the person's display currency
  {% money value signed=True %}     with a plus: +$18,204.11 (profits)
  {% amount value %}                a price that is in the display currency already
  {{ value|compact }} {% compact value %}   $1.93T, $620.00M
  {{ value|quantity }}              1,234.5 or 0.00000001: the digits it has
  {{ value|number }} {{ value|number:1 }}    counts and measures: 10,000, 61.3
  {{ value|percent }} {{ value|percent:0 }}  2.31% without sign or colour; so many decimals
  {{ value|typed }}                 for a form field, as the person's form reads it: 1234,56
  {% change value %}                triangle, colour and a word; pill=True for the tinted pill;
                                    live=coin.id keeps it current from the ticker
  All of them in the person's notation. A number that a template draws bare, {{ value }}, has a
  point in every language: that is for attributes and scripts.
Prices
  {{ value|unit_price }} {% unit_price value %}    what one coin costs, in dollars or the display
                                    currency: more digits than money, so that ticks show
  {% price coin %}                  the coin's price, kept current, dimmed when stale;
                                    dollars=True keeps it in US dollars (orders, targets)
  {% age coin.price_at live=coin.id %}   "12 s ago" that keeps counting; exact time as tooltip
  {% source coin %}                 "Simulated" badge or the feed's name
Pictures
  {% icon "bell" %}                 see templates/components/icons.html for the names
  {% coin_mark coin %}              initial on a tinted disc
  {% sparkline points label="..." %}  width=, height=, css=
  {% donut slices %}                slices have `.share` in percent; colours .slice-1 ... .slice-5
Forms and assets
  {% field form.email %}            label, control, help and error, tied together
  {% npm_script "vendor/..." %}     a script tag where npm has brought the file, else nothing
  {% bundle "css/frame.css" %}      the sheets or scripts of every page, as one file if collected
  {% script_words %}                what scripts say, in the page's language
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms import BoundField
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cryptopulse import drawing, figures, notation, translations
from cryptopulse.collected import BUNDLES

register = template.Library()

HUES = 12


def display_currency(context: template.Context) -> figures.Currency:
    """Return the currency that this page is shown in; US dollars where no page is."""
    shell = context.get("shell")
    if shell is None and isinstance(context, RequestContext):  # an include with `only`
        shell = getattr(context.request, "shell", None)
    return shell.currency if shell else figures.USD


# --- Numbers ---------------------------------------------------------------------------------


@register.filter(name="money")
def money_filter(value: figures.Number | None) -> str:
    """Write US dollars."""
    return figures.money(value)


@register.simple_tag(name="money", takes_context=True)
def money_tag(
    context: template.Context, value: figures.Number | None, *, signed: bool = False
) -> str:
    """Write US dollars in the person's display currency."""
    return figures.money(value, display_currency(context), signed=signed)


@register.filter(name="compact")
def compact_filter(value: figures.Number | None) -> str:
    """Write a large amount of US dollars short."""
    return figures.compact(value)


@register.simple_tag(name="compact", takes_context=True)
def compact_tag(context: template.Context, value: figures.Number | None) -> str:
    """Write a large amount short, in the person's display currency."""
    return figures.compact(value, display_currency(context))


@register.simple_tag(takes_context=True)
def amount(context: template.Context, value: figures.Number | None) -> str:
    """Write a price that is in the display currency already."""
    return figures.price(value, replace(display_currency(context), rate=Decimal(1)))


register.filter("quantity", figures.quantity)
register.filter("number", figures.number)


@register.filter
def percent(value: figures.Number | None, places: int = 2) -> str:
    """Write a percentage without its sign."""
    return figures.percent(value, places=places)


@register.filter
def typed(value: figures.Number | None) -> str:
    """Write a number as the person's form fields take it; nothing where there is none."""
    number = figures.decimal(value)
    return "" if number is None else notation.current().write(number)


@register.filter(name="unit_price")
def unit_price_filter(value: figures.Number | None) -> str:
    """Write what one coin costs, in US dollars."""
    return figures.price(value)


@register.simple_tag(name="unit_price", takes_context=True)
def unit_price_tag(context: template.Context, value: figures.Number | None) -> str:
    """Write what one coin costs, in the person's display currency."""
    return figures.price(value, display_currency(context))


@register.inclusion_tag("components/change.html")
def change(
    value: figures.Number | None, *, pill: bool = False, live: str = ""
) -> dict[str, object]:
    """Write a change in percent with its direction as triangle, colour and word."""
    direction = figures.direction(value)
    word = {"up": _("up"), "down": _("down"), "flat": _("unchanged")}[direction]
    return {
        "direction": direction,
        "text": figures.percent(value),
        "word": "" if value is None else word,
        "pill": pill,
        "live": live,
    }


# --- Prices ----------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def price(context: template.Context, coin: Any, *, dollars: bool = False) -> SafeString:
    """Write a coin's price as a cell that the live ticker keeps current."""
    stale = coin.is_stale(now=timezone.now())
    return format_html(
        '<span class="price num{}" data-price="{}" data-usd="{}" data-at="{}"{}>{}</span>',
        " is-stale" if stale else "",
        coin.id,
        "" if coin.last_price is None else coin.last_price,
        milliseconds(coin.price_at),
        mark_safe(" data-dollars") if dollars else "",
        figures.price(coin.last_price, figures.USD if dollars else display_currency(context)),
    )


@register.simple_tag
def age(at: datetime | None, *, live: str = "") -> SafeString:
    """Write how long ago a moment was; the page keeps counting. `live`: of this coin's price."""
    if at is None:
        return format_html('<span class="age">{}</span>', _("no price yet"))
    here = timezone.localtime(at)  # in the person's time zone
    return format_html(
        '<time class="age num" datetime="{}" title="{}" data-age="{}"{}>{}</time>',
        at.isoformat(),
        f"{here:%Y-%m-%d %H:%M:%S %Z}",
        milliseconds(at),
        format_html(' data-age-of="{}"', live) if live else "",
        figures.age(at, now=timezone.now()),
    )


@register.simple_tag
def source(coin: Any) -> SafeString:
    """Name where a price comes from; made-up prices are labelled as such."""
    if coin.is_simulated:
        return format_html('<span class="badge is-warn">{}</span>', _("Simulated"))
    return format_html('<span class="source">{}</span>', coin.source or _("no source yet"))


@register.filter
def milliseconds(at: datetime | None) -> int | str:
    """Return Unix milliseconds, as frames and scripts use them."""
    return "" if at is None else int(at.timestamp() * 1000)


# --- Pictures --------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw one of the sprite's icons (templates/components/icons.html)."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true"><use href="#icon-{}"/></svg>',
        css,
        name,
    )


@register.simple_tag
def coin_mark(coin: Any) -> SafeString:
    """Draw a coin's initial on a disc; its hue follows from the id and never changes."""
    return format_html(
        '<span class="coin-mark hue-{}" aria-hidden="true">{}</span>',
        zlib.crc32(coin.id.encode()) % HUES,
        coin.symbol[:1].upper(),
    )


@register.simple_tag
def sparkline(
    points: Iterable[object] | None,
    *,
    width: int = 120,
    height: int = 36,
    label: str = "",
    css: str = "",
) -> SafeString:
    """Draw a trend line with a faded area; nothing where there are not two points."""
    shown = drawing.thin(list(points or []), most=max(width // 3, 2))
    drawn = drawing.spark(shown)
    if drawn is None:
        return format_html('<span class="spark-empty {}">{}</span>', css, _("No trend yet"))
    trend = "up" if drawn.rising else "down"
    return format_html(
        '<svg class="spark is-{0} {1}" viewBox="0 0 {2} {3}" width="{4}" height="{5}"'
        ' preserveAspectRatio="none" role="img" aria-label="{6}">'
        '<path class="spark-area" fill="url(#fade-{0})" d="{7}"/>'
        '<path class="spark-line" d="{8}"/></svg>',
        trend,
        css,
        drawn.steps,
        drawing.SPARK,
        width,
        height,
        label or (_("7-day trend up") if drawn.rising else _("7-day trend down")),
        drawn.area,
        drawn.line,
    )


@register.simple_tag
def donut(slices: Iterable[Any]) -> SafeString:
    """Draw shares (objects or dicts with `share` in percent) as a ring; the legend names them."""
    shares = [float(s["share"] if isinstance(s, dict) else s.share) for s in slices]
    return format_html(
        '<svg class="donut" viewBox="0 0 100 100" aria-hidden="true">{}</svg>',
        format_html_join(
            "",
            '<circle class="donut-slice slice-{}" r="40" cx="50" cy="50" pathLength="100"'
            ' stroke-dasharray="{}" stroke-dashoffset="{}"/>',
            (
                (min(number, 5), dashes, offset)
                for number, (dashes, offset) in enumerate(drawing.ring(shares), 1)
            ),
        ),
    )


# --- Forms and assets ------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, *, css: str = "") -> dict[str, object]:
    """Draw one form field with its label, help and errors."""
    kind = getattr(bound.field.widget, "input_type", "")
    is_checkbox = kind == "checkbox" and not bound.use_fieldset
    return {
        "field": bound,
        "css": css,
        "is_checkbox": is_checkbox,
        "is_select": kind == "select",  # its first entry says what choosing nothing means
    }


@register.simple_tag
def npm_script(path: str) -> SafeString | str:
    """Write a script tag for a file that npm brings; nothing where npm has not run."""
    if not has_asset(path):
        return ""
    return format_html('<script defer src="{}"></script>', static(path))


@register.simple_tag
def script_words() -> SafeString | str:
    """Write what scripts say in the page's language (`pulse.say`); nothing in English."""
    words = translations.script_words(get_language() or "en")
    return json_script(words, "words") if words else ""


@register.simple_tag
def bundle(name: str) -> SafeString:
    """Link a bundle of `cryptopulse.collected`: the one file, or its parts where it is not made."""
    parts = (name,) if has_asset(name) else BUNDLES[name]
    link = (
        '<script defer src="{}"></script>'
        if name.endswith(".js")
        else '<link rel="stylesheet" href="{}">'
    )
    return format_html_join("\n    ", link, ((static(part),) for part in parts))


@register.simple_tag
def has_asset(path: str) -> bool:
    """Tell whether a static file that npm brings is there: collected, or in node_modules."""
    collected = getattr(staticfiles_storage, "hashed_files", None)
    return path in collected if collected else bool(finders.find(path))
