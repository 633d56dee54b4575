"""The analysts' market digest: once a day, in the morning of each one's own time zone."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import services as accounts
from alerts.models import Notification
from alerts.services.kinds import KINDS
from alerts.services.notifications import notify
from alerts.services.recipients import holders, reachable
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

logger = logging.getLogger(__name__)

Kind = Notification.Kind

#: From seven on; where nothing ran then, until noon: an evening's mail is no morning digest.
FIRST_HOUR, LAST_HOUR = 7, 12
MOVERS = 5


def send_digests(*, now: datetime) -> int:
    """Write the digests that are due; return how many. May run as often as one likes.

    The key of a digest is made of the person and their day, so that a day has one.
    """
    people = [person for person in holders(KINDS[Kind.DIGEST].needs) if _is_morning(person, now)]
    events = {event_of(person, now): person for person in people}
    told = Notification.objects.filter(event_id__in=list(events))
    known = set(told.values_list("event_id", flat=True)) if events else set()
    missing = [person for event, person in events.items() if event not in known]
    if not missing:
        return 0
    coins = market.latest_quotes()
    sent = 0
    for person, channels in reachable(missing, Kind.DIGEST):
        try:
            _send(person, channels, coins, now=now)
            sent += 1
        except Exception:
            logger.exception("no digest for %s", person.pk)
    return sent


def event_of(person: User, now: datetime) -> uuid.UUID:
    """Return the key of a person's digest of this day, theirs."""
    day = now.astimezone(accounts.zone_of(person.timezone)).date()
    return uuid.uuid5(person.pk, f"digest:{day}")


def _is_morning(person: User, now: datetime) -> bool:
    return FIRST_HOUR <= now.astimezone(accounts.zone_of(person.timezone)).hour < LAST_HOUR


def _send(person: User, channels: Sequence[str], coins: Sequence[Coin], *, now: datetime) -> None:
    with accounts.speaking_to(person):
        context = figures_of(coins, now=now)
        notify(
            user=person,
            kind=Kind.DIGEST,
            subject=_("The market this morning"),
            body=render_to_string("alerts/mails/digest.txt", context).strip(),
            html=render_to_string("alerts/mails/digest.html", context).strip(),
            channels=channels,
            event_id=event_of(person, now),
            now=now,
            url=reverse("portals:analyst"),
        )


def figures_of(coins: Sequence[Coin], *, now: datetime) -> dict[str, Any]:
    """Return what a digest says: the market's value, how many rose and fell, and which most."""
    changes = [coin.change_24h for coin in coins if coin.change_24h is not None]
    return {
        "now": now,
        "summary": market.market_summary(now=now, coins=coins),
        "movers": market.movers(limit=MOVERS, coins=coins),
        "risen": sum(change > 0 for change in changes),
        "fallen": sum(change < 0 for change in changes),
        "unchanged": sum(change == 0 for change in changes),
    }
