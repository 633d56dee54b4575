"""Paging through transactions by position: the hundredth page costs what the first does."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db.models import Q, QuerySet

from accounts import services as accounts

from .models import Transaction

MOST = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Which transactions are wanted; what is empty is not asked for."""

    coin_id: str = ""
    side: str = ""
    since: date | None = None
    until: date | None = None  # this day included
    zone: tzinfo = UTC  # in which the days begin

    def apply(self, rows: QuerySet[Transaction]) -> QuerySet[Transaction]:
        """Narrow the query. Days are a range of its index; coin and side are looked at in it."""
        if self.since is not None:
            rows = rows.filter(executed_at__gte=self._midnight(self.since))
        if self.until is not None:
            rows = rows.filter(executed_at__lt=self._midnight(self.until + timedelta(days=1)))
        if self.coin_id:
            rows = rows.filter(coin_id=self.coin_id)
        return rows.filter(side=self.side) if self.side else rows

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)


EVERYTHING = TransactionFilter()


def transactions_page(
    rows: QuerySet[Transaction], *, cursor: str, limit: int
) -> accounts.Page[Transaction]:
    """Return the newest transactions after `cursor`; one that is not ours is the first page."""
    limit = max(1, min(limit, MOST))
    if position := _read(cursor):
        at, key = position
        # The first condition alone is a range of the index, whatever a planner makes of OR.
        rows = rows.filter(executed_at__lte=at).filter(Q(executed_at__lt=at) | Q(pk__lt=key))
    found = list(rows.order_by("-executed_at", "-id")[: limit + 1])
    more = len(found) > limit
    return accounts.Page(found[:limit], _write(found[limit - 1]) if more else "")


def _write(row: Transaction) -> str:
    microseconds = (row.executed_at - _EPOCH) // timedelta(microseconds=1)
    text = f"{microseconds}:{row.pk.hex}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read(cursor: str) -> tuple[datetime, uuid.UUID] | None:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        microseconds, _, key = text.partition(":")
        return _EPOCH + timedelta(microseconds=int(microseconds)), uuid.UUID(key)
    except (ValueError, OverflowError, binascii.Error):
        return None
