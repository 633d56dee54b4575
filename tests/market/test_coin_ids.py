"""What a coin's id can be: every id that is taken has a page, whatever it is made of."""

from __future__ import annotations

import pytest
from django.urls import Resolver404, resolve, reverse
from hypothesis import example, given
from hypothesis import strategies as st

from market.models import Coin
from market.quotes import is_coin_id
from market.services.fetching import list_coins

from .scripted import quote


@given(st.text(max_size=12) | st.text("ab./:%?#\\ ", max_size=4))
@example("..")
@example("a/b")
@example("a\nb")
def test_an_id_that_is_taken_has_an_address_that_leads_back_to_it(coin_id: str) -> None:
    if is_coin_id(coin_id):
        try:
            assert resolve(f"/markets/{coin_id}/chart/").kwargs == {"coin_id": coin_id}
        except Resolver404:
            pytest.fail(f"no page of {coin_id!r}")
        assert reverse("market:coin", args=[coin_id])


@pytest.mark.parametrize("coin_id", [None, 7, "", "x" * 129, ".", "..", "a/b", "a\u2028b"])
def test_other_things_are_no_ids(coin_id: object) -> None:
    assert not is_coin_id(coin_id)


@pytest.mark.django_db
def test_a_source_that_lists_an_impossible_id_does_not_get_it_into_the_catalogue() -> None:
    rows = [quote(i, symbol="x", name="X") for i in ("good-one", "a/b", "..", "a:b", "")]
    assert list_coins(quotes=rows) == 1
    assert [coin.pk for coin in Coin.objects.all()] == ["good-one"]
