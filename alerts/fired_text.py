"""What a fired alert tells its owner, in the language and numbers spoken just now. Pure.

Sentences in Python and no template: a thousand alerts may fire on one price.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from cryptopulse import figures
from cryptopulse.words import gettext as _

from .rules import Side


class Fired(Protocol):
    """What is read of an alert."""

    condition: str
    target: Decimal
    repeats: bool
    last_fired_at: datetime | None
    last_fired_price: Decimal | None


def subject(alert: Fired, *, name: str) -> str:
    """Say in one line what the price has done."""
    said = _("%(name)s rose to %(price)s") if _rose(alert) else _("%(name)s fell to %(price)s")
    return said % {"name": name, "price": figures.money(alert.last_fired_price)}


def body(alert: Fired, *, name: str, symbol: str, is_simulated: bool) -> str:
    """Say what happened, what had been asked for and what comes next: a line each."""
    values = {
        "name": name,
        "symbol": symbol.upper(),
        "price": figures.money(alert.last_fired_price),
        "target": figures.money(alert.target),
        "moment": _moment(alert.last_fired_at),
    }
    if _rose(alert):
        happened = _("%(name)s (%(symbol)s) rose to %(price)s at %(moment)s UTC.")
        asked = _("Your alert: %(name)s rises to or above %(target)s.")
    else:
        happened = _("%(name)s (%(symbol)s) fell to %(price)s at %(moment)s UTC.")
        asked = _("Your alert: %(name)s falls to or below %(target)s.")
    lines = [happened % values, asked % values]
    if is_simulated:
        lines.append(_("This price is simulated."))
    lines.append(
        _("It repeats: it can fire again when the price has been back on the other side.")
        if alert.repeats
        else _("It has fired once and for all. You can arm it again on the alerts page.")
    )
    return "\n".join(lines)


def _rose(alert: Fired) -> bool:
    return alert.condition == Side.ABOVE


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""
