"""What a username may look like: short, lower case, never to be taken for an e-mail address."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy

MIN_LENGTH, MAX_LENGTH = 3, 30

_SHAPE = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")

USERNAME_RULE = gettext_lazy(
    "A username has 3 to 30 characters: the letters a to z, digits, and "
    "single dots, hyphens or underscores between them."
)


def is_username(text: str) -> bool:
    """Tell whether this can be a username, once it is in lower case.

    Only plain letters, so that no two usernames look alike, and no @, so that nobody can call
    themselves by another person's e-mail address.
    """
    return MIN_LENGTH <= len(text) <= MAX_LENGTH and _SHAPE.fullmatch(text) is not None
