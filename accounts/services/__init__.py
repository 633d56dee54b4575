"""The door of the accounts app: everything that another app may ask of it."""

from __future__ import annotations

from accounts.access import local_path, refusal, require, safe_next, wants_json
from accounts.addresses import client_address
from accounts.errors import AccountRejected
from accounts.models import Activity
from accounts.pages import Page, keyset_page

from .activity import activity_page, recent_activity, record
from .demo import DemoPerson, make_demo_people
from .invitations import accept_invitation, invite, open_invitation
from .moderation import (
    change_role,
    obstacle_to_changing_role,
    obstacle_to_suspending,
    restore,
    suspend,
)
from .people import (
    confirmed_ids,
    create_admin,
    people,
    person,
    person_called,
    user_counts,
    users_page,
    verified_email,
)
from .upkeep import purge_invitations, purge_sessions

__all__ = [
    "AccountRejected",
    "Activity",
    "DemoPerson",
    "Page",
    "accept_invitation",
    "activity_page",
    "change_role",
    "client_address",
    "confirmed_ids",
    "create_admin",
    "invite",
    "keyset_page",
    "local_path",
    "make_demo_people",
    "obstacle_to_changing_role",
    "obstacle_to_suspending",
    "open_invitation",
    "people",
    "person",
    "person_called",
    "purge_invitations",
    "purge_sessions",
    "recent_activity",
    "record",
    "refusal",
    "require",
    "restore",
    "safe_next",
    "suspend",
    "user_counts",
    "users_page",
    "verified_email",
    "wants_json",
]
