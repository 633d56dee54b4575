"""Patterns that moderators look at: raised once each, reviewed once each."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import AccountRejected
from accounts.models import Activity, Flag, User
from accounts.pages import Page, keyset_page
from accounts.patterns import Pattern
from accounts.roles import Permission
from accounts.signals import pattern_flagged
from cryptopulse.atomic import run_atomic

from .activity import record
from .moderation import obstacle_to_suspending
from .speaking import writing_the_log

logger = logging.getLogger(__name__)

NOTE_LENGTH = 500

#: Which lines each kind of pattern is made of.
KINDS: dict[str, Activity.Kind] = {
    Flag.Kind.PERSON_LOGINS: Activity.Kind.LOGIN_FAILED,
    Flag.Kind.ADDRESS_LOGINS: Activity.Kind.LOGIN_FAILED,
    Flag.Kind.TRADES: Activity.Kind.TRADED,
    Flag.Kind.ACCOUNTS: Activity.Kind.SIGNED_UP,
}


def raise_flag(*, pattern: Pattern, now: datetime) -> Flag:
    """Flag a pattern, or bring its flag up to date; tell about a new one, once.

    Where telling fails the flag is raised all the same: it is on the moderators' page.
    """
    try:
        return run_atomic(lambda: _raise(pattern, now, tell=True))
    except Exception:
        logger.exception("nobody was told of the pattern %s", pattern.key)
        return run_atomic(lambda: _raise(pattern, now, tell=False))


def _raise(pattern: Pattern, now: datetime, *, tell: bool) -> Flag:
    flag = Flag.objects.select_for_update().filter(pk=pattern.key).first()
    if flag is None:
        return _new_flag(pattern, now, tell=tell)
    if flag.count < pattern.count:
        flag.count, flag.last_at = pattern.count, pattern.last_at
        flag.save(update_fields=["count", "last_at"])
    return flag


def _new_flag(pattern: Pattern, now: datetime, *, tell: bool) -> Flag:
    """Make a flag and tell about it, in one transaction: both happen once or neither."""
    known = User.objects.filter(pk=pattern.user_id).first() if pattern.user_id else None
    flag = Flag(
        id=pattern.key,
        kind=pattern.name,
        user=known,
        address=pattern.address,
        count=pattern.count,
        first_at=pattern.first_at,
        last_at=pattern.last_at,
        announced_at=now if tell else None,
    )
    flag.save(force_insert=True)
    if tell:
        pattern_flagged.send(sender=Flag, flag=flag)
    return flag


def flags_page(*, state: str = Flag.State.OPEN, cursor: str = "", limit: int = 50) -> Page[Flag]:
    """Return the flags in this state, the newest found first. Three queries."""
    rows = Flag.objects.filter(state=state).prefetch_related("user", "reviewed_by")
    return keyset_page(rows, cursor=cursor, limit=limit, order="order")


def flags_of(*, user: User, limit: int = 20) -> list[Flag]:
    """Return the flags that name this person, the newest found first."""
    rows = Flag.objects.filter(user=user).prefetch_related("user", "reviewed_by")
    return list(rows.order_by("-order")[:limit])


def flag_called(*, flag_id: uuid.UUID) -> Flag | None:
    """Return this flag."""
    return Flag.objects.filter(pk=flag_id).first()


def review_flag(
    *, flag: Flag, by: User, note: str, now: datetime, address: str | None = None
) -> Flag:
    """Close a flag with a word on what came of it. Of two who do so at once, one is told."""
    note = clean_text(note)
    if not by.may(Permission.MONITOR_ACTIVITY):
        raise AccountRejected(_("Only a moderator may review flags."))
    if not note:
        raise AccountRejected(_("Say in a few words what you found."), field="note")
    if len(note) > NOTE_LENGTH:
        raise AccountRejected(
            _("The note may have %(most)d characters at most.") % {"most": NOTE_LENGTH},
            field="note",
        )

    def operation() -> Flag:
        held = Flag.objects.select_for_update().filter(pk=flag.pk).first()
        if held is None:
            raise AccountRejected(_("This flag no longer exists."))
        if held.state == Flag.State.REVIEWED:
            raise AccountRejected(_("Somebody has reviewed this flag already."))
        held.state, held.note = Flag.State.REVIEWED, note
        held.reviewed_by, held.reviewed_at = by, now
        held.save(update_fields=["state", "note", "reviewed_by", "reviewed_at"])
        with writing_the_log():
            summary = f"{by.username} reviewed “{held}”: {note}"
        record(
            kind=Activity.Kind.FLAG_REVIEWED,
            summary=summary, user=by, subject=held.user, address=address,
        )  # fmt: skip
        return held

    return run_atomic(operation)


def flag_row(*, flag: Flag, by: User) -> dict[str, Any]:
    """Return what a list of flags shows of one: where its lines are, and what may be done."""
    person = flag.user
    return {
        "flag": flag,
        "evidence": f"{reverse('accounts:activity')}?{urlencode(evidence(flag))}",
        "may_suspend": person is not None
        and person.is_active
        and obstacle_to_suspending(user=person, by=by) is None,
    }


def evidence(flag: Flag) -> dict[str, str]:
    """Return the filter of the activity page that shows a flag's lines, to the minute around them.

    A network is not an address that can be looked for: then kind and period say enough.
    """
    found = {
        "kind": str(KINDS[flag.kind]),
        "since": _typed(flag.first_at),
        "until": _typed(flag.last_at + timedelta(minutes=1)),
    }
    if flag.user is not None:
        found["person"] = flag.user.username
    elif flag.address and "/" not in flag.address:
        found["address"] = flag.address
    return found


def _typed(moment: datetime) -> str:
    """Write a moment as a browser's control for one does, in the zone of whoever looks."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def clean_text(text: str) -> str:
    """Return what somebody typed in one line, without what a database might choke on."""
    return " ".join(text.replace("\0", "").split())
