"""Where people are logged in, and how they log out elsewhere."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.devices import device_of
from accounts.models import Activity, OpenSession, User
from accounts.signals import session_ended

from .activity import record

_NAMESPACE = uuid.UUID("d1d0d0f4-6a37-4c55-8f5e-3f0b1b0f7c1e")
MOST_SHOWN = 100


def session_id(session_key: str) -> uuid.UUID:
    """Return the key of a session's row: it names the session and does not open it."""
    return uuid.uuid5(_NAMESPACE, session_key)


def note_session(
    *, user: User, session_key: str, user_agent: str, address: str | None, now: datetime
) -> None:
    """Write down that this session is in use: one write, and one more when it is new."""
    expires_at = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    known = OpenSession.objects.filter(pk=session_id(session_key))
    if known.update(user=user, address=address, seen_at=now, expires_at=expires_at):
        return
    begin_session(
        user=user, session_key=session_key, user_agent=user_agent, address=address, now=now
    )


def begin_session(
    *, user: User, session_key: str, user_agent: str, address: str | None, now: datetime
) -> None:
    """Write down a new session."""
    OpenSession(
        id=session_id(session_key),
        user=user,
        session_key=session_key,
        device=device_of(user_agent),
        address=address,
        began_at=now,
        seen_at=now,
        expires_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    ).save(force_insert=True)


def open_sessions(*, user: User, now: datetime) -> list[OpenSession]:
    """Return a person's sessions that still stand, the last used first. Two queries."""
    rows = list(OpenSession.objects.filter(user=user, expires_at__gt=now)[:MOST_SHOWN])
    keys = [row.session_key for row in rows]
    standing = set(
        Session.objects.filter(pk__in=keys, expire_date__gt=now).values_list("pk", flat=True)
    )
    mine = [row for row in rows if row.session_key in standing]
    return sorted(mine, key=lambda row: row.seen_at, reverse=True)


def end_session(*, user: User, session: uuid.UUID, address: str | None = None) -> bool:
    """Log a person out of one of their sessions; tell whether it was there."""
    row = OpenSession.objects.filter(pk=session, user=user).first()
    if row is None:
        return False
    _end(user, [row])
    summary = f"{user.username} logged out elsewhere: {row.device or 'unknown device'}"
    record(kind=Activity.Kind.LOGGED_OUT, summary=summary, user=user, address=address)
    return True


def end_other_sessions(*, user: User, session_key: str, address: str | None = None) -> int:
    """Log a person out of all their sessions but this one; return how many ended."""
    others = [
        row for row in OpenSession.objects.filter(user=user) if row.session_key != session_key
    ]
    _end(user, others)
    if others:
        summary = f"{user.username} logged out everywhere else ({len(others)})"
        record(kind=Activity.Kind.LOGGED_OUT, summary=summary, user=user, address=address)
    return len(others)


def forget_session(*, session_key: str) -> None:
    """Take a session off the list that was logged out of."""
    OpenSession.objects.filter(pk=session_id(session_key)).delete()


def forget_other_sessions(*, user: User, session_key: str) -> None:
    """End what an old password had opened: such a session serves nobody any more."""
    _end(user, [one for one in OpenSession.objects.filter(user=user)
                if one.session_key != session_key])  # fmt: skip


def _end(user: User, rows: list[OpenSession]) -> None:
    """Delete sessions one by one: whatever happens half-way, the rest can be ended again."""
    for row in rows:
        Session.objects.filter(pk=row.session_key).delete()
        OpenSession.objects.filter(pk=row.pk).delete()
        session_ended.send_robust(sender=OpenSession, user_id=user.pk, session_key=row.session_key)


def is_due(seen: object, *, now: datetime | None = None) -> bool:
    """Tell whether a session that was last noted at this Unix time is to be noted again."""
    moment = (now or timezone.now()).timestamp()
    return not isinstance(seen, int | float) or not 0 <= moment - seen < SEEN_EVERY


#: Seconds between two notes that a session is in use.
SEEN_EVERY = 15 * 60
