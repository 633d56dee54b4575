"""Watchlists: the coins that somebody keeps an eye on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from market.models import Coin, WatchlistItem

from .errors import MarketRejected
from .reading import by_rank

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

#: Enough for a page; a list without an end is nobody's.
MOST_WATCHED = 200


def watchlist(*, user: User) -> list[Coin]:
    """Return the coins that this person watches, by rank. One query."""
    items = WatchlistItem.objects.filter(user=user).select_related("coin")
    return by_rank([item.coin for item in items if item.coin.tracked])


def watched_ids(*, user: User | AnonymousUser) -> set[str]:
    """Return the ids of the coins that this person watches; none for a visitor."""
    if not user.is_authenticated:
        return set()
    return set(WatchlistItem.objects.filter(user=user).values_list("coin_id", flat=True))


def watch(*, user: User, coin_id: str) -> None:
    """Put a coin on the list; there already is fine. Raises MarketRejected."""
    if not Coin.objects.filter(pk=coin_id, tracked=True).exists():
        raise MarketRejected(_("There is no such coin here."), code="unknown_coin")
    key = WatchlistItem.key(user.pk, coin_id)
    if WatchlistItem.objects.filter(pk=key).exists():
        return
    if WatchlistItem.objects.filter(user=user).count() >= MOST_WATCHED:
        raise MarketRejected(
            _("A watchlist holds up to %(most)s coins. Take one off first.")
            % {"most": MOST_WATCHED},
            code="watchlist_full",
        )
    WatchlistItem.objects.get_or_create(pk=key, defaults={"user": user, "coin_id": coin_id})


def unwatch(*, user: User, coin_id: str) -> None:
    """Take a coin off the list; not being there is fine."""
    WatchlistItem.objects.filter(pk=WatchlistItem.key(user.pk, coin_id)).delete()
