"""Which coins a page asks for, and the sentence when that makes no sense."""

from __future__ import annotations

import pytest

from cryptopulse.live.coins import MOST_COINS, CoinsRefused, asked_coins

KNOWN = {"bitcoin", "ethereum", "solana"}


@pytest.mark.parametrize("query", [b"", b"page=1", b"ack=1&x=y"])
def test_who_asks_for_none_gets_all(query: bytes) -> None:
    assert asked_coins(query, known=KNOWN) is None


@pytest.mark.parametrize(
    "query",
    [
        b"coins=bitcoin,ethereum",
        b"coins=ethereum,bitcoin",
        b"coins=bitcoin,ethereum,bitcoin",
        b"coins=bitcoin%2Cethereum",
        b"coins=bitcoin,+ethereum",
        b"coins=bitcoin&coins=ethereum",
    ],
)
def test_equal_sets_are_equal_however_they_are_written(query: bytes) -> None:
    assert asked_coins(query, known=KNOWN) == frozenset({"bitcoin", "ethereum"})


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (b"coins=", "Name coins by their ids: ?coins=bitcoin,ethereum"),
        (b"coins=bitcoin,,ethereum", "Name coins by their ids: ?coins=bitcoin,ethereum"),
        (b"coins=bitcoin,BTC", "No coin has the id 'BTC'."),
        (b"coins=\xff", "The address cannot be read."),
        (b"a&" * 9, "The address cannot be read."),
        (
            b"coins=" + b",".join(b"c%d" % number for number in range(MOST_COINS + 1)),
            "At most 100 coins; without `coins` you get all of them.",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused_with_a_sentence(query: bytes, sentence: str) -> None:
    with pytest.raises(CoinsRefused) as refusal:
        asked_coins(query, known=KNOWN)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize("name", ["x" * 4000, "%F0%9F%98%80" * 300, "%00%0a<script>"])
def test_a_refusal_fits_into_a_close_frame_whatever_was_asked(name: str) -> None:
    with pytest.raises(CoinsRefused) as refusal:
        asked_coins(f"coins={name}".encode(), known=KNOWN)

    assert len(str(refusal.value).encode()) <= 123


def test_while_no_coin_is_known_any_is_taken_at_its_word() -> None:
    assert asked_coins(b"coins=bitcoin", known=()) == frozenset({"bitcoin"})
