"""Fetching the news: RSS and Atom feeds, kept as headlines with a link."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from cryptopulse.atomic import in_chunks, run_atomic
from market import budget
from market.feeds import FeedError
from market.models import Article, Coin, FeedState, Tag

from .reading import by_rank
from .sources import answer_within

if TYPE_CHECKING:
    from market import news

logger = logging.getLogger(__name__)

NEWS_EVERY = timedelta(minutes=10)
#: Older headlines are neither taken nor kept.
KEEP_ARTICLES = timedelta(days=60)
#: For one feed, with everything that has no time limit of its own (names, headers).
SECONDS_PER_FEED = 20.0
#: An article and its tags, each of them unique.
ROWS_PER_ARTICLE = 11


def refresh_news(*, now: datetime) -> int:
    """Fetch the news feeds that are due; return how many headlines are new.

    One that fails is noted (`FeedState` "news:<host>") and keeps no other from being read; one
    that has not changed costs its publisher an empty answer.
    """
    tagger: news.CoinTagger | None = None
    new = 0
    for url in dict.fromkeys(settings.NEWS_FEEDS):
        name = _state_name(url)
        if budget.is_open(name=name, now=now):
            continue
        if not budget.claim_fetch(name=name, interval=NEWS_EVERY, now=now):
            continue
        try:
            headlines = _headlines(url, name=name, now=now)
        except FeedError as error:
            budget.record_failure(name=name, error=error, now=now)
            continue
        if headlines:
            tagger = tagger or _tagger()
            new += _store(headlines, tagger, now=now)
        budget.record_success(name=name, now=now)
    return new


def _state_name(url: str) -> str:
    parts = urlsplit(url)
    same_host = [one for one in settings.NEWS_FEEDS if urlsplit(one).hostname == parts.hostname]
    path = parts.path if len(same_host) > 1 else ""
    return f"news:{parts.netloc}{path}"[:64]


def _headlines(url: str, *, name: str, now: datetime) -> list[news.Headline]:
    """Fetch and read one feed; whatever goes wrong comes out as FeedError."""
    from market import news  # with feedparser and requests, which only this job needs

    state = FeedState.objects.get(name=name)
    try:
        fetched = answer_within(
            SECONDS_PER_FEED,
            lambda: news.fetch(
                url,
                etag=state.etag,
                modified=state.modified,
                allow_loopback=settings.NEWS_ALLOW_LOOPBACK,
            ),
        )
        if fetched.body is None:
            return []
        headlines = news.parse(fetched.body, url=url, now=now)
    except (news.NewsError, TimeoutError) as error:
        raise FeedError(str(error)) from error
    except Exception as error:
        logger.exception("the news of %s broke the reader", url)
        raise FeedError(f"{url}: {type(error).__name__}") from error
    FeedState.objects.filter(name=name).update(etag=fetched.etag, modified=fetched.modified)
    return headlines


def _tagger() -> news.CoinTagger:
    from market import news

    coins = Coin.objects.filter(tracked=True).only("id", "symbol", "name", "rank")
    return news.CoinTagger((coin.pk, coin.symbol, coin.name) for coin in by_rank(list(coins)))


def _store(headlines: Sequence[news.Headline], tagger: news.CoinTagger, *, now: datetime) -> int:
    """Store the headlines that are not there yet, with their tags."""
    recent = {one.key: one for one in headlines if one.published_at > now - KEEP_ARTICLES}
    known = set(Article.objects.filter(pk__in=recent).values_list("pk", flat=True))
    fresh = [one for key, one in recent.items() if key not in known]
    for chunk in in_chunks(fresh, actions_per_item=ROWS_PER_ARTICLE):
        run_atomic(partial(_store_chunk, chunk, tagger))
    return len(fresh)


def _store_chunk(chunk: Sequence[news.Headline], tagger: news.CoinTagger) -> None:
    Article.objects.bulk_create(
        [
            Article(
                id=one.key,
                title=one.title,
                summary=one.summary,
                url=one.url,
                publisher=one.publisher,
                published_at=one.published_at,
            )
            for one in chunk
        ],
        ignore_conflicts=True,
    )
    Tag.objects.bulk_create(
        [
            Tag(article_id=one.key, coin_id=coin_id, published_at=one.published_at)
            for one in chunk
            for coin_id in tagger.tags(one.title, one.summary)
        ],
        ignore_conflicts=True,
    )
