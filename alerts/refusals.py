"""What the person can mend: one exception with a sentence, a code and the field it is about."""

from __future__ import annotations


class AlertRejected(Exception):  # noqa: N818 (it is what happened, not a fault)
    """An operation was refused; nothing has changed.

    `sentence` is for the person, `code` for programs, `field` names the form's field at fault.
    """

    def __init__(self, sentence: str, code: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.field = field
