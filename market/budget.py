"""What a feed may still do: whose turn it is, calls left, and when to leave a source alone.

Everything that must hold between processes and over a restart is the feed's `FeedState` row; the
calls of the current minute are counted in the cache, which processes share where there are
several. None of it may be called inside a transaction: a fetch is not part of one.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db.models import F, Q

from cryptopulse.atomic import run_atomic

from .feeds.base import FeedError
from .models import FeedState
from .signals import feed_failed

logger = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=1)  # between machines, at the most
FAILURES_UNTIL_OPEN = 3
FIRST_WAIT = timedelta(seconds=60)  # of an open circuit; doubles with each further failure
LONGEST_WAIT = timedelta(seconds=300)
SHARE_TO_SPEND_FREELY = 0.9  # of a month's calls; the rest is stretched over what is left of it


class FeedPaused(FeedError):  # noqa: N818 (the feed is well; we wait)
    """We ourselves hold a call back (open circuit, budget): the source has not failed."""


# --- Whose turn it is -------------------------------------------------------------------------


def claim_fetch(*, name: str, interval: timedelta, now: datetime) -> bool:
    """Take the right to fetch this feed now; False when it is not due or another worker has it.

    The next fetch is an interval after the last one was *due*, so that late workers do not make
    the rhythm drift; a rhythm that was missed starts anew from now.
    """
    due = _state(name).next_fetch_at
    following = _following(due, interval, now)
    if following is None:
        return False
    claimed = run_atomic(
        # Two workers may have read the same due time; only the first still finds it there.
        lambda: FeedState.objects.filter(name=name, next_fetch_at=due).update(
            next_fetch_at=following
        )
    )
    return claimed == 1


def _following(due: datetime | None, interval: timedelta, now: datetime) -> datetime | None:
    """Return when the fetch after this one is due, or None while this one is not."""
    slack = min(interval / 10, timedelta(seconds=1))  # a scheduler that is a little early
    # A longer interval than today's has set it: a budget that was short, another plan.
    is_left_over = due is not None and due > now + 2 * interval + CLOCKS_DIFFER
    if due is None or is_left_over or now >= due + interval:
        return now + interval
    return due + interval if now >= due - slack else None


# --- Health -----------------------------------------------------------------------------------


def is_open(*, name: str, now: datetime) -> bool:
    """Tell whether the source is to be left alone now (circuit open, or it asked us to wait).

    When the wait is over the circuit is half open: the next fetch is tried, and a single further
    failure opens it again for longer.
    """
    return FeedState.objects.filter(name=name, open_until__gt=now).exists()


def record_success(*, name: str, now: datetime) -> None:
    """Note that the feed delivered: the circuit closes and old errors are forgotten."""
    state = _state(name)
    if state.failures or state.last_error:
        logger.info("feed %s delivers again after %d failures", name, state.failures)
    run_atomic(
        lambda: FeedState.objects.filter(name=name).update(
            failures=0,
            open_until=None,
            last_success_at=now,
            last_error="",
            is_misconfigured=False,
        )
    )


def record_failure(
    *,
    name: str,
    error: FeedError,
    now: datetime,
    again_at: datetime | None = None,
    is_quiet: bool = False,
) -> None:
    """Note that the feed did not deliver; the third failure in a row opens the circuit.

    A stream is tried again by a rhythm of its own: then `again_at` says when. `is_quiet`: the log
    has it already.

    A wrong setting opens it at once, because no retry helps; it is still tried every few minutes,
    so that a mended one shows. An error about a single question (permanent, but nothing to
    configure) is kept for an admin to see and does not speak against the feed.
    """
    _state(name)

    def operation() -> bool:
        state = FeedState.objects.select_for_update().get(name=name)
        if isinstance(error, FeedPaused) and state.open_until and state.open_until > now:
            return False  # what opened the circuit is worth more than that it is open
        was_in_trouble = _is_in_trouble(state)
        state.last_error = str(error)[:300]
        state.last_error_at = now
        if not isinstance(error, FeedPaused):
            _count_failure(state, error, now)
            if again_at is not None:
                state.open_until = again_at if _is_in_trouble(state) else None
        state.save(
            update_fields=[
                "last_error", "last_error_at", "failures", "open_until", "is_misconfigured",
            ]
        )  # fmt: skip
        return _is_in_trouble(state) and not was_in_trouble

    is_new_trouble = run_atomic(operation)
    logger.log(logging.DEBUG if is_quiet else logging.WARNING, "feed %s: %s", name, error)
    if is_new_trouble:
        feed_failed.send_robust(sender=FeedState, name=name, sentence=str(error), now=now)


def _is_in_trouble(state: FeedState) -> bool:
    """Tell whether operators want to know: a wrong setting, or nothing for three tries."""
    return state.is_misconfigured or state.failures >= FAILURES_UNTIL_OPEN


def _count_failure(state: FeedState, error: FeedError, now: datetime) -> None:
    if error.permanent and not error.misconfigured:
        return
    state.failures += 1
    state.is_misconfigured = error.misconfigured
    wait = error.retry_after or timedelta(0)
    if error.misconfigured:
        wait = LONGEST_WAIT
    elif state.failures >= FAILURES_UNTIL_OPEN:
        doublings = min(state.failures - FAILURES_UNTIL_OPEN, 10)
        wait = max(wait, FIRST_WAIT * 2**doublings)
    if wait:
        until = now + min(wait, LONGEST_WAIT)
        state.open_until = max(state.open_until or until, until)


def pause(*, name: str, until: datetime) -> None:
    """Leave the source alone until then, in every process: it has asked for it (HTTP 429)."""
    _state(name)
    sooner = Q(open_until__isnull=True) | Q(open_until__lt=until)
    run_atomic(lambda: FeedState.objects.filter(sooner, name=name).update(open_until=until))


def failures_in_a_row(*, name: str, now: datetime) -> int:
    """Return how often the feed has failed since it last delivered; 0 when it is well.

    Raises FeedPaused while the source is to be left alone.
    """
    state = FeedState.objects.filter(name=name).first()
    if state is None:
        return 0
    if state.open_until is None or state.open_until <= now:
        return state.failures
    reason = f" The last error: {state.last_error}" if state.last_error else ""
    raise FeedPaused(
        f"{name} is left alone until {state.open_until.astimezone(UTC):%H:%M:%S} UTC.{reason}",
        retry_after=state.open_until - now,
    )


# --- Budget -----------------------------------------------------------------------------------


def take_turn(*, name: str, per_minute: int, now: datetime) -> None:
    """Count one call of this minute; raises FeedPaused when the minute has no more of them.

    The last minute's calls weigh in by the part of them that still lies within sixty seconds, so
    that the turn of a minute does not let twice as many through.
    """
    minute, into = divmod(now.timestamp(), 60)
    key = f"feed-calls:{name}:{int(minute)}"
    earlier: int = cache.get(f"feed-calls:{name}:{int(minute) - 1}", 0)
    cache.add(key, 0, timeout=180)
    here = cache.incr(key)
    if here + earlier * (1 - into / 60) <= per_minute:
        return
    cache.decr(key)
    wait = timedelta(seconds=max(1.0, 60 - into))
    raise FeedPaused(
        f"{name} has had its {per_minute} calls of this minute; "
        f"try again in {wait.total_seconds():.0f} s.",
        retry_after=wait,
    )


def spend_call(*, name: str, monthly: int | None, now: datetime) -> None:
    """Count one call of this month (UTC) before it is made; failures cost as much as answers.

    Raises FeedPaused, which says when the budget renews, when all `monthly` calls are spent.
    """
    _state(name)
    month = f"{now.astimezone(UTC):%Y-%m}"

    def operation() -> int:
        rows = FeedState.objects.filter(name=name)
        rows.filter(month__lt=month).update(month=month, calls_this_month=0)
        if monthly is not None:
            rows = rows.filter(calls_this_month__lt=monthly)
        return rows.update(calls_this_month=F("calls_this_month") + 1)

    if run_atomic(operation):
        return
    renewal = _renewal(now)
    raise FeedPaused(
        f"{name} has spent its {monthly} calls of this month. The budget renews on "
        f"{renewal:%d %B %Y} at 00:00 UTC; a larger plan (COINGECKO_PLAN) ends the wait.",
        retry_after=renewal - now,
    )


def calls_left(*, name: str, monthly: int, now: datetime) -> int:
    """Return how many calls of this month's budget are left."""
    state = FeedState.objects.filter(name=name).first()
    if state is None or state.month < f"{now.astimezone(UTC):%Y-%m}":
        return monthly
    return max(0, monthly - state.calls_this_month)


def paced_interval(
    *, name: str, shortest: timedelta, monthly: int, calls_per_fetch: int, now: datetime
) -> timedelta:
    """Return the wait between fetches with which the month's calls last until its end.

    Nine tenths of them are for fetching at an even pace; when less than a tenth is left, what is
    left is stretched over the seconds left. With none left it reaches to the renewal.
    """
    renewal = _renewal(now)
    fetches = monthly * SHARE_TO_SPEND_FREELY / calls_per_fetch
    interval = max(shortest, (renewal - _month_start(now)) / fetches)
    left = calls_left(name=name, monthly=monthly, now=now)
    if left < monthly * (1 - SHARE_TO_SPEND_FREELY):
        interval = max(interval, (renewal - now) / max(1, left // calls_per_fetch))
    return interval


def _month_start(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _renewal(now: datetime) -> datetime:
    return _month_start(_month_start(now) + timedelta(days=32))


def _state(name: str) -> FeedState:
    return FeedState.objects.get_or_create(name=name)[0]
