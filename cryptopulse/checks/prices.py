"""Prices and trading: feeds, staleness, balance, fee."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from .findings import Findings, checked, error, warning

SIMULATED_FEEDS = frozenset({"simulated", "replay"})
STREAMS = frozenset({"coinbase", "kraken", "binance"})
#: Frames a second that a person can still tell apart, and one every ten seconds.
STREAM_RATES = (0.1, 20.0)
LARGEST_BALANCE = Decimal(1_000_000_000)
#: Seconds between two fetches at best; feeds that are not here say so in their options.
_FETCH_EVERY = {"keyless": 60, "demo": 300, "pro": 60}


@checked()
def check_feeds() -> Findings:
    """The feeds exist, can be made, and are all real or all made up."""
    for alias in settings.MARKET_FEEDS:
        if alias not in settings.FEEDS:
            yield error(
                7,
                f"MARKET_FEEDS names {alias!r}, and there is no such feed.",
                f"Choose among: {', '.join(sorted(settings.FEEDS))}.",
            )
        elif sentence := _why_not_made(alias, settings.FEEDS[alias]):
            yield error(
                8, f"The feed {alias} cannot be used: {sentence}", "See its settings in the README."
            )
        else:
            yield from _wrong_options(alias, settings.FEEDS[alias].get("OPTIONS", {}))
    if settings.MARKET_FEEDS and set(settings.MARKET_FEEDS) <= STREAMS:
        yield error(
            27,
            f"MARKET_FEEDS names streams alone ({', '.join(settings.MARKET_FEEDS)}), which know no "
            "catalogue, no exchange rates and no history.",
            "Name the feed that is asked as well: "
            f"MARKET_FEEDS={','.join([*settings.MARKET_FEEDS, 'coingecko'])}.",
        )
    kinds = {alias in SIMULATED_FEEDS for alias in settings.MARKET_FEEDS}
    if len(kinds) > 1:
        yield error(
            9,
            "MARKET_FEEDS mixes real and simulated prices, which may never meet.",
            "Name real feeds only, or simulated or replay alone.",
        )


def _why_not_made(alias: str, feed: dict[str, Any]) -> str | None:
    """Make the feed as the market will; it looks at its own options."""
    try:
        import_string(feed["BACKEND"])(name=alias, **feed.get("OPTIONS", {}))
    except Exception as problem:
        return f"{problem}"
    return None


def _wrong_options(alias: str, options: dict[str, Any]) -> Findings:
    """Find what a feed would notice only when it is asked for a price."""
    plan = options.get("plan", "keyless")
    if plan not in _FETCH_EVERY:
        yield error(
            21,
            f"The plan of {alias} is {plan!r}, and there is no such plan.",
            f"Set COINGECKO_PLAN to one of: {', '.join(_FETCH_EVERY)}.",
        )
    elif plan != "keyless" and not options.get("api_key"):
        yield error(
            22,
            f"The plan {plan} of {alias} needs a key.",
            "Set COINGECKO_API_KEY, or COINGECKO_PLAN=keyless.",
        )
    if "path" in options and not Path(options["path"] or "/nowhere").is_file():
        yield error(
            23,
            f"There is nothing to replay at {options['path'] or 'no path'}.",
            "Set REPLAY_FILE to a CSV file of bars.",
        )
    if not options.get("interval", 1) > 0 or not options.get("speed", 1) > 0:
        yield error(
            24,
            f"The feed {alias} would have no pace.",
            "SIMULATED_INTERVAL and REPLAY_SPEED are greater than 0.",
        )


@checked()
def check_staleness() -> Findings:
    """A price may not grow stale before the next one can come."""
    for alias in settings.MARKET_FEEDS or ["coingecko"]:
        options = settings.FEEDS.get(alias, {}).get("OPTIONS", {})
        seconds = _FETCH_EVERY.get(options.get("plan", ""), options.get("interval", 0))
        limit = settings.STALE_AFTER.total_seconds()
        if limit < seconds:
            yield error(
                10,
                f"STALE_AFTER_SECONDS is {limit:g}, and {alias} "
                f"brings a price every {seconds:g} s: every price would grow stale.",
                f"Set it to {3 * seconds:g} or more, or leave it out.",
            )
        elif limit < 3 * seconds:
            yield warning(
                4,
                f"STALE_AFTER_SECONDS is less than three times the {seconds:g} s of {alias}: one "
                "failed fetch stops trading.",
                f"Set it to {3 * seconds:g} or more, or leave it out.",
            )


@checked()
def check_stream_rate() -> Findings:
    """A stream reaches browsers some times a second."""
    least, most = STREAM_RATES
    if not least <= settings.STREAM_RATE <= most:
        yield error(
            28,
            f"STREAM_RATE is {settings.STREAM_RATE:g}; it is how often in a second prices reach "
            "browsers.",
            f"Give a number from {least:g} to {most:g}, or leave it out: 4.",
        )


@checked()
def check_trading() -> Findings:
    """The balance is money, the fee a part of the amount."""
    balance: Decimal = settings.START_BALANCE
    if not 0 < balance <= LARGEST_BALANCE or balance != round(balance, 2):
        yield error(
            11,
            f"START_BALANCE is {balance}, which is not an amount to start with.",
            "Give a positive amount with at most two decimals, such as 10000.00.",
        )
    fee: Decimal = settings.TRADE_FEE_RATE
    if not 0 <= fee < 1:
        yield error(
            12,
            f"TRADE_FEE_RATE is {fee}; it is the part of an amount that a trade costs.",
            "Give a number from 0 to below 1: 0.001 is 0.1 %.",
        )
