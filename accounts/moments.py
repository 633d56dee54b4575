"""Moments as keys: rows whose keys are in order of time are read from one moment to another."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_TIMESTAMP_SHIFT = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def key_at(moment: datetime) -> uuid.UUID:
    """Return the least key (see `cryptopulse.keys`) that a row made at this moment can have."""
    milliseconds = max(0, (moment - _EPOCH) // _MILLISECOND)
    return uuid.UUID(int=milliseconds << _TIMESTAMP_SHIFT | _VERSION_7 | _VARIANT)


def moment_of(key: uuid.UUID) -> datetime:
    """Return when a key was made, to the millisecond."""
    return _EPOCH + (key.int >> _TIMESTAMP_SHIFT) * _MILLISECOND
