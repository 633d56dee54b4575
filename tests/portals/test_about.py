"""What is said about the product, its prices and whose work it stands on."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from market.models import PriceOrigin

pytestmark = pytest.mark.django_db


def text_of(visit: Any) -> str:
    page = visit(reverse("portals:about"))
    assert page.status_code == 200
    text: str = page.content.decode()
    return text


def test_the_attributions_that_the_licences_ask_for_are_there(visit: Any) -> None:
    text = text_of(visit)
    assert 'Data provided by <a href="https://www.coingecko.com/"' in text
    assert "TradingView Lightweight Charts™ Copyright © 2026 TradingView, Inc." in text
    assert 'href="https://www.tradingview.com/"' in text
    assert "SIL Open Font License" in text
    assert "MIT licence" in text


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        ("simulated", "The prices on this site are simulated."),
        ("real", "Prices are real."),
        (None, "No price has arrived yet."),
    ],
)
def test_it_says_where_the_prices_come_from(visit: Any, origin: str | None, sentence: str) -> None:
    if origin:
        PriceOrigin.objects.create(origin=origin)
    text = text_of(visit)
    assert 'id="prices"' in text
    assert sentence in text


def test_the_fee_is_the_one_that_is_charged(visit: Any, settings: Any) -> None:
    from decimal import Decimal

    assert "without a fee" in text_of(visit)
    settings.TRADE_FEE_RATE = Decimal("0.001")
    assert "with a fee of 0.1%" in text_of(visit)
