"""Who asks, in a view that `require` has let somebody into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


def me(request: HttpRequest) -> User:
    """Return the person who is logged in."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user
