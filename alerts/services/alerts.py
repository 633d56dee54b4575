"""What a person does with their alerts: create, pause, resume, delete, look at them.

Every operation takes `now`, also the few that need no time of their own: callers need not know.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Count, Q

from accounts import services as accounts
from accounts.roles import Permission
from alerts import rules
from alerts.models import Condition, PriceAlert
from alerts.refusals import AlertRejected
from alerts.services.channels import check_channels
from alerts.services.evaluation import evaluate
from cryptopulse import figures
from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import reading_all
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

MAX_ALERTS = 200  # per person
SHORTEST_COOLDOWN = 60  # seconds
LONGEST_COOLDOWN = 30 * 24 * 3600

State = PriceAlert.State
Kind = accounts.Activity.Kind
#: Alerts that still have something to say; one that fired once and for all has not.
LIVE = Q(state__in=[State.ARMED, State.PAUSED]) | Q(state=State.FIRED, repeats=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert with its coin and how far the price has to move to fire it."""

    alert: PriceAlert
    coin: Coin
    distance_percent: Decimal | None


def create_alert(
    *,
    user: User,
    coin_id: str,
    condition: str,
    target: Decimal,
    channels: Sequence[str],
    repeats: bool = False,
    cooldown: int = 3600,
    now: datetime,
    address: str | None = None,
) -> PriceAlert:
    """Arm an alert for this person. `cooldown` is in seconds and matters to repeating alerts.

    Raises AlertRejected: not_allowed, unknown_coin, no_price, bad_condition, bad_target,
    bad_cooldown, no_channel, bad_channel, channel_not_ready, already_met, duplicate,
    too_many_alerts.
    """
    coin = _coin_with_price(coin_id)
    target = _checked_target(target)
    if condition not in Condition.values:
        raise AlertRejected(
            "Choose whether the price rises or falls.", "bad_condition", field="condition"
        )
    if not SHORTEST_COOLDOWN <= cooldown <= LONGEST_COOLDOWN:
        raise AlertRejected(
            "A repeating alert waits between one minute and thirty days.",
            "bad_cooldown",
            field="cooldown",
        )
    kinds = check_channels(user=user, kinds=channels)
    _refuse_already_met(coin, condition, target)

    def operation() -> PriceAlert:
        person = _locked_person(user)
        own = list(PriceAlert.objects.filter(user=person))
        if len(own) >= MAX_ALERTS:
            raise AlertRejected(
                f"You have {MAX_ALERTS} alerts, and that is the most. Delete one first.",
                "too_many_alerts",
            )
        _refuse_duplicate(own, coin, condition, target)
        alert = PriceAlert.objects.create(
            user=person,
            coin_id=coin.pk,
            condition=condition,
            target=target,
            channels=kinds,
            repeats=repeats,
            cooldown=cooldown,
            created_at=now,
            armed_at=now,
        )
        _record(Kind.ALERT_CREATED, person, f"Alert created: {describe(alert, coin)}", address)
        return alert

    alert = run_atomic(operation)
    _catch_up(coin, now=now)
    return alert


def pause(
    *,
    user: User,
    alert_id: uuid.UUID | str,
    now: datetime,  # noqa: ARG001
    address: str | None = None,
) -> PriceAlert:
    """Stop an alert from firing until it is resumed. Pausing a paused one changes nothing.

    Raises AlertRejected: unknown_alert (also for somebody else's), already_fired.
    """

    def operation() -> PriceAlert:
        alert = _own_locked(user, alert_id)
        if alert.state == State.PAUSED:
            return alert
        if alert.state == State.FIRED and not alert.repeats:
            raise AlertRejected(
                "This alert has fired already. Arm it again or delete it.", "already_fired"
            )
        alert.state = State.PAUSED
        alert.save(update_fields=["state"])
        summary = f"Alert paused: {describe(alert, alert.coin)}"
        _record(Kind.ALERT_CHANGED, alert.user, summary, address)
        return alert

    return run_atomic(operation)


def resume(
    *, user: User, alert_id: uuid.UUID | str, now: datetime, address: str | None = None
) -> PriceAlert:
    """Arm a paused alert, or one that has fired, again. An armed one stays as it is.

    Refused like a new one when the price is beyond the target already: unknown_alert,
    already_met, no_price, duplicate, not_allowed.
    """

    def operation() -> PriceAlert:
        alert = _own_locked(user, alert_id)
        if alert.state == State.ARMED:
            return alert
        coin = _coin_with_price(alert.coin_id)
        _refuse_already_met(coin, alert.condition, alert.target)
        own = PriceAlert.objects.filter(user=alert.user).exclude(pk=alert.pk)
        _refuse_duplicate(own, coin, alert.condition, alert.target)
        alert.state, alert.rearm_at = State.ARMED, None
        alert.armed_at = coin.price_at or now  # the price that it was just compared with
        alert.save(update_fields=["state", "armed_at", "rearm_at"])
        _record(Kind.ALERT_CHANGED, alert.user, f"Alert resumed: {describe(alert, coin)}", address)
        return alert

    return run_atomic(operation)


def delete_alert(
    *,
    user: User,
    alert_id: uuid.UUID | str,
    now: datetime,  # noqa: ARG001
    address: str | None = None,
) -> None:
    """Delete an alert; what it has told stays. Raises AlertRejected: unknown_alert."""

    def operation() -> None:
        alert = _own_locked(user, alert_id)
        summary = f"Alert deleted: {describe(alert, alert.coin)}"
        alert.delete()
        _record(Kind.ALERT_DELETED, alert.user, summary, address)

    run_atomic(operation)


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


def _view(alert: PriceAlert, coin: Coin) -> AlertView:
    alert.coin = coin
    distance = rules.distance_percent(target=alert.target, price=coin.last_price)
    return AlertView(alert=alert, coin=coin, distance_percent=distance)


def pause_all(*, user_id: uuid.UUID) -> int:
    """Pause whatever could still fire for somebody who may not have alerts any more."""
    waiting = PriceAlert.objects.filter(user_id=user_id).filter(LIVE).exclude(state=State.PAUSED)
    keys = list(waiting.values_list("pk", flat=True))
    return sum(
        PriceAlert.objects.filter(LIVE, pk__in=chunk).update(state=State.PAUSED)
        for chunk in in_chunks(keys, actions_per_item=1)
    )


def describe(alert: PriceAlert, coin: Coin) -> str:
    """Return the alert in words: "Bitcoin rises to or above $100,000.00"."""
    condition = Condition(alert.condition).label
    return f"{coin.name} {condition} {figures.money(alert.target)}"


def count_by_state() -> dict[str, int]:
    """Return how many alerts are armed, fired and paused. Reads an index entry per alert."""
    counted = PriceAlert.objects.order_by().values_list("state").annotate(Count("pk"))
    with reading_all("counting alerts for the staff's pages"):
        return dict.fromkeys(State.values, 0) | dict(counted)


def _coin_with_price(coin_id: str) -> Coin:
    coin = market.coin(coin_id=coin_id)
    if coin is None or not coin.tracked:
        raise AlertRejected("We do not know that coin.", "unknown_coin", field="coin_id")
    if coin.last_price is None:
        raise AlertRejected(
            f"{coin.name} has no price yet. Try again when it has one.", "no_price", field="coin_id"
        )
    return coin


def _checked_target(target: Decimal) -> Decimal:
    if problem := rules.target_problem(target):
        raise AlertRejected(problem, "bad_target", field="target")
    return target.normalize()


def _refuse_already_met(coin: Coin, condition: str, target: Decimal) -> None:
    """Refuse what would fire at once: the person meant the other side, or a further target."""
    price = coin.last_price
    if price is None or not rules.is_met(side=condition, target=target, price=price):
        return
    where = "at or above" if condition == Condition.ABOVE else "at or below"
    other = "above" if condition == Condition.ABOVE else "below"
    raise AlertRejected(
        f"{coin.name} is {where} that price already: it is {figures.money(price)}. "
        f"Choose a price {other} it, or the other direction.",
        "already_met",
        field="target",
    )


def _refuse_duplicate(
    own: Iterable[PriceAlert], coin: Coin, condition: str, target: Decimal
) -> None:
    wanted = (coin.pk, condition, target)
    for one in own:
        is_live = one.state != State.FIRED or one.repeats
        if is_live and (one.coin_id, one.condition, one.target) == wanted:
            raise AlertRejected("You have this alert already.", "duplicate", field="target")


def _locked_person(user: User) -> User:
    """Lock the person's row, so that what is counted stays counted, and ask their role again."""
    person: User = get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    if not person.may(Permission.SET_ALERTS):
        raise AlertRejected("Your account cannot have price alerts.", "not_allowed")
    return person


def _own_locked(user: User, alert_id: uuid.UUID | str) -> PriceAlert:
    """Lock one alert of this person; somebody else's is as unknown as one that never was."""
    person = _locked_person(user)
    try:
        key = uuid.UUID(str(alert_id))
        alert = PriceAlert.objects.select_for_update().get(pk=key, user=person)
    except (ValueError, PriceAlert.DoesNotExist):
        raise AlertRejected("There is no such alert of yours.", "unknown_alert") from None
    alert.user = person
    return alert


def _catch_up(checked: Coin, *, now: datetime) -> None:
    """Evaluate a price that came while the alert was being made: it may be the one waited for."""
    latest = market.coin(coin_id=checked.pk)
    if latest is not None and latest.price_at != checked.price_at:
        evaluate(coin_ids=[checked.pk], now=now)


def _record(kind: Kind, user: User, summary: str, address: str | None = None) -> None:
    accounts.record(kind=kind, summary=summary, user=user, address=address)
