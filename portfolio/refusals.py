"""Why a trade, or a change to a portfolio, is refused."""

from __future__ import annotations


class TradeRejected(Exception):  # noqa: N818 (it is what happened, not a fault)
    """Something that the person can mend: a sentence to show, and a code for machines."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
