"""Upkeep: what is past its time is deleted, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import models

from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import expires_by_itself
from market.models import Article, Candle, Resolution

from .headlines import KEEP_ARTICLES

#: Rows looked up at once; what one transaction takes is `in_chunks`'s to say.
PAGE = 1000
#: One run deletes at most this much: the next run goes on.
MOST_PER_RUN = 200_000
#: A headline's own row and the tags that go with it, each of them unique.
ROWS_PER_ARTICLE = 11


def purge_expired(*, now: datetime) -> int:
    """Delete expired candles and old headlines; return how many rows went.

    Days are kept for ever. Can be stopped at any moment and run again.
    """
    deleted = 0
    for resolution in () if expires_by_itself(Candle) else Resolution:
        if resolution.keep is not None:
            rows = Candle.objects.filter(resolution=resolution.value, expires_at__lt=now)
            deleted += _delete(rows.order_by("expires_at"), rows_per_item=1)
    old = Article.objects.filter(shelf="news", published_at__lt=now - KEEP_ARTICLES)
    return deleted + _delete(old.order_by("published_at"), rows_per_item=ROWS_PER_ARTICLE)


def _delete(rows: models.QuerySet[Any], *, rows_per_item: int) -> int:
    deleted = 0
    for keys in _pages(rows):
        for chunk in in_chunks(keys, actions_per_item=rows_per_item):
            run_atomic(rows.model.objects.filter(pk__in=chunk).delete)
        deleted += len(keys)
        if deleted >= MOST_PER_RUN:
            break
    return deleted


def _pages(rows: models.QuerySet[Any]) -> Iterator[list[str]]:
    while keys := list(rows.values_list("pk", flat=True)[:PAGE]):
        yield keys
