"""What the pages ask of a request."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User

REFUSED = 422


def me(request: HttpRequest) -> User:
    """Return the person who is logged in."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether a part of the page is wanted, not the page."""
    return "HX-Request" in request.headers


def key_of(text: str) -> uuid.UUID | None:
    """Return the key that stands in a text of the outside, if one does."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
