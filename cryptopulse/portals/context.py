"""What every page shows around its content: navigation, the ticker, live state, unread count.

All of it is lazy: a page that does not draw a part does not ask for it. What is the same for
everybody is kept for a few seconds, so that a busy page costs no query for its frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from alerts import services as alerts
from cryptopulse import figures, notation
from cryptopulse.models import Announcement
from market import services as market

from . import navigation, notices

TAPE_LENGTH = 10
TAPE_KEPT_FOR = 3  # seconds; the websocket keeps the drawn page current
TAPE_KEY = "shell:tape"


@dataclass(frozen=True, slots=True)
class TapeCoin:
    """What the ticker tape shows of a coin."""

    id: str
    symbol: str
    name: str
    last_price: Decimal | None
    price_at: datetime | None
    change_24h: Decimal | None
    is_simulated: bool

    def is_stale(self, *, now: datetime) -> bool:
        """Tell whether the price is too old to trade or alert on."""
        return self.price_at is None or now - self.price_at > settings.STALE_AFTER


class Shell:
    """The frame around a page for one request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user: Any = getattr(request, "user", None)

    @property
    def is_member(self) -> bool:
        """Tell whether somebody is logged in."""
        return bool(self.user and self.user.is_authenticated)

    @cached_property
    def sections(self) -> list[navigation.Section]:
        """Return the navigation that this person's role gives them."""
        return navigation.sections(self.user, path=self.request.path)

    @cached_property
    def tabs(self) -> list[navigation.Link]:
        """Return the four links of the tab bar on phones."""
        return navigation.tabs(self.sections)

    @cached_property
    def currency(self) -> figures.Currency:
        """Return the display currency with today's stored rate; US dollars without one."""
        code = self.user.display_currency if self.is_member else "USD"
        rate = None if code == "USD" else market.exchange_rate(currency=code)
        return figures.currency(code, rate) if rate else figures.USD

    @property
    def notation(self) -> notation.Notation:
        """Return how this person's numbers are written, for the scripts."""
        return notation.current()

    @cached_property
    def tape(self) -> list[TapeCoin]:
        """Return the coins of the ticker tape, best ranked first."""
        kept: list[TapeCoin] | None = cache.get(TAPE_KEY)
        return self.take_tape(market.latest_quotes()) if kept is None else kept

    def take_tape(self, coins: Sequence[Any]) -> list[TapeCoin]:
        """Fill the tape with the best of these coins: a page that has read them need not twice."""
        self.tape = [_tape_coin(coin) for coin in coins[:TAPE_LENGTH]]
        cache.set(TAPE_KEY, self.tape, TAPE_KEPT_FOR)
        return self.tape

    @cached_property
    def price_at(self) -> datetime | None:
        """Return the moment of the newest price on the tape."""
        return max((coin.price_at for coin in self.tape if coin.price_at), default=None)

    @property
    def is_stale(self) -> bool:
        """Tell whether the newest price is too old to trade on."""
        return self.price_at is None or timezone.now() - self.price_at > self.stale_after

    @property
    def stale_after(self) -> timedelta:
        """Return the age at which a price is stale."""
        limit: timedelta = settings.STALE_AFTER
        return limit

    @cached_property
    def is_simulated(self) -> bool:
        """Tell whether this database holds made-up prices, which every page must say."""
        return any(coin.is_simulated for coin in self.tape)

    @cached_property
    def announcements(self) -> list[Announcement]:
        """Return what admins have to say to this person now."""
        return notices.for_request(self.request, user=self.user, now=timezone.now())

    @cached_property
    def unread(self) -> int:
        """Return how many notifications this person has not read."""
        return alerts.unread_count(user=self.user) if self.is_member else 0


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Give every template `shell`."""
    return {"shell": shell_of(request)}


def shell_of(request: HttpRequest) -> Shell:
    """Return the request's shell: one, so that nothing is asked twice."""
    kept: Shell | None = getattr(request, "shell", None)
    if kept is None:
        kept = request.shell = Shell(request)  # type: ignore[attr-defined]
    return kept


def _tape_coin(coin: Any) -> TapeCoin:
    return TapeCoin(
        id=coin.id,
        symbol=coin.symbol,
        name=coin.name,
        last_price=coin.last_price,
        price_at=coin.price_at,
        change_24h=coin.change_24h,
        is_simulated=coin.is_simulated,
    )
