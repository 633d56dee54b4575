"""A lease in the database: of several processes that could do a thing, one does it.

The moment until which it runs is its own mark: whoever wrote it knows it, and only who finds what
it read still there may write the next. No clock is asked who was first.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from cryptopulse.atomic import run_atomic
from market.models import FeedState

#: Whose turn it is to run the streams; a row among the feeds that is none.
STREAM_LEASE = "stream"
#: A process that died is replaced after this.
LEASE = timedelta(seconds=15)
#: A lease that runs longer than a clock here can be wrong is nobody's.
LONGEST = LEASE + timedelta(minutes=2)


def hold_lease(*, name: str, mine: datetime | None, now: datetime) -> datetime | None:
    """Take the lease, or renew `mine`; return until when it runs, None while another has it."""
    held = FeedState.objects.get_or_create(name=name)[0].next_fetch_at
    if held is not None and held != mine and now < held < now + LONGEST:
        return None
    mark = random.randrange(1000)  # noqa: S311 (two processes of one moment differ)
    until = now + LEASE + timedelta(microseconds=mark)
    rows = FeedState.objects.filter(name=name, next_fetch_at=held)
    return until if run_atomic(lambda: rows.update(next_fetch_at=until)) else None


def release_lease(*, name: str, mine: datetime) -> None:
    """Let the next process have it now; a lease that was lost stays the other's."""
    rows = FeedState.objects.filter(name=name, next_fetch_at=mine)
    run_atomic(lambda: rows.update(next_fetch_at=None))
