"""What every statement costs: its requests, capacity units, time, plans and scans."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter

from . import scans as scan_policy
from .errors import ScanForbidden
from .options import Options

logger = logging.getLogger("cryptopulse.dynamodb")

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
WARN_EVERY = 60.0  # seconds between two warnings about statements of the same shape


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the engine made it; botocore's own retries are part of it."""

    operation: str  # as DynamoDB names it: "GetItem"
    table: str  # without the prefix; several joined by ","
    index: str | None
    units: float  # capacity units; 0 where the answer did not say
    seconds: float
    items: int  # returned by a read, changed by a write; 0 when it failed


@dataclass(slots=True)
class Scan:
    """A whole table read by a statement; whoever reads adds to `rows`."""

    table: str
    rows: int = 0
    is_reported: bool = False


@dataclass(slots=True)
class StatementRecord:
    """One SQL statement and what it made the engine do."""

    sql: str
    started: float = field(default_factory=perf_counter)
    requests: list[Request] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def units(self) -> float:
        """Capacity units of all requests."""
        return sum(request.units for request in self.requests)


@dataclass(slots=True)
class Totals:
    """What this process has used since it started."""

    requests: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    scans: int = 0
    statements: int = 0
    conflicts: int = 0
    housekeeping: int = 0  # requests for the catalogue and schema changes, not in `requests`


class Capture:
    """What happened in this process while `capture_requests` was open."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.scans: list[Scan] = []
        self.statements: list[StatementRecord] = []

    @property
    def units(self) -> float:
        """Capacity units of all requests."""
        return sum(request.units for request in self.requests)

    def count(self, operation: str) -> int:
        """Return the number of requests of one operation."""
        return sum(request.operation == operation for request in self.requests)

    def __str__(self) -> str:
        lines = [
            f"{request.operation} {request.table}{f'.{request.index}' if request.index else ''}"
            f" ({request.items} items)"
            for request in self.requests
        ]
        lines += [f"scan of {scan.table} ({scan.rows} rows)" for scan in self.scans]
        return "\n".join(lines) or "no requests"


_lock = threading.Lock()
_totals = Totals()
#: Replaced, never changed in place, so that requests read it without a lock.
_captures: tuple[Capture, ...] = ()
#: Shape of a statement -> (when it was last warned about, how often it ran since).
_warned: dict[str, tuple[float, int]] = {}


class Meter:
    """Counts for one connection. The store's threads may add to it at the same time."""

    __slots__ = ("current", "is_housekeeping", "options", "returns_capacity")

    def __init__(self, options: Options, *, is_housekeeping: bool = False) -> None:
        self.options = options
        self.is_housekeeping = is_housekeeping
        #: Ask DynamoDB for the units of each request.
        self.returns_capacity = True
        #: The statement that requests belong to; a cursor that is read on later may set it again.
        self.current: StatementRecord | None = None

    def begin(self, sql: str) -> StatementRecord:
        """Start a statement; requests are its own until `end`."""
        record = self.current = StatementRecord(sql)
        for capture in _captures:
            capture.statements.append(record)
        return record

    def end(self, record: StatementRecord | None = None) -> None:
        """Close a statement (the current one unless told), log it and warn of its scans."""
        record = record or self.current
        if record is None:
            return
        if record is self.current:
            self.current = None
        record.seconds = perf_counter() - record.started
        with _lock:
            _totals.statements += 1
        if logger.isEnabledFor(logging.DEBUG):
            _log(record)
        for scan in record.scans:
            if scan.is_reported:
                _warn(scan, record)

    def add(self, request: Request) -> None:
        """Count one request."""
        if self.is_housekeeping:
            with _lock:
                _totals.housekeeping += 1
            return
        with _lock:
            _totals.requests += 1
            if request.operation in READS:
                _totals.read_units += request.units
            else:
                _totals.write_units += request.units
        if self.current is not None:
            self.current.requests.append(request)
        for capture in _captures:
            capture.requests.append(request)

    def plan(self, text: str) -> None:
        """Note an access path that the current statement takes."""
        if self.current is not None:
            self.current.plans.append(text)

    def conflict(self) -> None:
        """Count a unit of work that lost against another."""
        with _lock:
            _totals.conflicts += 1

    def scan(self, table: str, rows: int = 0) -> Scan:
        """Note that a whole table (db_table) is about to be read.

        Call it before the first page and add to `rows` of what it returns. Raises ScanForbidden
        where the policy says so; a table whose options call it small is never reported.
        """
        scan = Scan(table, rows)
        if self.options.table(table).small:
            return scan
        verdict = scan_policy.policy(self.options)
        if verdict == "forbid":
            raise ScanForbidden(
                f"This statement would read all of {table}. Filter by its key or an index, or "
                'wrap the call in allow_scans("reason").'
            )
        scan.is_reported = verdict == "warn"
        with _lock:
            _totals.scans += 1
        if self.current is not None:
            self.current.scans.append(scan)
        for capture in _captures:
            capture.scans.append(scan)
        return scan


def totals() -> Totals:
    """Return a copy of this process's totals."""
    with _lock:
        return replace(_totals)


@contextmanager
def capture_requests() -> Iterator[Capture]:
    """Collect the requests, scans and statements of every thread of this process."""
    global _captures  # noqa: PLW0603 - see its comment
    capture = Capture()
    with _lock:
        _captures = (*_captures, capture)
    try:
        yield capture
    finally:
        with _lock:
            _captures = tuple(other for other in _captures if other is not capture)


@contextmanager
def assert_requests(
    total: int | None = None,
    *,
    at_most: int | None = None,
    scans: int | None = 0,
    **by_operation: int,
) -> Iterator[Capture]:
    """Fail unless the block makes just these requests: `assert_requests(Query=1, GetItem=2)`.

    Operations that are named must be all, unless `total` or `at_most` speaks of the others.
    `scans=None` takes any number of scans.
    """
    if by_operation and total is None and at_most is None:
        total = sum(by_operation.values())
    with capture_requests() as capture:
        yield capture
    made = Counter(request.operation for request in capture.requests)
    wrong = [
        f"{made[operation]} {operation} instead of {wanted}"
        for operation, wanted in by_operation.items()
        if made[operation] != wanted
    ]
    if total is not None and len(capture.requests) != total:
        wrong.append(f"{len(capture.requests)} requests instead of {total}")
    if at_most is not None and len(capture.requests) > at_most:
        wrong.append(f"{len(capture.requests)} requests instead of at most {at_most}")
    if scans is not None and len(capture.scans) != scans:
        wrong.append(f"{len(capture.scans)} scans instead of {scans}")
    if wrong:
        raise AssertionError(f"{'; '.join(wrong)}:\n{capture}")


def _log(record: StatementRecord) -> None:
    logger.debug(
        "(%.3f) %s; requests=%d units=%g plan=%s",
        record.seconds,
        record.sql,
        len(record.requests),
        record.units,
        " | ".join(record.plans),
    )


_LITERALS = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|/\*.*?\*/|(?<=\?)(?:\s*,\s*\?)+")


def shape_of(sql: str) -> str:
    """Return the statement without its values, so that it can be told from others."""
    return _LITERALS.sub(lambda found: "" if found[0].startswith(("/*", ",")) else "?", sql)


def _warn(scan: Scan, record: StatementRecord) -> None:
    shape = f"{scan.table}: {shape_of(record.sql)}"
    now = monotonic()
    with _lock:
        last, count = _warned.get(shape, (-WARN_EVERY, 0))
        is_due = now - last >= WARN_EVERY
        _warned[shape] = (now, 0) if is_due else (last, count + 1)
    if is_due:
        logger.warning(
            "Read all of %s (%d rows, %d times more since the last warning): %s",
            scan.table,
            scan.rows,
            count,
            record.sql,
        )
