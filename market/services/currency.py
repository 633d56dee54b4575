"""Exchange rates: what a US dollar buys of each display currency, one rate per day."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.conf import settings

from cryptopulse.atomic import run_atomic
from market import budget
from market.feeds import FeedError, feed
from market.models import ExchangeRate

from .sources import active_feeds

logger = logging.getLogger(__name__)

#: Four calls a day: what a month of prices leaves of the smallest plan has to cover them too.
RATES_EVERY = timedelta(hours=6)
_PLACES = Decimal("1e-8")
_LARGEST = Decimal("1e12")


def exchange_rate(*, currency: str, on: date | None = None) -> Decimal | None:
    """Return units of the currency per US dollar on this day (UTC), or the newest known.

    A day without a rate has that of the nearest day before. None when there is none.
    """
    if currency == "USD":
        return Decimal(1)
    rates = ExchangeRate.objects.filter(currency=currency)
    if on is not None:
        rates = rates.filter(day__lte=on)
    return rates.order_by("-day").values_list("rate", flat=True).first()


def rates_by_day(*, currency: str, days: Collection[date]) -> dict[date, Decimal] | None:
    """Return the rate of each of these days; None when the currency has no rate at all.

    A day has the nearest earlier rate; days before the first known rate have that first one.
    """
    if not days or currency == "USD":
        return dict.fromkeys(days, Decimal(1))
    first, last = min(days), max(days)
    rows = ExchangeRate.objects.filter(currency=currency).values_list("day", "rate")
    before = rows.filter(day__lt=first).order_by("-day").first()
    known = [before] if before else []
    known += rows.filter(day__gte=first, day__lte=last).order_by("day")
    if not known:
        known += rows.filter(day__gt=last).order_by("day")[:1]
    if not known:
        return None
    return {day: _rate_on(day, known) for day in days}


def _rate_on(day: date, known: list[tuple[date, Decimal]]) -> Decimal:
    earlier = [rate for known_day, rate in known if known_day <= day]
    return earlier[-1] if earlier else known[0][1]


def currencies() -> list[str]:
    """Return the display currencies that have a rate, in the settings' order; USD always."""
    known = set(
        ExchangeRate.objects.filter(currency__in=settings.CURRENCIES)
        .order_by()
        .values_list("currency", flat=True)
        .distinct()
    )
    return ["USD", *(code for code in settings.CURRENCIES if code in known and code != "USD")]


def refresh_exchange_rates(*, now: datetime) -> int:
    """Fetch today's rates from the first active feed that has them; return how many came.

    A feed that fails is noted and the next one asked: a missing rate leaves yesterday's.
    """
    wanted = [code for code in settings.CURRENCIES if code != "USD"]
    for alias in active_feeds():
        name = f"{alias}:rates"
        if budget.is_open(name=name, now=now):
            continue
        if not budget.claim_fetch(name=name, interval=RATES_EVERY, now=now):
            return 0
        try:
            rates = feed(alias).exchange_rates(wanted, now=now)
        except FeedError as error:
            logger.warning("no exchange rates from %s: %s", alias, error)
            budget.record_failure(name=name, error=error, now=now)
            continue
        budget.record_success(name=name, now=now)
        return store_rates(rates=rates, source=alias, now=now)
    return 0


def store_rates(*, rates: dict[str, Decimal], source: str, now: datetime) -> int:
    """Store rates as today's (UTC); what is not a rate is left out."""
    day = now.astimezone(UTC).date()
    rows = [
        ExchangeRate(
            id=f"{code}:{day}",
            currency=code,
            day=day,
            rate=rate.quantize(_PLACES),
            source=source,
            updated_at=now,
        )
        for code, rate in rates.items()
        if code in settings.CURRENCIES
        and code != "USD"
        and rate.is_finite()
        and _PLACES <= rate < _LARGEST
    ]
    if rows:
        run_atomic(
            lambda: ExchangeRate.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["rate", "source", "updated_at"],
            )
        )
    return len(rows)
