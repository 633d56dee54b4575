"""The one exception of this app that a person can do something about."""

from __future__ import annotations

from django.utils.functional import Promise


class AccountRejected(Exception):  # noqa: N818 (a refusal, not a fault)
    """An operation on an account was refused; the sentence says why and can be shown as it is.

    `field` names the input that the sentence is about, where there is one.
    """

    def __init__(self, sentence: str | Promise, *, field: str = "") -> None:
        self.sentence = str(sentence)  # in the language of whoever is refused
        super().__init__(self.sentence)
        self.field = field
