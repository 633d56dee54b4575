"""Reads the figures of answers: whatever is missing, odd or absurd becomes None."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

SMALLEST_PRICE = Decimal("1e-18")  # what a column of prices takes
LARGEST_PRICE = Decimal("1e18")
ABSURD = 36  # digits before or after the point that no price or supply has
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_RETRY_AFTER = timedelta(seconds=300)


def number(value: object) -> Decimal | None:
    """Return a JSON number as a finite Decimal of a size that figures of a market have."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    result = Decimal(value)
    return result if result.is_finite() and abs(result.adjusted()) <= ABSURD else None


_WRITTEN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?(e-?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)


def price(value: object) -> Decimal | None:
    """Return a price, a JSON number or one written as text, that a market can have."""
    if isinstance(value, str):
        value = Decimal(value) if _WRITTEN.fullmatch(value) else None
    result = number(value)
    return result if result is not None and SMALLEST_PRICE <= result < LARGEST_PRICE else None


def moment(value: object) -> datetime | None:
    """Read a time: ISO 8601 (UTC where it says nothing), or Unix seconds or milliseconds."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        else:
            stamp = number(value)
            if stamp is None:
                return None
            at = datetime.fromtimestamp(float(stamp / 1000 if stamp > 10**11 else stamp), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if datetime(2009, 1, 3, tzinfo=UTC) <= at < LATEST else None


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or a date; at most five minutes, None if unreadable."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 10**6))
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)
