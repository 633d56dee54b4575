"""What a person does with their alerts: create, change, pause, resume, delete them.

Every operation takes `now`, also the few that need no time of their own: callers need not know.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from accounts import services as accounts
from accounts.roles import Permission
from alerts import rules
from alerts.models import Condition, PriceAlert
from alerts.refusals import AlertRejected
from alerts.services.channels import check_channels
from alerts.services.evaluation import evaluate
from alerts.services.reading import LIVE, MAX_ALERTS, describe
from cryptopulse import figures
from cryptopulse.atomic import in_chunks, run_atomic
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

SHORTEST_COOLDOWN = 60  # seconds
LONGEST_COOLDOWN = 30 * 24 * 3600

State = PriceAlert.State
Kind = accounts.Activity.Kind


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
    coin = coin_with_price(coin_id)
    target = _checked(condition, target, cooldown)
    kinds = check_channels(user=user, kinds=channels)
    refuse_already_met(coin, condition, target)

    def operation() -> PriceAlert:
        person = locked_person(user)
        own = list(PriceAlert.objects.filter(user=person))
        if len(own) >= MAX_ALERTS:
            sentence = _("You have %(count)s alerts, and that is the most. Delete one first.")
            raise AlertRejected(sentence % {"count": MAX_ALERTS}, "too_many_alerts")
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
        record_change(Kind.ALERT_CREATED, person, f"Alert created: {logged(alert, coin)}", address)
        return alert

    alert = run_atomic(operation)
    _catch_up(coin, now=now)
    return alert


def change_alert(
    *,
    user: User,
    alert_id: uuid.UUID | str,
    condition: str,
    target: Decimal,
    channels: Sequence[str],
    repeats: bool = False,
    cooldown: int = 3600,
    now: datetime,
    address: str | None = None,
) -> PriceAlert:
    """Change what an alert waits for, not its coin. A paused one stays paused, others are armed.

    Refused as a new one would be, and as unknown_alert.
    """
    target = _checked(condition, target, cooldown)
    kinds = check_channels(user=user, kinds=channels)

    def operation() -> PriceAlert:
        alert = own_locked(user, alert_id)
        coin = coin_with_price(alert.coin_id)
        refuse_already_met(coin, condition, target)
        others = PriceAlert.objects.filter(user=alert.user).exclude(pk=alert.pk)
        _refuse_duplicate(others, coin, condition, target)
        alert.condition, alert.target, alert.channels = condition, target, kinds
        alert.repeats, alert.cooldown, alert.rearm_at = repeats, cooldown, None
        if alert.state != State.PAUSED:
            alert.state = State.ARMED
            alert.armed_at = coin.price_at or now  # the price that it was just compared with
        alert.save(
            update_fields=[
                "condition", "target", "channels", "repeats", "cooldown", "rearm_at", "state",
                "armed_at",
            ]
        )  # fmt: skip
        alert.coin = coin
        summary = f"Alert changed: {logged(alert, coin)}"
        record_change(Kind.ALERT_CHANGED, alert.user, summary, address)
        return alert

    alert = run_atomic(operation)
    _catch_up(alert.coin, now=now)
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
        alert = own_locked(user, alert_id)
        if alert.state == State.PAUSED:
            return alert
        if alert.state == State.FIRED and not alert.repeats:
            raise AlertRejected(
                _("This alert has fired already. Arm it again or delete it."), "already_fired"
            )
        alert.state = State.PAUSED
        alert.save(update_fields=["state"])
        summary = f"Alert paused: {logged(alert, alert.coin)}"
        record_change(Kind.ALERT_CHANGED, alert.user, summary, address)
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
        alert = own_locked(user, alert_id)
        if alert.state == State.ARMED:
            return alert
        coin = coin_with_price(alert.coin_id)
        refuse_already_met(coin, alert.condition, alert.target)
        own = PriceAlert.objects.filter(user=alert.user).exclude(pk=alert.pk)
        _refuse_duplicate(own, coin, alert.condition, alert.target)
        alert.state, alert.rearm_at = State.ARMED, None
        alert.armed_at = coin.price_at or now  # the price that it was just compared with
        alert.save(update_fields=["state", "armed_at", "rearm_at"])
        record_change(
            Kind.ALERT_CHANGED, alert.user, f"Alert resumed: {logged(alert, coin)}", address
        )
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
        alert = own_locked(user, alert_id)
        summary = f"Alert deleted: {logged(alert, alert.coin)}"
        alert.delete()
        record_change(Kind.ALERT_DELETED, alert.user, summary, address)

    run_atomic(operation)


def pause_all(*, user_id: uuid.UUID) -> int:
    """Pause whatever could still fire for somebody who may not have alerts any more."""
    waiting = PriceAlert.objects.filter(user_id=user_id).filter(LIVE).exclude(state=State.PAUSED)
    keys = list(waiting.values_list("pk", flat=True))
    return sum(
        PriceAlert.objects.filter(LIVE, pk__in=chunk).update(state=State.PAUSED)
        for chunk in in_chunks(keys, actions_per_item=1)
    )


def logged(alert: PriceAlert, coin: Coin) -> str:
    """Return the alert as the activity log has it: in English, whoever reads the page."""
    with accounts.writing_the_log():
        return describe(alert, coin)


def _checked(condition: str, target: Decimal, cooldown: int) -> Decimal:
    """Return the target as it is kept; refuse what no alert can have."""
    target = _checked_target(target)
    if condition not in Condition.values:
        raise AlertRejected(
            _("Choose whether the price rises or falls."), "bad_condition", field="condition"
        )
    if not SHORTEST_COOLDOWN <= cooldown <= LONGEST_COOLDOWN:
        raise AlertRejected(
            _("A repeating alert waits between one minute and thirty days."),
            "bad_cooldown",
            field="cooldown",
        )
    return target


def coin_with_price(coin_id: str) -> Coin:
    coin = market.coin(coin_id=coin_id)
    if coin is None or not coin.tracked:
        raise AlertRejected(_("We do not know that coin."), "unknown_coin", field="coin_id")
    if coin.last_price is None:
        sentence = _("%(coin)s has no price yet. Try again when it has one.")
        raise AlertRejected(sentence % {"coin": coin.name}, "no_price", field="coin_id")
    return coin


def _checked_target(target: Decimal) -> Decimal:
    if problem := rules.target_problem(target):
        raise AlertRejected(problem, "bad_target", field="target")
    return target.normalize()


def refuse_already_met(coin: Coin, condition: str, target: Decimal) -> None:
    """Refuse what would fire at once: the person meant the other side, or a further target."""
    price = coin.last_price
    if price is None or not rules.is_met(side=condition, target=target, price=price):
        return
    sentence = (
        _(
            "%(coin)s is at or above that price already: it is %(price)s. "
            "Choose a price above it, or the other direction."
        )
        if condition == Condition.ABOVE
        else _(
            "%(coin)s is at or below that price already: it is %(price)s. "
            "Choose a price below it, or the other direction."
        )
    )
    words = {"coin": coin.name, "price": figures.money(price)}
    raise AlertRejected(sentence % words, "already_met", field="target")


def _refuse_duplicate(
    own: Iterable[PriceAlert], coin: Coin, condition: str, target: Decimal
) -> None:
    wanted = (coin.pk, condition, target)
    for one in own:
        is_live = one.state != State.FIRED or one.repeats
        if is_live and (one.coin_id, one.condition, one.target) == wanted:
            raise AlertRejected(_("You have this alert already."), "duplicate", field="target")


def locked_person(user: User) -> User:
    """Lock the person's row, so that what is counted stays counted, and ask their role again."""
    person: User = get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    if not person.may(Permission.SET_ALERTS):
        raise AlertRejected(_("Your account cannot have price alerts."), "not_allowed")
    return person


def own_locked(user: User, alert_id: uuid.UUID | str) -> PriceAlert:
    """Lock one alert of this person; somebody else's is as unknown as one that never was."""
    person = locked_person(user)
    try:
        key = uuid.UUID(str(alert_id))
        alert = PriceAlert.objects.select_for_update().get(pk=key, user=person)
    except (ValueError, PriceAlert.DoesNotExist):
        raise AlertRejected(_("There is no such alert of yours."), "unknown_alert") from None
    alert.user = person
    return alert


def _catch_up(checked: Coin, *, now: datetime) -> None:
    """Evaluate a price that came while the alert was being made: it may be the one waited for."""
    latest = market.coin(coin_id=checked.pk)
    if latest is not None and latest.price_at != checked.price_at:
        evaluate(coin_ids=[checked.pk], now=now)


def record_change(kind: Kind, user: User, summary: str, address: str | None = None) -> None:
    accounts.record(kind=kind, summary=summary, user=user, address=address)
