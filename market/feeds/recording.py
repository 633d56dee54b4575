"""Recorded bars: reads them from a CSV file and takes them apart into ticks. No Django."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from market.quotes import Bar, Quote

from .base import FeedError

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
#: The close comes just before the next bar opens, so that both fall into their own candles.
BEFORE_THE_NEXT = timedelta(milliseconds=1)
TICKS_PER_BAR = 4
LARGEST_FILE = 200 * 1024 * 1024  # bytes; years of minutes are a quarter of it
LARGEST_FIGURE = 18  # digits before the point
SMALLEST_FIGURE = -18
MILLISECONDS_FROM = 10**11  # a stamp from here on is no number of seconds before the year 5138
MICROSECONDS_FROM = 10**14


class _UnusableError(Exception):
    """A line is not what it should be; says what."""


def read_bars(path: str | Path, *, coin_id: str) -> list[Bar]:
    """Read a CSV file with the columns timestamp, open, high, low, close and volume.

    Times are dates, ISO 8601 (UTC where they say nothing) or Unix stamps; rows are in their
    order. Raises FeedError with one sentence that names the line.
    """
    try:
        _check_file(Path(path))
        with Path(path).open(newline="", encoding="utf-8-sig") as lines:
            bars = list(_rows(csv.DictReader(lines), coin_id=coin_id, name=str(path)))
    except OSError as error:
        raise _bad(f"The recording {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise _bad(f"The recording {path} is not a text file in UTF-8.") from error
    if not bars:
        raise _bad(f"The recording {path} has no bars.")
    step = min((b.start - a.start for a, b in pairwise(bars)), default=timedelta(days=1))
    return [replace(bar, step=step) for bar in bars]


def _check_file(path: Path) -> None:
    """Refuse what has no end, such as a device or a pipe, and what would not fit in memory."""
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # a folder: see open
        raise _bad(f"The recording {path} is not a file.")
    if status.st_size > LARGEST_FILE:
        raise _bad(
            f"The recording {path} is larger than {LARGEST_FILE // 1024**2} MB; cut it into parts."
        )


def _rows(reader: csv.DictReader[str], *, coin_id: str, name: str) -> Iterator[Bar]:
    before = None
    try:
        _name_columns(reader)
        for row in reader:
            bar = _bar(row, coin_id, after=before)
            before = bar.start
            yield bar
    except (_UnusableError, csv.Error) as error:
        line = max(1, reader.line_num)
        raise _bad(f"The recording {name} is not usable: line {line}: {error}.") from error


def _name_columns(reader: csv.DictReader[str]) -> None:
    titles = [title.strip().casefold() for title in reader.fieldnames or []]
    missing = [column for column in COLUMNS if column not in titles]
    if missing:
        raise _UnusableError(
            f"it must name the columns {', '.join(COLUMNS)}, and lacks {', '.join(missing)}"
        )
    reader.fieldnames = titles


def _bar(row: dict[str, str | None], coin_id: str, *, after: datetime | None) -> Bar:
    start = _time(row["timestamp"] or "")
    if after is not None and start <= after:
        raise _UnusableError(f"its time {start:%Y-%m-%d %H:%M} does not follow the last")
    opened, high, low, closed = (_figure(row, name) for name in ("open", "high", "low", "close"))
    if min(opened, high, low, closed) <= 0:
        raise _UnusableError("a price must be greater than 0")
    if high < low:
        raise _UnusableError(f"the high {high} is below the low {low}")
    if not (low <= min(opened, closed) and max(opened, closed) <= high):
        raise _UnusableError(f"open and close must lie between the low {low} and the high {high}")
    volume = _figure(row, "volume")
    if volume < 0:
        raise _UnusableError(f"the volume {volume} is negative")
    return Bar(
        coin_id=coin_id,
        start=start,
        open=opened,
        high=high,
        low=low,
        close=closed,
        volume=volume,
    )


def _figure(row: dict[str, str | None], column: str) -> Decimal:
    text = (row[column] or "").strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise _UnusableError(f"{column} is “{text[:40]}”, not a number")
    if value and not SMALLEST_FIGURE <= value.adjusted() < LARGEST_FIGURE:
        raise _UnusableError(f"{column} is {text[:40]}, beyond any price or volume")
    return value


def _time(text: str) -> datetime:
    text = text.strip()
    try:
        is_stamp = text.isascii() and text.replace(".", "", 1).isdigit()
        if is_stamp and len(text) > len("20170817"):  # which is a date
            stamp = Decimal(text)
            if stamp >= MICROSECONDS_FROM:
                stamp /= 10**6
            elif stamp >= MILLISECONDS_FROM:
                stamp /= 10**3
            return datetime.fromtimestamp(float(stamp), tz=UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _UnusableError(
            f"timestamp is “{text[:40]}”, neither a date nor a Unix time"
        ) from error


def ticks(bars: Iterable[Bar], *, source: str) -> Iterator[Quote]:
    """Take each bar apart into four quotes at 0, 1/3, 2/3 and the end of its interval.

    A bar that closed up went to its low first, any other to its high: the order in which most
    did. Its volume is spread over the three ticks that follow the opening.
    """
    for bar in bars:
        step = bar.step or timedelta(days=1)
        low_first = bar.close > bar.open
        prices = (bar.open, *((bar.low, bar.high) if low_first else (bar.high, bar.low)), bar.close)
        times = (timedelta(0), step / 3, 2 * step / 3, step - BEFORE_THE_NEXT)
        third = ((bar.volume or Decimal(0)) / 3).quantize(Decimal("1e-8"))
        volumes = (Decimal(0), third, third, (bar.volume or Decimal(0)) - 2 * third)
        for price, after, volume in zip(prices, times, volumes, strict=True):
            yield Quote(
                coin_id=bar.coin_id,
                price=price,
                price_at=bar.start + after,
                source=source,
                volume=None if bar.volume is None else volume,
            )


def _bad(sentence: str) -> FeedError:
    return FeedError(sentence, misconfigured=True)
