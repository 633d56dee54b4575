"""Ticks of a stream reach browsers before they are stored, and once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from cryptopulse.live import ticker, transport
from market.quotes import Quote
from market.signals import prices_ticked, prices_updated

pytestmark = pytest.mark.once


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(transport, "publish", lambda payload, hub: sent.append(payload))
    return sent


def test_the_hub_hears_of_ticks_and_not_again_when_they_are_stored(
    now: datetime, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quote = Quote(coin_id="bitcoin", price=Decimal("123.40"), price_at=now, source="coinbase")
    for signal in (prices_ticked, prices_updated):
        hears = signal._live_receivers(None)[0]
        assert ticker.publish_quotes in hears
        monkeypatch.setattr(signal, "receivers", [])
        signal.connect(ticker.publish_quotes)

    prices_ticked.send(sender=None, quotes=[quote], now=now)
    assert len(sent) == 1
    prices_updated.send(sender=None, quotes=[quote], now=now, is_shown=True)
    assert len(sent) == 1
    prices_updated.send(sender=None, quotes=[quote], now=now, is_shown=False)
    assert len(sent) == 2
