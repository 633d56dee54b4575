"""Who stands behind a websocket: the address it comes from and the session it carries."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import services as accounts
from cryptopulse import limits

BAD_REQUEST = 4400
NOT_LOGGED_IN = 4401
SUSPENDED = 4403
TOO_MANY = 4429


class Seats:
    """How many websockets each client address (of IPv6 its /64) has open in this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count one more, if there is room for it."""
        address = limits.one_client(address)
        if self._taken[address] >= settings.SOCKETS_PER_ADDRESS:
            return False
        self._taken[address] += 1
        return True

    @property
    def total(self) -> int:
        """How many are open in this process, of whatever address."""
        return self._taken.total()

    def give_back(self, address: str) -> None:
        address = limits.one_client(address)
        self._taken[address] -= 1
        if self._taken[address] <= 0:
            del self._taken[address]


seats = Seats()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A logged-in person as they were when their session was last looked at."""

    user_id: uuid.UUID
    role: str
    session_mark: str


def mark_of_session(session_key: str) -> str:
    """Return a name for a session that may travel between processes; it opens nothing."""
    return salted_hmac("cryptopulse.live.session", session_key).hexdigest()[:32]


def listener_of(session_key: str | None) -> Listener | int:
    """Return who a session belongs to now, or the close code that says why nobody.

    Asks the database each time, and only reads: Channels' and Django's own functions flush or
    rotate a session here, and the browser would never get the cookie that goes with it.
    """
    if not session_key:
        return NOT_LOGGED_IN
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return NOT_LOGGED_IN
    try:
        user = accounts.person(user_id=uuid.UUID(session[SESSION_KEY]))
    except (KeyError, ValueError):
        user = None
    if user is None:
        return NOT_LOGGED_IN
    known = session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(known, candidate) for candidate in hashes):
        return NOT_LOGGED_IN
    if not user.is_active:
        return SUSPENDED
    return Listener(user_id=user.pk, role=user.role, session_mark=mark_of_session(session_key))
