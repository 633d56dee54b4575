"""What the staff write down about people, for each other. Notes are added, never changed."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.errors import AccountRejected
from accounts.models import Activity, Note, User
from accounts.pages import Page, keyset_page
from accounts.roles import Permission
from cryptopulse.atomic import run_atomic

from .activity import record
from .flags import NOTE_LENGTH, clean_text


def add_note(*, user: User, by: User, text: str, address: str | None = None) -> Note:
    """Write a note about a person, who never sees it."""
    text = clean_text(text)
    if not by.may(Permission.SUSPEND_USERS):
        raise AccountRejected(_("Only moderators and admins write notes."))
    if not text:
        raise AccountRejected(_("Write something first."), field="text")
    if len(text) > NOTE_LENGTH:
        raise AccountRejected(
            _("A note may have %(most)d characters at most.") % {"most": NOTE_LENGTH},
            field="text",
        )

    def operation() -> Note:
        note = Note.objects.create(user=user, author=by, text=text)
        summary = f"{by.username} wrote a note about {user.username}"
        record(kind=Activity.Kind.NOTED, summary=summary, user=by, subject=user, address=address)
        return note

    return run_atomic(operation)


def notes_page(*, user: User, cursor: str = "", limit: int = 20) -> Page[Note]:
    """Return the notes about a person, newest first. Two queries."""
    rows = Note.objects.filter(user=user).prefetch_related("author")
    return keyset_page(rows, cursor=cursor, limit=limit)
