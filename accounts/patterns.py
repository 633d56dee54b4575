"""Patterns in the log that somebody should look at. Pure; no Django.

A rule says how many lines of a kind, about one person or from one address, within how many
seconds, are a pattern. Time is cut into windows of that length, aligned to the clock: a pattern
belongs to the window in which a line makes the number full, and so one goes on being the same
pattern until the window ends. What is found follows from the set of lines alone: neither their
order nor lines that come twice change it.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Names of patterns live under this one (RFC 9562, version 5).
NAMESPACE = uuid.UUID("5f8dd1f6-3a0e-4a53-9f0d-6a7be2c2b1aa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a pattern needs of a line of the log."""

    id: uuid.UUID
    kind: str
    user_id: uuid.UUID | None
    address: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """So many lines of this kind, about one person or from one address, in so much time."""

    name: str
    kind: str
    by_address: bool
    count: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a rule found: `count` lines from `first_at` to `last_at`."""

    key: uuid.UUID
    name: str
    window: datetime
    user_id: uuid.UUID | None
    address: str
    count: int
    first_at: datetime
    last_at: datetime


def find(lines: Iterable[Line], rule: Rule) -> list[Pattern]:
    """Return the patterns of one rule, oldest first."""
    subjects: dict[tuple[uuid.UUID | None, str], dict[uuid.UUID, Line]] = defaultdict(dict)
    for line in lines:
        subject = _subject(line, rule)
        if subject is not None and line.kind == rule.kind:
            subjects[subject][line.id] = line
    found = [
        pattern
        for (user_id, address), mine in subjects.items()
        if len(mine) >= rule.count
        for pattern in _of_subject(
            sorted(mine.values(), key=lambda line: (line.at, line.id)), rule, user_id, address
        )
    ]
    return sorted(found, key=lambda pattern: (pattern.first_at, pattern.key))


def window_of(at: datetime, seconds: int) -> datetime:
    """Return when the window that this moment lies in began."""
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the /64, which one client has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)


def _subject(line: Line, rule: Rule) -> tuple[uuid.UUID | None, str] | None:
    if rule.by_address:
        return (None, network_of(line.address)) if line.address else None
    return (line.user_id, "") if line.user_id else None


def _of_subject(
    lines: Sequence[Line], rule: Rule, user_id: uuid.UUID | None, address: str
) -> Iterable[Pattern]:
    """Yield a pattern for each window in which a line makes the number full."""
    length = timedelta(seconds=rule.seconds)
    begins: dict[datetime, int] = {}  # window -> the first line of the evidence
    for last in range(rule.count - 1, len(lines)):
        first = last - rule.count + 1
        if lines[last].at - lines[first].at < length:
            begins.setdefault(window_of(lines[last].at, rule.seconds), first)
    for window, first in begins.items():
        evidence = [line for line in lines[first:] if line.at < window + length]
        yield Pattern(
            key=uuid.uuid5(NAMESPACE, f"{rule.name}|{user_id or address}|{window.isoformat()}"),
            name=rule.name,
            window=window,
            user_id=user_id,
            address=address,
            count=len(evidence),
            first_at=evidence[0].at,
            last_at=evidence[-1].at,
        )
