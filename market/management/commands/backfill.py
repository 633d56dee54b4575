"""`manage.py backfill`: loads history from the feed, or from a CSV file."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market import services
from market.candles import SECONDS
from market.feeds import Feed, FeedError
from market.feeds.recording import read_bars
from market.quotes import Bar, is_coin_id
from market.services.loading import history_feed, load_coin

LONGEST_WAIT = timedelta(minutes=5)
INTERRUPTED = 130  # what a shell reports after Ctrl-C


class Command(BaseCommand):
    """Loads past prices as candles. What is there is skipped, so it can be stopped and repeated."""

    help = (
        "Load the history of coins from the feed (all tracked coins, the most important first, "
        "or those named), or of one coin from a CSV file with the columns timestamp, open, high, "
        "low, close and volume. Ctrl-C stops it; the same command goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("coins", nargs="*", help="ids of coins, such as bitcoin")
        parser.add_argument("--days", type=int, default=365, help="how far back (365)")
        parser.add_argument("--csv", metavar="FILE", help="read bars from this file instead")
        parser.add_argument("--coin", metavar="ID", help="the coin of the CSV file")
        parser.add_argument(
            "--resolution", choices=list(SECONDS), help="how long one bar of the CSV file lasts"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Check what was asked for, then load; every refusal is one sentence."""
        self.width = 0
        try:
            if options["csv"]:
                self._load_file(options)
            else:
                self._load_coins(options)
        except (FeedError, services.MarketRejected) as refusal:
            self._end_line()
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            self._end_line()
            raise CommandError(
                "Stopped. What was loaded stays; the same command goes on from here.",
                returncode=INTERRUPTED,
            ) from None

    # --- From a feed --------------------------------------------------------------------------

    def _load_coins(self, options: dict[str, Any]) -> None:
        days = options["days"]
        if options["coin"] or options["resolution"]:
            raise CommandError("--coin and --resolution describe a CSV file; name it with --csv.")
        if not 1 <= days <= 3650:  # noqa: PLR2004 (ten years)
            raise CommandError("--days lies between 1 and 3650.")
        coin_ids = self._chosen(options["coins"])
        now = datetime.now(tz=UTC)
        source = history_feed(now=now)
        if source is None:
            raise CommandError(
                "No feed that has history can be asked now. See the feeds in the admin, or load "
                "a CSV file with --csv."
            )
        failed = []
        for place, coin_id in enumerate(coin_ids, start=1):
            progress = f"{place} of {len(coin_ids)}: {coin_id}"
            if services.has_history(coin_id=coin_id, days=days, now=now):
                self._line(f"{progress}: complete already")
                continue
            self._line(f"{progress} …")
            try:
                changed = self._load_patiently(source, coin_id, days=days, progress=progress)
                self._line(f"{progress}: {changed} candles")
            except FeedError as error:
                if not error.permanent or error.misconfigured:
                    raise
                failed.append(coin_id)
                self._line(f"{progress}: {error}")
                self._end_line()
        self._end_line()
        self.stdout.write(
            f"History of {len(coin_ids) - len(failed)} of {len(coin_ids)} coins is loaded."
        )

    def _chosen(self, named: list[str]) -> list[str]:
        if named:
            for coin_id in named:
                self._check_coin(coin_id)
            return list(dict.fromkeys(named))
        coin_ids = [coin.pk for coin in services.latest_quotes()]
        if not coin_ids:
            raise CommandError("No coins are tracked yet. Start the product once, or add some.")
        return coin_ids

    def _check_coin(self, coin_id: str) -> None:
        if not is_coin_id(coin_id) or services.coin(coin_id=coin_id) is None:
            raise CommandError(
                f"There is no coin “{coin_id}” here. Ids are CoinGecko's, such as bitcoin; an "
                "administrator adds coins."
            )

    def _load_patiently(self, source: Feed, coin_id: str, *, days: int, progress: str) -> int:
        """Load one coin; where the source asks to wait a little, wait."""
        for _ in range(5):
            try:
                return load_coin(source, coin_id, now=datetime.now(tz=UTC), days=days)
            except FeedError as error:
                wait = error.retry_after
                if error.permanent or wait is None or wait > LONGEST_WAIT:
                    raise
                self._line(f"{progress}: waiting {wait.total_seconds():.0f} s for {source.name}")
                time.sleep(wait.total_seconds())
        raise FeedError(f"{source.name} keeps asking to wait. Run the command again later.")

    # --- From a file --------------------------------------------------------------------------

    def _load_file(self, options: dict[str, Any]) -> None:
        """Store a file's bars; a file with a bad line is refused whole, before anything."""
        path, coin_id = Path(options["csv"]), options["coin"]
        if not coin_id or options["coins"]:
            raise CommandError("A CSV file holds one coin; name it with --coin.")
        self._check_coin(coin_id)
        bars = _read(path, coin_id, options["resolution"])
        changed = services.store_bars(
            bars=bars,
            source="csv",
            now=datetime.now(tz=UTC),
            progress=lambda done, total: self._line(f"{done} of {total} candles"),
        )
        self._end_line()
        self.stdout.write(f"{path.name}: {changed} candles of {coin_id} are new or completed.")

    # --- The progress line --------------------------------------------------------------------

    def _line(self, text: str) -> None:
        """Show progress: on a terminal one line that changes, elsewhere a line each."""
        if not self.stdout.isatty():
            self.stdout.write(text)
            return
        self.stdout.write(f"\r{text:<{self.width}}", ending="")
        self.stdout.flush()
        self.width = len(text)

    def _end_line(self) -> None:
        if self.width:
            self.stdout.write("")
            self.width = 0


def _read(path: Path, coin_id: str, resolution: str | None) -> list[Bar]:
    bars = read_bars(path, coin_id=coin_id)
    step = bars[0].step
    if resolution is None:
        return bars
    stated = timedelta(seconds=SECONDS[resolution])
    if len(bars) > 1 and step != stated:
        raise CommandError(
            f"The bars of {path} are {step} apart and cannot last {resolution} each; leave "
            "--resolution away, and it is read from the file."
        )
    return [replace(bar, step=stated) for bar in bars]
