"""Saved screens: filters of the screener that a person gave a name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from market.models import Screen

from .errors import MarketRejected

if TYPE_CHECKING:
    from accounts.models import User

#: As many as fit a page; a list without an end is nobody's.
MOST_SCREENS = 50
LONGEST_NAME = 60


def saved_screens(*, user: User) -> list[Screen]:
    """Return this person's saved screens by name. One query."""
    return sorted(Screen.objects.filter(user=user), key=lambda one: one.name.casefold())


def save_screen(*, user: User, name: str, filters: dict[str, str], now: datetime) -> Screen:
    """Save filters under a name; one of the same name, whatever its capitals, is overwritten.

    Raises MarketRejected: bad_name, too_many_screens.
    """
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise MarketRejected(_("Give the screen a name."), code="bad_name")
    if len(name) > LONGEST_NAME:
        raise MarketRejected(
            _("A name has at most %(most)d characters.") % {"most": LONGEST_NAME}, code="bad_name"
        )
    key = Screen.key(user.pk, name)
    is_new = not Screen.objects.filter(pk=key).exists()
    if is_new and Screen.objects.filter(user=user).count() >= MOST_SCREENS:
        raise MarketRejected(
            _("You have %(most)d saved screens, which is the most. Delete one first.")
            % {"most": MOST_SCREENS},
            code="too_many_screens",
        )
    saved, _created = Screen.objects.update_or_create(
        pk=key, defaults={"user": user, "name": name, "filters": filters, "created_at": now}
    )
    return saved


def delete_screen(*, user: User, screen_id: str) -> None:
    """Delete one of this person's screens; not being there is fine."""
    Screen.objects.filter(pk=screen_id, user=user).delete()
