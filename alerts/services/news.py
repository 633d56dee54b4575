"""What tells that alerts of a coin have fired: the outbox rows of one firing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.urls import reverse

from accounts import services as accounts
from alerts.fired_text import Wording
from alerts.models import Condition, Notification

from .notifications import KEPT_FOR, one_line, with_topic
from .outbox_rows import Told, uuid5

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin


class FiredAlert(NamedTuple):
    """What is told of an alert: how often it has fired, this time included, and at which price."""

    key: uuid.UUID
    user_id: uuid.UUID
    target: Decimal
    repeats: bool
    channels: list[str]
    times_fired: int
    price: Decimal


class News:
    """Tells of the alerts of one side of a coin that one price has fired, in any number of chunks.

    Who the owners are is read once, and each sentence is made once for all who read alike.
    """

    def __init__(self, coin: Coin, *, side: str, at: datetime, now: datetime) -> None:
        self._coin = coin
        self._rose = side == Condition.ABOVE
        self._at = at
        self._owners: dict[uuid.UUID, User] = {}
        self._wordings: dict[tuple[str, str, Decimal], tuple[str, Wording]] = {}
        #: What all rows have in common, by attribute of Notification.
        self.common: dict[str, Any] = {
            "kind": Notification.Kind.PRICE_ALERT,
            "coin_id": coin.pk,
            "url": coin_url(coin.pk),
            "due_at": now,
            "created_at": now,
            "expires_at": now + KEPT_FOR,
        }

    def read_owners(self, user_ids: Iterable[uuid.UUID]) -> None:
        """Find out how these people read. One query; outside of any chunk, so that none waits."""
        self._owners |= accounts.readers(user_ids)

    def rows(self, fired: Iterable[FiredAlert]) -> list[Told]:
        """Return, unsaved, a row for each alert and channel."""
        alike: dict[tuple[str, str], list[FiredAlert]] = {}
        for alert in fired:
            owner = self._owners.get(alert.user_id)
            reading = (owner.language, owner.number_format) if owner else ("", "")
            alike.setdefault(reading, []).append(alert)
        told: list[Told] = []
        for reading, together in alike.items():
            with accounts.speaking_to(self._owners.get(together[0].user_id)):
                for alert in together:
                    told += self._told_of(alert, reading)
        return told

    def _told_of(self, alert: FiredAlert, reading: tuple[str, str]) -> Sequence[Told]:
        event = uuid5(alert.key.bytes, str(alert.times_fired))
        subject, wording = self._wording(reading, alert.price)
        body = wording.body(target=alert.target, repeats=alert.repeats)
        return [
            Told(uuid5(event, f"{channel}:"), event, channel, alert.user_id, subject, body)
            for channel in with_topic(alert.channels)
        ]

    def _wording(self, reading: tuple[str, str], price: Decimal) -> tuple[str, Wording]:
        found = self._wordings.get((*reading, price))
        if found is None:
            wording = Wording(
                name=self._coin.name,
                symbol=self._coin.symbol,
                rose=self._rose,
                price=price,
                at=self._at,
                is_simulated=self._coin.is_simulated,
            )
            found = self._wordings[*reading, price] = one_line(wording.subject), wording
        return found


@lru_cache(maxsize=1024)
def coin_url(coin_id: str) -> str:
    """Return the path of a coin's page."""
    return reverse("market:coin", args=[coin_id])
