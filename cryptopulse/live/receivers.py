"""What the live part hears from the apps below; connected in the AppConfig's `ready`."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from allauth.account.signals import password_changed, password_reset
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.dispatch import receiver

from accounts.signals import role_changed, session_ended, user_suspended
from market.signals import prices_ticked, prices_updated

from .personal import close_personal
from .ticker import publish_quotes
from .visitors import NOT_LOGGED_IN, SUSPENDED, mark_of_session

prices_updated.connect(publish_quotes, dispatch_uid="live.publish_quotes")
prices_ticked.connect(publish_quotes, dispatch_uid="live.publish_ticks")


@receiver(user_suspended, dispatch_uid="live.close_suspended")
def close_suspended(*, user_id: uuid.UUID, **_: Any) -> None:
    """Put a suspended person out, everywhere."""
    transaction.on_commit(partial(close_personal, user_id, code=SUSPENDED))


@receiver(role_changed, dispatch_uid="live.close_after_role_change")
def close_after_role_change(*, user_id: uuid.UUID, **_: Any) -> None:
    """Let every page of theirs connect again with the rights of the new role."""
    transaction.on_commit(partial(close_personal, user_id, code=NOT_LOGGED_IN))


@receiver([password_changed, password_reset], dispatch_uid="live.close_after_password_change")
def close_after_password_change(*, user: Any, **_: Any) -> None:
    """End what the old password had opened; the session that changed it connects again."""
    transaction.on_commit(partial(close_personal, user.pk, code=NOT_LOGGED_IN))


@receiver(user_logged_out, dispatch_uid="live.close_after_logout")
def close_after_logout(*, request: Any, user: Any, **_: Any) -> None:
    """End the other tabs of the session that was logged out of, and no other session."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    if user is not None and key:
        transaction.on_commit(
            partial(close_personal, user.pk, code=NOT_LOGGED_IN, session_mark=mark_of_session(key))
        )


@receiver(session_ended, dispatch_uid="live.close_ended_session")
def close_ended_session(*, user_id: uuid.UUID, session_key: str, **_: Any) -> None:
    """End the tabs of a session that was ended from another device."""
    mark = mark_of_session(session_key)
    transaction.on_commit(partial(close_personal, user_id, code=NOT_LOGGED_IN, session_mark=mark))
