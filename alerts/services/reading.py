"""Looking at alerts: a person's own with the way to their targets, and how many there are."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from alerts import rules
from alerts.models import Condition, PriceAlert
from cryptopulse import figures
from cryptopulse.engine import reading_all
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

MAX_ALERTS = 200  # per person

State = PriceAlert.State
#: Alerts that still have something to say; one that fired once and for all has not.
LIVE = Q(state__in=[State.ARMED, State.PAUSED]) | Q(state=State.FIRED, repeats=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert with its coin and how far the price has to move to fire it."""

    alert: PriceAlert
    coin: Coin
    distance_percent: Decimal | None

    @property
    def sentence(self) -> str:
        """Return what it waits for without the coin: "rises to or above $100,000.00"."""
        return waits_for(self.alert.condition, self.alert.target)

    @property
    def way(self) -> str:
        """Return how far the price has to go: "2.50% up"; empty where there is no price."""
        return way(self.distance_percent)


def own_alerts(
    *,
    user: User,
    now: datetime,  # noqa: ARG001
    coins: Collection[Coin] | None = None,
) -> list[AlertView]:
    """Return a person's alerts, newest first, with the distance to the latest price. One query.

    A page that has read `coins` gives them; those that are missing are another query.
    """
    rows = PriceAlert.objects.filter(user=user)
    if coins is None:
        return [_view(alert, alert.coin) for alert in rows.select_related("coin")[:MAX_ALERTS]]
    alerts, known = list(rows[:MAX_ALERTS]), {coin.pk: coin for coin in coins}
    if missing := {alert.coin_id for alert in alerts} - known.keys():
        known |= {coin.pk: coin for coin in market.latest_quotes(coin_ids=missing)}
    return [_view(alert, known[alert.coin_id]) for alert in alerts]


def own_alert(*, user: User, alert_id: uuid.UUID) -> PriceAlert | None:
    """Return this alert if it is the person's."""
    return PriceAlert.objects.filter(pk=alert_id, user=user).first()


def matching_alerts(views: Collection[AlertView], *, text: str, state: str) -> list[AlertView]:
    """Return the alerts whose coin's name, symbol or id has this text, and that are so.

    A person has few enough to be looked through here. An unknown state has no alerts.
    """
    wanted = text.strip().lower()
    return [
        view
        for view in views
        if (not state or view.alert.state == state)
        and (
            not wanted
            or wanted in view.coin.name.lower()
            or wanted in view.coin.symbol.lower()
            or wanted in view.coin.pk
        )
    ]


def _view(alert: PriceAlert, coin: Coin) -> AlertView:
    alert.coin = coin
    distance = rules.distance_percent(target=alert.target, price=coin.last_price)
    return AlertView(alert=alert, coin=coin, distance_percent=distance)


def describe(alert: PriceAlert, coin: Coin) -> str:
    """Return the alert in words: "Bitcoin rises to or above $100,000.00"."""
    return f"{coin.name} {waits_for(alert.condition, alert.target)}"


def waits_for(condition: str, target: Decimal) -> str:
    """Return what an alert waits for: "rises to or above $100,000.00"."""
    price = figures.money(target)
    if condition == Condition.ABOVE:
        return _("rises to or above %(price)s") % {"price": price}
    return _("falls to or below %(price)s") % {"price": price}


def way(percent: Decimal | None) -> str:
    """Return a distance in words: "2.50% up"."""
    if percent is None:
        return ""
    size = {"percent": figures.percent(percent)}
    return _("%(percent)s up") % size if percent > 0 else _("%(percent)s down") % size


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What the form says about a target while it is typed. `fires`: it may be armed so."""

    sentence: str
    fires: bool


def target_hint(coin: Coin, *, condition: str, target: Decimal) -> Hint | None:
    """Say how far off a target is, or that it lies on the wrong side of the price."""
    price = coin.last_price
    distance = rules.distance_percent(target=target, price=price)
    if price is None or distance is None or condition not in Condition.values:
        return None
    if not rules.is_met(side=condition, target=target, price=price):
        sign = "+" if distance > 0 else "\u2212"
        percent = f"{sign}{figures.percent(distance)}"
        return Hint(sentence=_("Fires at %(percent)s from now.") % {"percent": percent}, fires=True)
    where = {"price": figures.money(price)}
    sentence = (
        _("The price is at or above that already. Choose one above %(price)s.")
        if condition == Condition.ABOVE
        else _("The price is at or below that already. Choose one below %(price)s.")
    )
    return Hint(sentence=sentence % where, fires=False)


def count_by_state() -> dict[str, int]:
    """Return how many alerts are armed, fired and paused. Reads an index entry per alert."""
    counted = PriceAlert.objects.order_by().values_list("state").annotate(Count("pk"))
    with reading_all("counting alerts for the staff's pages"):
        return dict.fromkeys(State.values, 0) | dict(counted)
