"""Reading the news: headlines of everything, of a coin, of a publisher, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db.models import QuerySet

from market.models import Article, Tag
from market.stories import Story, one_per_story

PUBLISHERS_KEY = "market:publishers"
PUBLISHERS_KEPT_FOR = 300  # seconds
#: Publishers are those of so many newest headlines.
HEADLINES_LOOKED_AT = 200
#: A coin's headlines are read by so many and looked through for the publisher.
MOST_READ_OF_A_COIN = 100
#: What was published in one instant and shown on the page before; more at once is no feed.
MOST_TO_SKIP = 99
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_CURSOR = 24  # characters


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Some stories, newest first, and where older ones begin ("" on the last page)."""

    stories: list[Story]
    next_cursor: str = ""


def articles(*, limit: int = 20, coin_id: str | None = None) -> list[Article]:
    """Return the newest headlines, of one coin where it is given. One query, of a coin two."""
    if coin_id is None:
        return list(Article.objects.filter(shelf="news").order_by("-published_at")[:limit])
    tags = Tag.objects.filter(coin_id=coin_id).order_by("-published_at")
    return _articles_of(list(tags.values_list("article_id", flat=True)[:limit]))


def news_page(
    *, coin_id: str | None = None, publisher: str = "", cursor: str = "", limit: int = 30
) -> NewsPage:
    """Return a page of headlines, the same story of several publishers as one.

    One query, of a coin two. A cursor that we never gave out is the first page. Of a coin and a
    publisher both, a page may be short or empty while older ones follow.
    """
    until, skip = _read_cursor(cursor)
    if coin_id is not None:
        return _page_of_coin(coin_id, publisher, until, skip, limit=limit)
    rows: QuerySet[Article] = (
        Article.objects.filter(publisher=publisher)
        if publisher
        else Article.objects.filter(shelf="news")
    )
    if until is not None:
        rows = rows.filter(published_at__lte=until)
    read = list(rows.order_by("-published_at")[: skip + limit + 1])
    times = [article.published_at for article in read]
    return NewsPage(one_per_story(read[skip : skip + limit]), _next(times, skip + limit))


def publishers() -> list[str]:
    """Return whose headlines are among the newest, by name. A query every five minutes."""
    kept: list[str] | None = cache.get(PUBLISHERS_KEY)
    if kept is None:
        newest = Article.objects.filter(shelf="news").order_by("-published_at")
        names = newest.values_list("publisher", flat=True)[:HEADLINES_LOOKED_AT]
        kept = sorted(set(names), key=str.casefold)
        cache.set(PUBLISHERS_KEY, kept, PUBLISHERS_KEPT_FOR)
    return kept


def _page_of_coin(
    coin_id: str, publisher: str, until: datetime | None, skip: int, *, limit: int
) -> NewsPage:
    tags = Tag.objects.filter(coin_id=coin_id)
    if until is not None:
        tags = tags.filter(published_at__lte=until)
    number = MOST_READ_OF_A_COIN if publisher else limit
    rows = tags.order_by("-published_at").values_list("article_id", "published_at")
    read = list(rows[: skip + number + 1])
    found = _articles_of([article_id for article_id, _ in read[skip : skip + number]])
    wanted = [one for one in found if not publisher or one.publisher == publisher]
    return NewsPage(one_per_story(wanted), _next([at for _, at in read], skip + number))


def _articles_of(ids: Sequence[str]) -> list[Article]:
    found = Article.objects.filter(pk__in=ids)
    return sorted(found, key=lambda article: article.published_at, reverse=True)


def _next(times: Sequence[datetime], shown: int) -> str:
    """Return the cursor of what follows the first `shown`: a moment, and how many of it to skip."""
    if len(times) <= shown:
        return ""
    last = times[shown - 1]
    same = sum(at == last for at in times[:shown])
    return f"{(last - _EPOCH) // timedelta(microseconds=1)}.{min(same, MOST_TO_SKIP)}"


def _read_cursor(cursor: str) -> tuple[datetime | None, int]:
    moment, _, skip = cursor[:_LARGEST_CURSOR].partition(".")
    if not (cursor.isascii() and moment.isdigit() and skip.isdigit()):
        return None, 0
    try:
        return _EPOCH + timedelta(microseconds=int(moment)), min(int(skip), MOST_TO_SKIP)
    except OverflowError:
        return None, 0
