"""What operators are told: a feed, its budget or a job fails, and works again. Once per change.

How each does is a row. Whoever sees how it does now reports it; only a report that differs from
the row writes messages, in the transaction that changes the row. So reports may come twice, late
or not at all: the next one says the same, and the job `watch_operations` makes one each minute.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import services as accounts
from alerts.models import Notification, Watched
from alerts.services.kinds import KINDS
from alerts.services.notifications import notify, tell_operators
from alerts.services.recipients import MOST_TOLD, holders, reachable
from cryptopulse.atomic import run_atomic
from market import services as market

if TYPE_CHECKING:
    from market.models import FeedState

logger = logging.getLogger(__name__)

Kind = Notification.Kind
NAMESPACE = uuid.UUID("7a3c2f6e-4d0b-5f3e-9b5e-1f7f3a2c9d10")

#: As many failures in a row as open a feed's circuit; and of a job, before anybody is troubled.
FEED_PATIENCE = 3
JOB_PATIENCE = 3
#: A month's calls are short from here on.
SHORT_BUDGET = 0.9
#: For so long a process believes that a job which has worked has no failures noted.
BELIEVED_FOR = 600  # seconds


def report(
    *,
    key: str,
    name: str,
    is_well: bool,
    sentence: str = "",
    now: datetime,
    patience: int = 1,
) -> bool:
    """Note how something does; tell admins and the operators' topic where that has changed.

    It has failed after so many reports in a row as `patience` says. Returns whether it changed.
    """
    if is_well and not Watched.objects.filter(pk=key).exists():
        return False
    Watched.objects.get_or_create(pk=key, defaults={"since": now})

    def operation() -> bool:
        row = Watched.objects.select_for_update().get(pk=key)
        failures = 0 if is_well else row.failures + 1
        is_failing = not is_well and (row.is_failing or failures >= patience)
        has_changed = is_failing != row.is_failing
        if failures == row.failures and not has_changed:
            return False
        row.failures = min(failures, 1_000_000)
        if has_changed:
            row.is_failing, row.changes, row.since = is_failing, row.changes + 1, now
            row.sentence = sentence[:300]
            event_id = uuid.uuid5(NAMESPACE, f"{key}:{row.changes}")
            tell_admins(name=name, is_well=is_well, sentence=sentence, event_id=event_id, now=now)
        row.save()
        return has_changed

    return run_atomic(operation)


def tell_admins(
    *, name: str, is_well: bool, sentence: str, event_id: uuid.UUID, now: datetime
) -> None:
    """Write the messages of one change, in the caller's transaction."""
    with accounts.writing_the_log():
        subject, body = _words(name, is_well=is_well, sentence=sentence)
        tell_operators(subject=subject, body=body, event_id=event_id, now=now)
    admins = holders(KINDS[Kind.OPERATIONS].needs)[:MOST_TOLD]
    for person, channels in reachable(admins, Kind.OPERATIONS):
        with accounts.speaking_to(person):
            subject, body = _words(name, is_well=is_well, sentence=sentence)
        notify(
            user=person,
            kind=Kind.OPERATIONS,
            subject=subject,
            body=body,
            channels=channels,
            event_id=uuid.uuid5(event_id, person.pk.hex),
            now=now,
            url=reverse("portals:admin"),
        )


def _words(name: str, *, is_well: bool, sentence: str) -> tuple[str, str]:
    if is_well:
        return _("%(name)s works again") % {"name": name}, _("Nothing needs to be done.")
    return _("%(name)s has failed") % {"name": name}, "\n".join(
        filter(None, [sentence, _("You are told once more when it works again.")])
    )


# --- What reports -------------------------------------------------------------------------------


def watch_operations(*, now: datetime) -> int:
    """Report how every feed and its budget do; return how many have changed."""
    return sum(
        _report_feed(state, now=now) + _report_budget(state, now=now)
        for state in market.feed_states()
    )


def _report_feed(state: FeedState, *, now: datetime) -> bool:
    is_failing = state.is_misconfigured or state.failures >= FEED_PATIENCE
    return report_feed(name=state.name, is_well=not is_failing, sentence=state.last_error, now=now)


def report_feed(*, name: str, is_well: bool, sentence: str = "", now: datetime) -> bool:
    """Report how a feed does. Not every name is translated: it is the settings' word."""
    words = (
        ""
        if is_well
        else f"{sentence}\nWhat comes from {name} grows old until it answers again.".strip()
    )
    return report(
        key=f"feed:{name}", name=f"The feed {name}", is_well=is_well, sentence=words, now=now
    )


def _report_budget(state: FeedState, *, now: datetime) -> bool:
    if not state.monthly_calls:
        return False
    used = state.calls_this_month if state.month == f"{now:%Y-%m}" else 0
    is_short = used >= state.monthly_calls * SHORT_BUDGET
    sentence = (
        f"{used} of this month's {state.monthly_calls} requests are used. "
        "Prices are fetched more slowly until the month ends."
    )
    return report(
        key=f"budget:{state.name}",
        name=f"The budget of {state.name}",
        is_well=not is_short,
        sentence=sentence if is_short else "",
        now=now,
    )


def job_ended(*, task: str, error: str | None, now: datetime) -> None:
    """Report how a background job has ended. One that works costs a look into the cache.

    Never raises: a job is not undone because nobody could be told how it went.
    """
    noted = f"job-failures:{task}"
    try:
        if error is None and cache.get(noted) is False:
            return
        is_told = report(
            key=f"job:{task}"[:160],
            name=f"The job {task}",
            is_well=error is None,
            sentence=f"It ended with: {error}" if error else "",
            now=now,
            patience=JOB_PATIENCE,
        )
        cache.set(noted, error is not None, BELIEVED_FOR)
        if is_told:
            logger.info("operators are told how %s does", task)
    except Exception:
        logger.exception("how %s ended could not be noted", task)
