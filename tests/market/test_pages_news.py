"""News: of a coin, of a publisher, page by page, one line per story."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from market import services as market
from market.models import Article, Coin, Tag
from market.stories import one_per_story
from tests.conftest import NOW, make_coin

pytestmark = pytest.mark.django_db


def put(number: int, *, publisher: str = "Wire", minutes: int | None = None, title: str = "",
        coin: Coin | None = None) -> Article:  # fmt: skip
    """Store a headline, so many minutes old."""
    made = Article.objects.create(
        id=f"a{number}",
        title=title or f"Headline number {number}",
        url=f"https://example.com/{number}",
        publisher=publisher,
        published_at=NOW - timedelta(minutes=number if minutes is None else minutes),
    )
    if coin:
        Tag.objects.create(article=made, coin=coin, published_at=made.published_at)
    return made


def titles(page: market.NewsPage) -> list[str]:
    return [story.article.title.split()[-1] for story in page.stories]


def all_pages(limit: int, **asked: Any) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        page = market.news_page(limit=limit, cursor=cursor, **asked)
        pages.append(titles(page))
        cursor = page.next_cursor
        if not cursor:
            return pages


def test_pages_hold_every_headline_once_newest_first() -> None:
    for number in range(1, 8):
        put(number)
    assert all_pages(3) == [["1", "2", "3"], ["4", "5", "6"], ["7"]]
    assert all_pages(7) == [["1", "2", "3", "4", "5", "6", "7"]]


def test_headlines_of_one_instant_are_neither_lost_nor_repeated_between_pages() -> None:
    for number in range(1, 8):
        put(number, minutes=5)
    shown = [title for page in all_pages(2) for title in page]
    assert sorted(shown) == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_publisher_s_headlines_alone() -> None:
    put(1)
    put(2, publisher="Gazette")
    put(3)
    assert all_pages(1, publisher="Wire") == [["1"], ["3"]]
    assert all_pages(5, publisher="Nobody") == [[]]
    assert market.publishers() == ["Gazette", "Wire"]


def test_a_coin_s_headlines_alone_and_those_of_one_publisher_about_it() -> None:
    bitcoin = make_coin()
    for number in range(1, 6):
        put(
            number,
            coin=bitcoin if number != 3 else None,
            publisher="Wire" if number < 5 else "Post",
        )
    assert all_pages(2, coin_id="bitcoin") == [["1", "2"], ["4", "5"]]
    assert all_pages(9, coin_id="bitcoin", publisher="Post") == [["5"]]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "1", "1.", ".1", "-5.1", "9" * 22 + ".1", "²" + ".1", "1.1.1", "\0"],
)
def test_a_cursor_that_was_never_given_out_breaks_nothing(cursor: str) -> None:
    put(1)
    market.news_page(cursor=cursor)


def test_the_page_filters_pages_and_says_when_nothing_matches(client: Client) -> None:
    make_coin()
    for number in range(1, 35):
        put(number, publisher="Wire" if number % 2 else "Gazette")
    url = reverse("market:news")
    first = client.get(url).content.decode()
    assert "Headline number 30<" in first
    assert "Headline number 31<" not in first
    assert 'rel="next"' in first
    assert '<option value="Gazette">' in first
    of_one = client.get(url, {"publisher": "Gazette"}).content.decode()
    assert "Headline number 34<" in of_one
    assert "Headline number 33<" not in of_one
    assert "No headlines here" in client.get(url, {"publisher": "Nobody"}).content.decode()


# --- One line per story --------------------------------------------------------------------------


def headline(title: str, publisher: str) -> Any:
    return SimpleNamespace(title=title, publisher=publisher)


def test_the_same_story_of_two_publishers_is_one() -> None:
    first = headline("Bitcoin climbs above $120,000 as funds buy", "Wire")
    second = headline("Bitcoin climbs above $120,000 as the funds buy", "Gazette")
    other = headline("Ether falls as fees drop", "Gazette")
    stories = one_per_story([first, second, other])
    assert [(story.article, story.others) for story in stories] == [(first, [second]), (other, [])]


def test_one_publisher_s_similar_titles_are_different_stories() -> None:
    noon = headline("Market wrap: prices at noon today", "Wire")
    evening = headline("Market wrap: prices at night today", "Wire")
    assert len(one_per_story([noon, evening])) == 2


def test_short_titles_are_never_called_the_same() -> None:
    assert len(one_per_story([headline("Bitcoin rises", "A"), headline("Bitcoin rises", "B")])) == 2
