"""The door of the accounts app: everything that another app may ask of it."""

from __future__ import annotations

from accounts.access import local_path, refusal, require, safe_next, wants_json
from accounts.addresses import client_address
from accounts.errors import AccountRejected
from accounts.models import Activity, ActivityHour, Flag, Note, OpenSession
from accounts.pages import Page, keyset_page

from .activity import (
    activity_page,
    activity_since,
    all_activity,
    audit_page,
    count_since,
    done_to,
    recent_activity,
    record,
)
from .data_export import Table, own_tables
from .demo import DemoPerson, make_demo_people
from .erasure import delete_account, erase_accounts, obstacle_to_leaving
from .figures import activity_by_day
from .flags import flag_called, flag_row, flags_of, flags_page, raise_flag, review_flag
from .invitations import (
    accept_invitation,
    invite,
    open_invitation,
    pending_invitations,
    resend_invitation,
    withdraw_invitation,
)
from .moderation import (
    change_role,
    obstacle_to_changing_role,
    obstacle_to_resetting,
    obstacle_to_suspending,
    restore,
    send_password_reset,
    suspend,
    suspended_count,
)
from .monitor import activity_hours, heat_of_week, read_log
from .notes import add_note, notes_page
from .people import (
    STATES,
    confirmed_ids,
    create_admin,
    people,
    person,
    person_called,
    user_counts,
    users_page,
    verified_email,
)
from .recipients import people_who_may
from .sessions import (
    begin_session,
    end_other_sessions,
    end_session,
    forget_other_sessions,
    forget_session,
    note_session,
    open_sessions,
)
from .speaking import readers, speaking_to, writing_the_log, zone_of
from .upkeep import purge_activity_hours, purge_invitations, purge_open_sessions, purge_sessions

__all__ = [
    "STATES",
    "AccountRejected",
    "Activity",
    "ActivityHour",
    "DemoPerson",
    "Flag",
    "Note",
    "OpenSession",
    "Page",
    "Table",
    "accept_invitation",
    "activity_by_day",
    "activity_hours",
    "activity_page",
    "activity_since",
    "add_note",
    "all_activity",
    "audit_page",
    "begin_session",
    "change_role",
    "client_address",
    "confirmed_ids",
    "count_since",
    "create_admin",
    "delete_account",
    "done_to",
    "end_other_sessions",
    "end_session",
    "erase_accounts",
    "flag_called",
    "flag_row",
    "flags_of",
    "flags_page",
    "forget_other_sessions",
    "forget_session",
    "heat_of_week",
    "invite",
    "keyset_page",
    "local_path",
    "make_demo_people",
    "note_session",
    "notes_page",
    "obstacle_to_changing_role",
    "obstacle_to_leaving",
    "obstacle_to_resetting",
    "obstacle_to_suspending",
    "open_invitation",
    "open_sessions",
    "own_tables",
    "pending_invitations",
    "people",
    "people_who_may",
    "person",
    "person_called",
    "purge_activity_hours",
    "purge_invitations",
    "purge_open_sessions",
    "purge_sessions",
    "raise_flag",
    "read_log",
    "readers",
    "recent_activity",
    "record",
    "refusal",
    "require",
    "resend_invitation",
    "restore",
    "review_flag",
    "safe_next",
    "send_password_reset",
    "speaking_to",
    "suspend",
    "suspended_count",
    "user_counts",
    "users_page",
    "verified_email",
    "wants_json",
    "withdraw_invitation",
    "writing_the_log",
    "zone_of",
]
