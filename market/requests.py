"""What the market's views ask of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


def is_partial(request: HttpRequest) -> bool:
    """Tell whether htmx wants a part of the page, and not the page for its history."""
    return bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]


def member(request: HttpRequest) -> User:
    """Return the person whom `require` let in."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 (for the type: `require` has looked)
    return user
