"""What this app tells whoever listens, after the change is committed where nothing else is said."""

from __future__ import annotations

from django.dispatch import Signal

#: A person may do nothing any more. Argument: `user_id`.
user_suspended = Signal()

#: A person has another role, and with it other rights. Argument: `user_id`.
role_changed = Signal()

#: A session was ended from another one. Arguments: `user_id`, `session_key`.
session_ended = Signal()

#: A new pattern is flagged, once for each flag. Sent inside the transaction that says so, so that
#: what a receiver writes commits with it; it may be run again. Argument: `flag` (accounts.Flag).
pattern_flagged = Signal()
