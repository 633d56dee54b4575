"""In whose words and numbers we speak: language, notation and time zone of one person."""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, tzinfo
from functools import lru_cache

from django.conf import settings
from django.utils import timezone, translation

from accounts.models import User
from cryptopulse import notation


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the IANA zone of this name, or UTC where there is none (zones are also renamed)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@contextmanager
def speaking_to(user: User | None, *, language: str = "") -> Iterator[None]:
    """Say everything in here as this person reads it: a mail, a push, a page.

    `language` is what is spoken to somebody who has chosen none: a browser's wish, else the
    product's own. None is a visitor: that language, its notation, UTC.
    """
    chosen = (user.language if user else "") or language or settings.LANGUAGE_CODE
    written = notation.notation_of(user.number_format if user else "", language=chosen)
    with ExitStack() as stack:
        stack.enter_context(translation.override(chosen))
        stack.enter_context(notation.written_in(written))
        stack.enter_context(timezone.override(zone_of(user.timezone) if user else UTC))
        yield


def readers(user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, User]:
    """Return people with no more than `speaking_to` needs of them. One query, by their keys."""
    read = User.objects.filter(pk__in=set(user_ids)).order_by()
    return {one.pk: one for one in read.only("language", "number_format", "timezone")}


@contextmanager
def writing_the_log() -> Iterator[None]:
    """Say everything in here in English and plain numbers: what is kept, and read by others."""
    with translation.override("en"), notation.written_in(notation.PLAIN):
        yield
