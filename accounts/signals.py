"""What this app tells whoever listens. Both are sent after the change is committed."""

from __future__ import annotations

from django.dispatch import Signal

#: A person may do nothing any more. Argument: `user_id`.
user_suspended = Signal()

#: A person has another role, and with it other rights. Argument: `user_id`.
role_changed = Signal()
