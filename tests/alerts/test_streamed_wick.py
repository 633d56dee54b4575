"""A price that was there for a moment between two writes of a stream still fires."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from alerts.models import PriceAlert
from market import services as market
from market.models import Coin
from tests.market.scripted import quote

pytestmark = pytest.mark.django_db


def test_a_wick_within_one_batch_fires(alice: User, bitcoin: Coin, now: datetime) -> None:
    Coin.objects.update(evaluated_at=bitcoin.price_at)
    armed = {
        target: PriceAlert.objects.create(
            user=alice, coin=bitcoin, condition=condition, target=target, armed_at=now
        )
        for condition, target in (("above", 119_000), ("below", 91_000), ("below", 89_000))
    }
    ticks = [
        quote(price=price, at=now + timedelta(milliseconds=100 + number), source="simulated")
        for number, price in enumerate(("100100", "90000", "120000", "100200"))
    ]
    market.ingest(quotes=ticks, now=now + timedelta(seconds=1))
    fired = {
        target
        for target, alert in armed.items()
        if PriceAlert.objects.get(pk=alert.pk).state == PriceAlert.State.FIRED
    }
    assert fired == {119_000, 91_000}
