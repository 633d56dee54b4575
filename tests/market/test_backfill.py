"""`manage.py backfill`: from a feed or a file, again and again, with a sentence for each fault."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from market import services as market
from market.feeds import FeedError, recording
from market.management.commands import backfill
from market.models import Candle
from market.quotes import Bar
from market.services.loading import load_coin
from tests.conftest import make_coin

from .scripted import ScriptedFeed, quote

pytestmark = pytest.mark.django_db

Feeds = type[ScriptedFeed]
HEADER = "timestamp,open,high,low,close,volume\n"
DAYS = HEADER + (
    "2020-03-11,7936.65,7978.94,7590,7935.72,79942.4\n"
    "2020-03-12,7934.58,7966.17,4410,4800,261505.6\n"
    "2020-03-13,4800.01,5955,3782.13,5578.6,402201.7\n"
)


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("backfill", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def days(tmp_path: Path) -> Path:
    path = tmp_path / "days.csv"
    path.write_text(DAYS)
    return path


@pytest.fixture(autouse=True)
def _bitcoin(db: None) -> None:
    make_coin(price=None, rank=1)


def test_a_file_of_days_becomes_candles_and_again_nothing(days: Path) -> None:
    said = run(csv=str(days), coin="bitcoin", resolution="1d")
    assert "3 candles of bitcoin are new or completed" in said
    crash = Candle.objects.get(pk=Candle.key("bitcoin", "1d", datetime(2020, 3, 12, tzinfo=UTC)))
    assert (crash.open, crash.high, crash.low, crash.close) == (
        Decimal("7934.58"),
        Decimal("7966.17"),
        4410,
        4800,
    )
    assert (crash.volume, crash.source, crash.expires_at) == (Decimal("261505.6"), "csv", None)
    assert " 0 candles of bitcoin" in run(csv=str(days), coin="bitcoin")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (DAYS.replace("4410", "cheap"), "line 3: low is “cheap”, not a number"),
        (DAYS.replace("7590", "NaN"), "line 2: low is “NaN”"),
        (DAYS.replace("3782.13", "-1"), "line 4: a price must be greater than 0"),
        (DAYS.replace("2020-03-13", "13 March"), "line 4: timestamp is “13 March”"),
        (DAYS.replace("2020-03-13", "2020-03-10"), "line 4: "),
        (DAYS.replace("volume", "amount"), "lacks volume"),
        (HEADER, "has no bars"),
        ("", "line 1"),
        ("\x00\x01", "line 1"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_stored(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(CommandError) as refused:
        run(csv=str(path), coin="bitcoin")
    assert sentence in str(refused.value)
    assert not Candle.objects.exists()
    assert market.origin() is None


def test_a_file_that_is_not_there_or_not_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(csv=str(tmp_path / "missing.csv"), coin="bitcoin")
    with pytest.raises(CommandError, match="cannot be read"):
        run(csv=str(tmp_path), coin="bitcoin")
    (tmp_path / "image.csv").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(CommandError, match="not a text file"):
        run(csv=str(tmp_path / "image.csv"), coin="bitcoin")


def test_what_does_not_go_together_is_refused(days: Path) -> None:
    with pytest.raises(CommandError, match="no coin “nobody” here"):
        run(csv=str(days), coin="nobody")
    with pytest.raises(CommandError, match="name it with --coin"):
        run(csv=str(days))
    with pytest.raises(CommandError, match="1 day, 0:00:00 apart and cannot last 1h"):
        run(csv=str(days), coin="bitcoin", resolution="1h")
    with pytest.raises(CommandError, match="name it with --csv"):
        run(coin="bitcoin")
    with pytest.raises(CommandError, match="no coin “nobody” here"):
        run("bitcoin", "nobody")
    with pytest.raises(CommandError, match="between 1 and 3650"):
        run("bitcoin", days=0)


def test_a_simulated_database_refuses_a_real_file(days: Path) -> None:
    market.ingest(quotes=[quote(at=datetime.now(tz=UTC))], now=datetime.now(tz=UTC))
    with pytest.raises(CommandError, match="holds simulated prices and refuses real ones"):
        run(csv=str(days), coin="bitcoin")
    assert not Candle.objects.filter(source="csv").exists()


def daily(coin_id: str, days: int) -> list[Bar]:
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    price = Decimal(5)
    return [
        Bar(
            coin_id=coin_id,
            start=midnight - timedelta(days=day),
            open=price,
            high=price,
            low=price,
            close=price,
            step=timedelta(days=1),
        )
        for day in range(days, 0, -1)
    ]


def test_a_feed_is_asked_for_each_coin_and_what_is_complete_is_skipped(feeds: Feeds) -> None:
    make_coin("ethereum", price=None, rank=2)
    feeds.bars |= {"bitcoin": daily("bitcoin", 10), "ethereum": daily("ethereum", 10)}
    said = run(days=10)
    assert "1 of 2: bitcoin …" in said
    assert "History of 2 of 2 coins is loaded." in said
    assert Candle.objects.filter(coin_id="ethereum", resolution="1d").count() == 9
    feeds.asked.clear()
    assert "complete already" in run(days=10)
    assert feeds.asked == []


def test_a_coin_that_the_source_does_not_know_is_said_and_the_others_are_loaded(
    feeds: Feeds,
) -> None:
    make_coin("ethereum", price=None, rank=2)
    feeds.bars |= {
        "bitcoin": FeedError("CoinGecko does not know this coin.", permanent=True),
        "ethereum": daily("ethereum", 3),
    }
    said = run(days=3)
    assert "does not know this coin" in said
    assert "History of 1 of 2 coins is loaded." in said


def test_a_wait_that_is_asked_for_is_waited(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        feeds.bars["bitcoin"] = daily("bitcoin", 3)

    monkeypatch.setattr("time.sleep", sleep)
    feeds.bars["bitcoin"] = FeedError("Too fast.", retry_after=timedelta(seconds=42))
    assert "waiting 42 s for coingecko" in run(days=3)
    assert waits == [42]
    assert Candle.objects.filter(resolution="1d").count() == 2  # whole days


def test_a_feed_that_is_down_or_spent_ends_it_with_its_sentence(feeds: Feeds) -> None:
    feeds.bars["bitcoin"] = FeedError("The budget is spent.", retry_after=timedelta(days=9))
    with pytest.raises(CommandError, match="The budget is spent"):
        run(days=3)


def test_ctrl_c_keeps_what_was_loaded_and_the_next_run_goes_on(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_coin("ethereum", price=None, rank=2)
    feeds.bars |= {"bitcoin": daily("bitcoin", 3), "ethereum": daily("ethereum", 3)}
    load = load_coin

    def interrupted(source: Any, coin_id: str, **more: Any) -> int:
        if coin_id == "ethereum":
            raise KeyboardInterrupt
        return load(source, coin_id, **more)

    monkeypatch.setattr(backfill, "load_coin", interrupted)
    with pytest.raises(CommandError, match="the same command goes on from here") as stopped:
        run(days=3)
    assert stopped.value.returncode == 130
    monkeypatch.setattr(backfill, "load_coin", load)
    said = run(days=3)
    assert "bitcoin: complete already" in said
    assert "History of 2 of 2 coins is loaded." in said


def test_recorded_days_of_bitcoin_are_loaded_whole(recorded_data: Path) -> None:
    path = recorded_data / "binance_BTCUSDT_1d_2017-08-17_2026-03-04.csv"
    assert "3122 candles" in run(csv=str(path), coin="bitcoin", resolution="1d")
    crash = Candle.objects.get(pk=Candle.key("bitcoin", "1d", datetime(2020, 3, 12, tzinfo=UTC)))
    assert (crash.open, crash.low, crash.close) == (Decimal("7934.58"), 4410, 4800)
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    chart = market.chart(coin_id="bitcoin", range_name="all", now=now)
    assert len(chart.candles) == 3122
    assert max(candle.high for candle in chart.candles) == Decimal("126199.63")


def test_a_device_without_an_end_is_refused() -> None:
    with pytest.raises(CommandError, match="is not a file"):
        run("--csv", "/dev/zero", "--coin", "bitcoin")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandError, match="is not a file"):
        run("--csv", str(tmp_path / "pipe"), "--coin", "bitcoin")


def test_a_file_beyond_all_measure_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(recording.LARGEST_FILE + 1)  # takes no space on the disk
    with pytest.raises(CommandError, match="larger than 200 MB"):
        run("--csv", str(tmp_path / "huge.csv"), "--coin", "bitcoin")


@pytest.mark.parametrize("coin_id", ["a/b", "..", "a\0b"])
def test_what_can_be_no_coin_is_refused(days: Path, coin_id: str) -> None:
    with pytest.raises(CommandError, match="There is no coin"):
        run("--csv", str(days), "--coin", coin_id)
