"""The market's refusal: a sentence for the person and a code for the machine."""

from __future__ import annotations


class MarketRejected(Exception):  # noqa: N818 (a refusal is the product's answer)
    """An operation of the market is refused; the sentence says what to do about it.

    Codes: unknown_coin, no_price, stale_price, wrong_origin, mixed_origins, bad_range, bad_coin,
    watchlist_full, no_history, feed_failed, no_stream.
    """

    def __init__(self, sentence: str, *, code: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
