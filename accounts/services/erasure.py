"""Leaving: a person deletes their account.

At once and in one transaction the account is closed, its names are free again and every session
is worth nothing; then a job deletes what belongs to it, a few rows at a time. Any chunk may be the
last before the process dies: the job finds the account again and goes on with what is left.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.errors import AccountRejected
from accounts.models import Activity, Erasure, Invitation, OpenSession, User
from accounts.roles import Role
from accounts.signals import user_suspended
from cryptopulse.atomic import run_atomic
from cryptopulse.engine import reading_all

from .activity import record
from .belongings import Tie, ties

logger = logging.getLogger(__name__)

#: Rows in one transaction: with what constraints keep beside them they fit DynamoDB's hundred.
CHUNK = 20
NOBODY = "somebody"
#: Lines that name somebody without being tied to an account: an address, or what was looked for.
NAMING = (Activity.Kind.INVITED, Activity.Kind.UNINVITED, Activity.Kind.EXPORTED)
_WHY = "erasing an account"


def obstacle_to_leaving(*, user: User) -> str | None:
    """Say why this person may not delete their account; None where they may. One query at most."""
    if user.role != Role.ADMIN:
        return None
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if others.exists():
        return None
    return _("You are the only admin. Make somebody else an admin first.")


def delete_account(*, user: User, now: datetime, address: str | None = None) -> None:
    """Close a person's account for good and have it erased. Raises AccountRejected.

    From here on nobody can log in to it, its sessions serve nobody, and its username and e-mail
    address are free.
    """

    def operation() -> bool:
        # The admins are locked, so that the last two cannot leave at once.
        admins = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True)
        left = {row.pk for row in admins.order_by("pk")} if user.role == Role.ADMIN else set()
        person = User.objects.select_for_update().filter(pk=user.pk).first()
        if person is None or Erasure.objects.filter(pk=user.pk).exists():
            return False
        if person.role == Role.ADMIN and not left - {person.pk}:
            raise AccountRejected(_("You are the only admin. Make somebody else an admin first."))
        Erasure.objects.create(
            id=person.pk, username=person.username, email=person.email, requested_at=now
        )
        EmailAddress.objects.filter(user=person).delete()
        _close(person)
        record(kind=Activity.Kind.ACCOUNT_DELETED, summary="An account was deleted by its owner",
               address=address)  # fmt: skip
        return True

    if run_atomic(operation):
        user_suspended.send_robust(sender=User, user_id=user.pk)
        _wake()


def _close(person: User) -> None:
    """Free a person's names and shut the account; without a password no session stands."""
    person.username = f"deleted-{person.pk.hex}"
    person.email = f"{person.pk.hex}@deleted.invalid"
    person.first_name = person.last_name = ""
    person.is_active = False
    person.notification_choices = {}
    person.set_unusable_password()
    person.save()


def _wake() -> None:
    """Ask a worker to begin; where no broker answers, the beat does it."""

    def enqueue() -> None:
        from accounts.tasks import erase_accounts as job

        try:
            job.apply_async(retry=False, expires=60)
        except Exception as error:  # whatever a broker raises is not the person's trouble
            logger.warning("no broker (%s): the beat will erase", error)

    transaction.on_commit(enqueue, robust=True)


# --- The job --------------------------------------------------------------------------------


def erase_accounts() -> int:
    """Erase the accounts that wait for it; return how many are gone. May be run at any time."""
    erased = 0
    for waiting in Erasure.objects.order_by("pk")[:100]:
        try:
            erase(waiting)
            erased += 1
        except Exception:
            logger.exception("account %s is not erased yet; the next run goes on", waiting.pk)
    return erased


def erase(waiting: Erasure) -> None:
    """Erase one account, chunk by chunk; the account's own row is the last to go."""
    _forget_sessions(waiting.pk)
    _take_names_out(waiting)
    for tie in ties():
        if tie.goes:
            _delete_rows(tie, [waiting.pk])
        else:
            _untie_rows(tie, waiting.pk)
    run_atomic(partial(_finish, waiting.pk))


def _finish(user_id: uuid.UUID) -> None:
    """Delete the account itself, with the few rows that may have come in the meantime."""
    with reading_all(_WHY):
        for person in User.objects.filter(pk=user_id):
            person.delete()
    Erasure.objects.filter(pk=user_id).delete()


def _delete_rows(tie: Tie, owners: Sequence[object]) -> None:
    """Delete the rows that name these owners, first what names those rows."""
    below = [each for each in ties(tie.model) if each.goes]
    while keys := _keys(tie, owners):
        for each in below:
            _delete_rows(each, keys)
        run_atomic(partial(_delete, tie.model, keys))


def _keys(tie: Tie, owners: Sequence[object]) -> list[object]:
    with reading_all(_WHY):  # not every tie has an index of its own
        rows = tie.model._default_manager.filter(**{f"{tie.field}__in": owners})  # noqa: SLF001
        return list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])


def _delete(model: type[Model], keys: Sequence[object]) -> None:
    with reading_all(_WHY):
        model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001


def _untie_rows(tie: Tie, user_id: uuid.UUID) -> None:
    """Let the rows that stay forget the person."""
    while keys := _keys(tie, [user_id]):
        run_atomic(partial(_untie, tie, keys))


def _untie(tie: Tie, keys: Sequence[object]) -> None:
    rows = tie.model._default_manager.filter(pk__in=keys)  # noqa: SLF001
    rows.update(**{tie.field: None})


def _forget_sessions(user_id: uuid.UUID) -> None:
    """Delete the sessions on the person's list; the list itself goes with what is theirs."""
    keys = OpenSession.objects.filter(user_id=user_id).values_list("session_key", flat=True)
    for key in list(keys):
        Session.objects.filter(pk=key).delete()


# --- The log ---------------------------------------------------------------------------------


def _take_names_out(waiting: Erasure) -> None:
    """Take the person's names out of the log's lines about them, and invitations to them.

    Done before the lines forget whom they are about: until all are done they can be found.
    """
    for field in ("user", "subject"):
        _rewrite({f"{field}_id": waiting.pk}, waiting)
    for kind in NAMING:
        _rewrite({"kind": kind}, waiting)
    Invitation.objects.filter(email=waiting.email).delete()


def _rewrite(wanted: dict[str, object], waiting: Erasure) -> None:
    last: uuid.UUID | None = None
    while True:
        rows = Activity.objects.filter(**wanted).order_by("pk")
        with reading_all(_WHY):
            page = list((rows.filter(pk__gt=last) if last else rows)[:CHUNK])
        if not page:
            return
        changed = [
            (row.pk, text)
            for row in page
            if (text := without_names(row.summary, waiting.username, waiting.email)) != row.summary
        ]
        if changed:
            run_atomic(partial(_write_summaries, changed))
        last = page[-1].pk


def _write_summaries(changed: Sequence[tuple[uuid.UUID, str]]) -> None:
    for key, text in changed:
        Activity.objects.filter(pk=key).update(summary=text)


def without_names(text: str, *names: str) -> str:
    """Return a text in which whole words that are one of these names name nobody."""
    for name in filter(None, names):
        whole = rf"(?<![\w.@+-]){re.escape(name)}(?![\w@+-]|\.\w)"
        text = re.sub(whole, NOBODY, text, flags=re.IGNORECASE)
    return text
