"""Recorded bars become ticks in the order in which they most likely came; bad files are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from market.feeds import FeedError
from market.feeds.replay import ReplayFeed
from market.models import Resolution
from tests.conftest import NOW

HEADER = "timestamp,open,high,low,close,volume\n"
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)


def write(folder: Path, text: str, *, header: str = HEADER, name: str = "bars.csv") -> str:
    path = folder / name
    path.write_text(header + text, encoding="utf-8")
    return str(path)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


# --- Ticks ------------------------------------------------------------------------------------


def test_a_bar_that_closed_up_went_to_its_low_first(tmp_path: Path) -> None:
    path = write(tmp_path, "2020-03-11,100,120,90,110,9\n2020-03-12,110,111,109,110.5,1\n")

    ticks = list(ReplayFeed(path=path).ticks())[:4]

    assert [tick.price for tick in ticks] == [100, 90, 120, 110]
    start = at("2020-03-11")
    assert [tick.price_at - start for tick in ticks] == [
        timedelta(0), timedelta(hours=8), timedelta(hours=16), DAY - MILLISECOND,
    ]  # fmt: skip
    assert {(tick.coin_id, tick.source) for tick in ticks} == {("bitcoin", "replay")}


@pytest.mark.parametrize("close", ["95", "100"])
def test_any_other_bar_went_to_its_high_first(tmp_path: Path, close: str) -> None:
    path = write(tmp_path, f"2020-03-11,100,120,90,{close},9\n")

    assert [tick.price for tick in ReplayFeed(path=path).ticks()] == [100, 120, 90, Decimal(close)]


def test_the_ticks_of_a_bar_fall_into_its_candle_and_its_volume_adds_up(tmp_path: Path) -> None:
    path = write(tmp_path, "2020-03-11 00:00,5,6,4,5,10\n2020-03-11 01:00,5,6,4,5,0.00000001\n")

    ticks = list(ReplayFeed(path=path).ticks())

    for bar, four in ((0, ticks[:4]), (1, ticks[4:])):
        start = at("2020-03-11") + bar * timedelta(hours=1)
        assert {Resolution.HOUR.start_of(tick.price_at) for tick in four} == {start}
    assert sum(tick.volume or 0 for tick in ticks[:4]) == 10
    assert sum(tick.volume or 0 for tick in ticks[4:]) == Decimal("1e-8")
    assert all(earlier.price_at < later.price_at for earlier, later in pairwise(ticks))


def test_only_the_bars_that_begin_in_the_span_are_replayed(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"2020-03-{day},5,6,4,5,1\n" for day in range(10, 20)))

    ticks = list(ReplayFeed(path=path).ticks(at("2020-03-12"), at("2020-03-14")))

    assert (len(ticks), ticks[0].price_at) == (8, at("2020-03-12"))
    assert ticks[-1].price_at < at("2020-03-14")


def test_the_recorded_crash_of_march_2020_is_replayed_tick_by_tick(recorded_data: Path) -> None:
    path = recorded_data / "binance_BTCUSDT_1d_2017-08-17_2026-03-04.csv"

    ticks = list(ReplayFeed(path=str(path)).ticks(at("2020-03-12"), at("2020-03-13")))

    assert [tick.price for tick in ticks] == [
        Decimal("7934.58"), Decimal("7966.17"), Decimal(4410), Decimal(4800),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("binance_BTCUSDT_1d_2017-08-17_2026-03-04.csv", 3122),
        ("binance_ETHUSDT_1d_2017-08-17_2026-03-04.csv", 3122),
        ("binance_PEPEUSDT_1d_2023-06-09_2026-03-04.csv", 1000),
    ],
)
def test_the_recorded_years_are_read_whole(recorded_data: Path, name: str, rows: int) -> None:
    feed = ReplayFeed(path=str(recorded_data / name))

    assert len(feed.bars) == rows
    assert {bar.step for bar in feed.bars} == {DAY}
    assert len(list(feed.ticks())) == 4 * rows


# --- What a time may look like ----------------------------------------------------------------


@pytest.mark.parametrize(
    "stamp",
    [
        "2020-03-11",
        "20200311",
        "2020-03-11 00:00:00",
        "2020-03-11T00:00:00Z",
        "2020-03-11T01:00:00+01:00",
        "1583884800",
        "1583884800.0",
        "1583884800000",
        "1583884800000000",
        " 2020-03-11 ",
    ],
)
def test_dates_iso_times_and_unix_stamps_are_understood(tmp_path: Path, stamp: str) -> None:
    feed = ReplayFeed(path=write(tmp_path, f"{stamp},5,6,4,5,1\n"))
    assert feed.bars[0].start == at("2020-03-11")


def test_more_columns_other_orders_blank_lines_and_a_byte_order_mark_are_fine(
    tmp_path: Path,
) -> None:
    header = "\ufeffClose, Volume,Trades,TIMESTAMP,open,high,low\n"
    feed = ReplayFeed(path=write(tmp_path, "\n5,1,77,2020-03-11,5,6,4\n\n", header=header))

    [bar] = feed.bars
    assert [bar.open, bar.high, bar.low, bar.close, bar.volume] == [5, 6, 4, 5, 1]


def test_gaps_in_a_recording_stay_gaps(tmp_path: Path) -> None:
    days = ("2011-09-28", "2011-09-29", "2011-10-03", "2011-10-04")
    feed = ReplayFeed(path=write(tmp_path, "".join(f"{day},5,6,4,5,1\n" for day in days)))

    assert [bar.start for bar in feed.bars] == [at(day) for day in days]
    assert {bar.step for bar in feed.bars} == {DAY}


# --- Files that are refused -------------------------------------------------------------------

GOOD = "2020-03-11,100,120,90,110,9\n"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("2020-03-12,100,90,95,92,1", "line 3: the high 90 is below the low 95."),
        ("2020-03-12,100,120,90,130,1", "line 3: open and close must lie between the low 90 and"),
        ("2020-03-12,80,120,90,100,1", "line 3: open and close must lie between the low 90 and"),
        ("2020-03-12,-1,120,-2,100,1", "line 3: a price must be greater than 0."),
        ("2020-03-12,0,0,0,0,1", "line 3: a price must be greater than 0."),
        ("2020-03-12,100,120,90,110,-5", "line 3: the volume -5 is negative."),
        ("2020-03-12,abc,120,90,110,1", "line 3: open is “abc”, not a number."),
        ("2020-03-12,NaN,120,90,110,1", "line 3: open is “NaN”, not a number."),
        ("2020-03-12,100,Infinity,90,110,1", "line 3: high is “Infinity”, not a number."),
        ("2020-03-12,100,1e400,90,110,1", "line 3: high is 1e400, beyond any price"),
        ("2020-03-12,100,120,1e-90,110,1", "line 3: low is 1e-90, beyond any price"),
        ("2020-03-12,100,120,,110,1", "line 3: low is “”, not a number."),
        ("2020-03-12,100,120", "line 3: low is “”, not a number."),
        ("2020-03-11,100,120,90,110,1", "line 3: its time 2020-03-11 00:00 does not follow"),
        ("2020-03-10,100,120,90,110,1", "line 3: its time 2020-03-10 00:00 does not follow"),
        ("yesterday,100,120,90,110,1", "line 3: timestamp is “yesterday”, neither a date nor"),
        ("99999999999999999999,5,6,4,5,1", "line 3: timestamp is “99999999999999999999”"),
        (",100,120,90,110,1", "line 3: timestamp is “”, neither a date nor a Unix time."),
    ],
)
def test_a_malformed_bar_is_refused_with_its_line(tmp_path: Path, row: str, sentence: str) -> None:
    feed = ReplayFeed(path=write(tmp_path, f"{GOOD}{row}\n2020-03-13,5,6,4,5,1\n"))

    with pytest.raises(FeedError) as caught:
        feed.quotes([], now=NOW)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.misconfigured


def test_the_line_is_counted_in_the_file_not_in_the_rows(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, f"\n\n{GOOD}\n2020-03-12,1,2,3,4,5\n"))

    with pytest.raises(FeedError, match="line 6: "):
        _ = feed.bars


def test_files_that_are_none_are_refused_with_a_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(HEADER.encode() + b"\xff\xfe\x00\x81")
    nothing = tmp_path / "empty.csv"
    nothing.write_text("")
    for path, sentence in (
        (str(tmp_path / "missing.csv"), "cannot be read: No such file or directory."),
        (str(tmp_path), "cannot be read: Is a directory."),
        (str(binary), "is not a text file in UTF-8."),
        (str(nothing), "it must name the columns timestamp, open, high, low, close, volume"),
        (
            write(tmp_path, "", header="date,price\n", name="other.csv"),
            "and lacks timestamp, open, high",
        ),
        (write(tmp_path, ""), "has no bars."),
        ("", "There is nothing to replay: set REPLAY_FILE to a CSV file of bars."),
    ):
        with pytest.raises(FeedError) as caught:
            _ = ReplayFeed(path=path).bars
        assert sentence in str(caught.value)


@pytest.mark.parametrize("speed", [0.0, -1.0, 200_000.0, float("inf"), float("nan")])
def test_a_speed_that_no_ticks_can_follow_is_refused(tmp_path: Path, speed: float) -> None:
    feed = ReplayFeed(path=write(tmp_path, GOOD), speed=speed)

    with pytest.raises(FeedError, match="with bars of 24 h it must be greater than 0"):
        feed.quotes([], now=NOW)
    assert feed.interval(now=NOW) > timedelta(0)


# --- Against our clock ------------------------------------------------------------------------

WEEK = "".join(f"2020-03-{day},{day},{day + 2},{day - 2},{day + 1},3\n" for day in range(10, 17))


def replay_all(feed: ReplayFeed, *, interval: timedelta) -> list[tuple[datetime, Decimal]]:
    """Fetch as the product does until the recording is over; return what moved the coin."""
    seen: dict[datetime, Decimal] = {}
    now = NOW
    for _ in range(1000):
        try:
            quotes = feed.quotes(["bitcoin"], now=now)
        except FeedError:
            break
        assert all(quote.price_at <= now for quote in quotes)
        seen |= {quote.price_at: quote.price for quote in quotes}
        now += interval
    with pytest.raises(FeedError, match="is over"):
        feed.quotes(["bitcoin"], now=now)
    return sorted(seen.items())


def test_a_day_at_3600_takes_24_seconds_of_our_time_and_no_tick_is_lost(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK), speed=3600)
    interval = feed.interval(now=NOW)

    seen = replay_all(feed, interval=interval)

    assert interval == timedelta(seconds=3)
    assert [price for _, price in seen] == [tick.price for tick in feed.ticks()]
    assert seen[0][0] == NOW
    assert timedelta(seconds=7 * 24 - 1) < seen[-1][0] - NOW < timedelta(seconds=7 * 24)


def test_the_fastest_replay_loses_no_tick_either(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK), speed=172_800)

    assert len(replay_all(feed, interval=feed.interval(now=NOW))) == 28


def test_in_a_gap_of_the_recording_the_last_price_grows_old(tmp_path: Path) -> None:
    days = ("2011-09-28", "2011-09-29", "2011-10-09")
    path = write(tmp_path, "".join(f"{day},5,6,4,5,1\n" for day in days))
    feed = ReplayFeed(path=path, speed=3600, since=NOW)

    [quote] = feed.quotes([], now=NOW + timedelta(seconds=120))

    assert quote.price_at == NOW + timedelta(seconds=48) - MILLISECOND


def test_fetches_that_come_late_still_find_the_ticks_in_between(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK), speed=3600)

    seen = replay_all(feed, interval=3 * feed.interval(now=NOW))

    assert len(seen) == 28


def test_two_processes_are_at_the_same_place(tmp_path: Path) -> None:
    path = write(tmp_path, WEEK)
    ReplayFeed(path=path).quotes([], now=NOW)
    later = NOW + timedelta(seconds=57)

    assert ReplayFeed(path=path).quotes([], now=later)[-1].price == 10  # the low of the third day


def test_a_recording_may_have_begun_at_a_given_time(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK), since=NOW - timedelta(seconds=24))

    close, opened = feed.quotes([], now=NOW)[-2:]

    assert [close.price, opened.price] == [11, 11]
    assert [close.price_at, opened.price_at] == [NOW - MILLISECOND, NOW]
    assert (opened.symbol, opened.name) == ("btc", "Bitcoin")


def test_another_coin_has_no_quote(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK))
    assert feed.quotes(["ethereum"], now=NOW) == []
    assert feed.history("ethereum", start=at("2020-03-10"), end=at("2020-03-20")) == []


def test_history_is_the_recording_itself(tmp_path: Path) -> None:
    feed = ReplayFeed(path=write(tmp_path, WEEK))
    bars = feed.history("bitcoin", start=at("2020-03-11"), end=at("2020-03-13"))
    assert [bar.start.day for bar in bars] == [bar.open for bar in bars] == [11, 12]
