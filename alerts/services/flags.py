"""Telling moderators of a flagged pattern."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import services as accounts
from alerts.models import Notification
from alerts.services.kinds import KINDS
from alerts.services.notifications import notify
from alerts.services.recipients import MOST_TOLD, holders, reachable

if TYPE_CHECKING:
    from accounts.models import Flag

Kind = Notification.Kind


def tell_of_flag(*, flag: Flag, now: datetime) -> None:
    """Write a new flag's messages in the caller's transaction; the same flag twice is once."""
    moderators = holders(KINDS[Kind.FLAGS].needs)[:MOST_TOLD]
    for person, channels in reachable(moderators, Kind.FLAGS):
        with accounts.speaking_to(person):
            notify(
                user=person,
                kind=Kind.FLAGS,
                subject=_("Flagged: %(pattern)s") % {"pattern": flag.get_kind_display()},
                body=_body(flag),
                channels=channels,
                event_id=uuid.uuid5(flag.pk, f"flagged:{person.pk.hex}"),
                now=now,
                url=reverse("portals:moderator"),
            )


def _body(flag: Flag) -> str:
    who = flag.user.username if flag.user else flag.address
    return _("%(who)s: %(count)s times. Look at it and decide what it is.") % {
        "who": who or _("Somebody unknown"),
        "count": flag.count,
    }
