"""`manage.py stream`: runs the streams of MARKET_FEEDS until it is asked to end."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cryptopulse import garbage
from market import services as market


class Command(BaseCommand):
    """One process of an installation does the work; a second one waits for its turn."""

    help = (
        "Listen to the exchanges that MARKET_FEEDS names before the feed that is asked, and bring "
        "their prices to every browser and into the database. SIGTERM and Ctrl-C end it with "
        "nothing lost. Run two of them where one machine may fail: one waits for its turn."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until asked to end; a refusal is one sentence."""
        try:
            runner = market.StreamRunner()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: runner.stop())
            self._say(f"Streaming prices from {', '.join(market.stream_feeds())}.")
            if not settings.REDIS_URL:
                self._say(
                    "Note: without REDIS_URL the browsers of other processes see these prices once "
                    "a minute, from the database. manage.py pulse streams in one process."
                )
            garbage.settle()
            asyncio.run(runner.run())
        except market.MarketRejected as refusal:
            raise CommandError(refusal.sentence) from refusal

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
