"""The news: reading feeds that anybody may have written, over real HTTP on loopback."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from market import news
from market import services as market
from market.models import Article, FeedState
from tests.conftest import NOW, make_coin

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>The Ledger &amp; Co</title>
<item><title>Bitcoin climbs</title><link>https://news.example/a?utm_source=rss&amp;id=1</link>
<guid isPermaLink="false">1234</guid><pubDate>Thu, 19 Nov 2026 08:30:00 GMT</pubDate>
<description>
<![CDATA[<p>Up <b>5%</b> &amp; rising<script>alert(1)</script></p>]]></description></item>
<item><title>ETH and $SOL fall</title><link>https://news.example/b</link>
<pubDate>Fri, 20 Nov 2026 09:00:00 +0100</pubDate></item>
{more}
</channel></rss>"""


def rss(more: str = "") -> bytes:
    return RSS.format(more=more).encode()


# --- A publisher ------------------------------------------------------------------------------

Page = Callable[[BaseHTTPRequestHandler], None]


class Publisher:
    """A web server on loopback whose pages a test writes."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.requests.append((self.path, dict(self.headers)))
                publisher.pages.get(self.path, not_found)(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.server_port}{path}"


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return page


not_found = answer(404)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def allowed(settings: Settings) -> Settings:
    settings.NEWS_ALLOW_LOOPBACK = True
    return settings


# --- Fetching ---------------------------------------------------------------------------------


def test_a_feed_is_fetched_with_its_marks_and_not_again_while_unchanged(
    publisher: Publisher,
) -> None:
    def page(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == '"v1"':
            answer(304)(handler)
        else:
            answer(200, rss(), ETag='"v1"', Last_Modified="Fri, 20 Nov 2026 08:00:00 GMT")(handler)

    publisher.pages["/rss"] = page
    first = news.fetch(publisher.url("/rss"), allow_loopback=True)
    assert first.body == rss()
    assert (first.etag, first.modified) == ('"v1"', "Fri, 20 Nov 2026 08:00:00 GMT")
    again = news.fetch(
        publisher.url("/rss"), etag=first.etag, modified=first.modified, allow_loopback=True
    )
    assert again.body is None
    assert publisher.requests[1][1]["If-Modified-Since"] == "Fri, 20 Nov 2026 08:00:00 GMT"
    assert "CryptoPulse" in publisher.requests[0][1]["User-Agent"]


def test_packed_feeds_are_unpacked_and_bombs_are_not(publisher: Publisher) -> None:
    publisher.pages["/gz"] = answer(200, gzip.compress(rss()), Content_Encoding="gzip")
    bomb = gzip.compress(b"\0" * (news.LARGEST_FEED + 1))
    publisher.pages["/bomb"] = answer(200, bomb, Content_Encoding="gzip")
    publisher.pages["/lie"] = answer(200, b"not packed", Content_Encoding="gzip")
    assert news.fetch(publisher.url("/gz"), allow_loopback=True).body == rss()
    with pytest.raises(news.NewsError, match="more than we read"):
        news.fetch(publisher.url("/bomb"), allow_loopback=True)
    with pytest.raises(news.NewsError, match="not packed as it says"):
        news.fetch(publisher.url("/lie"), allow_loopback=True)


def test_an_endless_feed_is_given_up(publisher: Publisher) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    publisher.pages["/endless"] = endless
    with pytest.raises(news.NewsError, match="more than we read"):
        news.fetch(publisher.url("/endless"), allow_loopback=True)


def test_a_feed_that_drips_is_given_up(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LONGEST_FETCH", 0.3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    publisher.pages["/drip"] = drip
    began = time.monotonic()
    with pytest.raises(news.NewsError, match="takes too long"):
        news.fetch(publisher.url("/drip"), allow_loopback=True)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_ours_is_never_asked(publisher: Publisher, host: str) -> None:
    publisher.pages["/secret"] = answer(200, rss())
    with pytest.raises(news.NewsError, match="not public"):
        news.fetch(publisher.url("/secret", host))
    assert publisher.requests == []


def test_neither_a_proxy_nor_passwords_of_the_environment_are_used(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    publisher.pages["/feed"] = answer(200, rss())
    assert news.fetch(publisher.url("/feed"), allow_loopback=True).body == rss()
    assert "Authorization" not in publisher.requests[0][1]


def test_a_redirect_is_followed_and_guarded(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.pages["/here"] = answer(302, Location="/there")
    publisher.pages["/there"] = answer(200, rss())
    assert news.fetch(publisher.url("/here"), allow_loopback=True).body == rss()
    publisher.pages["/circle"] = answer(302, Location="/circle")
    with pytest.raises(news.NewsError, match="circles"):
        news.fetch(publisher.url("/circle"), allow_loopback=True)
    publisher.pages["/file"] = answer(302, Location="file:///etc/passwd")
    with pytest.raises(news.NewsError, match="not a web address"):
        news.fetch(publisher.url("/file"), allow_loopback=True)


def test_a_redirect_into_our_network_is_not_followed(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.pages["/out"] = answer(302, Location=publisher.url("/in"))
    publisher.pages["/in"] = answer(200, rss())
    checked: list[str] = []
    real_check = news._check_peer

    def first_is_public(sock: Any, *, allow_loopback: bool) -> None:
        checked.append(sock.getpeername()[0])
        real_check(sock, allow_loopback=len(checked) == 1)

    monkeypatch.setattr(news, "_check_peer", first_is_public)
    with pytest.raises(news.NewsError, match="not public"):
        news.fetch(publisher.url("/out"))
    assert [path for path, _ in publisher.requests] == ["/out"]


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_an_error_of_the_publisher_is_a_sentence(publisher: Publisher, status: int) -> None:
    publisher.pages["/rss"] = answer(status)
    with pytest.raises(news.NewsError, match=f"127.0.0.1 answered {status}"):
        news.fetch(publisher.url("/rss"), allow_loopback=True)


def test_a_publisher_that_is_away_is_a_sentence() -> None:
    with pytest.raises(news.NewsError, match=r"127\.0\.0\.1: "):
        news.fetch("http://127.0.0.1:9/rss", allow_loopback=True)
    with pytest.raises(news.NewsError):
        news.fetch("ftp://news.example/rss")
    with pytest.raises(news.NewsError):
        news.fetch("http://[bad/rss")


# --- Reading ----------------------------------------------------------------------------------


def parsed(body: bytes) -> list[news.Headline]:
    return news.parse(body, url="https://www.news.example/rss", now=NOW)


def test_headlines_are_plain_text_with_their_link_and_time() -> None:
    first, second = parsed(rss())
    assert first.title == "Bitcoin climbs"
    assert first.summary == "Up 5% & rising"
    assert first.url == "https://news.example/a?id=1"
    assert first.publisher == "The Ledger & Co"
    assert first.published_at == datetime(2026, 11, 19, 8, 30, tzinfo=UTC)
    assert second.published_at == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert len(first.key) == 64


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://news.example/a",
        "https://",
        "https://user:password@news.example/",
        "https://news.example/" + "a" * 1000,
    ],
)
def test_what_is_no_web_link_is_no_headline(link: str) -> None:
    item = f"<item><title>Odd</title><link>{link}</link></item>"
    assert [one.title for one in parsed(rss(item))] == ["Bitcoin climbs", "ETH and $SOL fall"]


def test_a_relative_link_is_the_publishers() -> None:
    found = parsed(rss("<item><title>Near</title><link>/c</link></item>"))
    assert found[-1].url == "https://www.news.example/c"


def test_an_entry_without_a_title_is_left_out_and_one_without_a_time_is_now() -> None:
    more = (
        "<item><link>https://news.example/c</link></item>"
        "<item><title>Untimed</title><link>https://news.example/d</link></item>"
        "<item><title>Ahead</title><link>https://news.example/e</link>"
        "<pubDate>Fri, 20 Nov 2099 09:00:00 GMT</pubDate></item>"
    )
    found = parsed(rss(more))
    assert [one.title for one in found[2:]] == ["Untimed", "Ahead"]
    assert {one.published_at for one in found[2:]} == {NOW}


def test_the_same_link_twice_is_one_headline() -> None:
    again = "<item><title>Again</title><link>https://news.example/b#top</link></item>"
    assert len(parsed(rss(again))) == 2


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>one</p>\n<p>two</p>", "one two"),
        ("<img src=x onerror=alert(1)>hi", "hi"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;ok", "ok"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("Ali\u202eced \x00\x07x", "Ali ced x"),
        ("<style>p{}</style>", ""),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert news.plain_text(markup) == text


def test_a_long_text_is_cut_at_a_word() -> None:
    found = parsed(
        rss(f"<item><title>{'word ' * 200}</title><link>https://n.example</link></item>")
    )
    assert found[-1].title.endswith("word…")
    assert len(found[-1].title) <= 300


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Blocked</body></html>", b"\xff\xfe\x00", b"{}"]
)
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(news.NewsError, match=r"www\.news\.example does not send a news feed"):
        parsed(body)


def test_a_feed_of_entities_does_not_explode() -> None:
    lol = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">
    <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
    <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
    <!ENTITY f SYSTEM "file:///etc/passwd">]>
    <rss version="2.0"><channel><title>x</title><item><title>T &e; &f;</title>
    <link>https://n.example/a</link></item></channel></rss>"""
    began = time.monotonic()
    try:
        found = parsed(lol)
    except news.NewsError:
        found = []
    assert time.monotonic() - began < 2
    assert all(len(one.title) <= 300 and "root:" not in one.title for one in found)


# --- Tagging ----------------------------------------------------------------------------------

TAGGER = news.CoinTagger(
    [
        ("bitcoin", "btc", "Bitcoin"),
        ("bitcoin-cash", "bch", "Bitcoin Cash"),
        ("near", "near", "NEAR Protocol"),
        ("the-open-network", "ton", "Toncoin"),
        ("sui", "sui", "Sui"),
        ("fake-bitcoin", "btc", "Bridged BTC"),
        ("wormhole", "w", "Wormhole"),
        ("c-plus", "c++", "C++ Coin (New)"),
    ]
)


@pytest.mark.parametrize(
    ("text", "coins"),
    [
        ("Bitcoin hits a high", ["bitcoin"]),
        ("Bitcoin Cash forks, Bitcoin does not", ["bitcoin-cash", "bitcoin"]),
        ("BTC and bch", ["bitcoin"]),
        ("Bitcoiners gather in the near future", []),
        ("NEAR Protocol grows", ["near"]),
        ("A TON of NEAR misses", []),
        ("$near, $TON and $btc!", ["near", "the-open-network", "bitcoin"]),
        ("US$BTC5", []),
        ("C++ Coin (New) is here", ["c-plus"]),
        ("W is a letter", []),
        ("", []),
    ],
)
def test_coins_are_tagged_by_whole_words(text: str, coins: list[str]) -> None:
    assert TAGGER.tags(text) == coins


def test_no_coins_tag_nothing() -> None:
    assert news.CoinTagger([]).tags("Bitcoin $BTC") == []


# --- Refreshing -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_new_headlines_are_stored_tagged_and_listed_newest_first(
    publisher: Publisher, allowed: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_coin(symbol="btc", rank=1)
    make_coin("ethereum", symbol="eth", rank=2)
    make_coin("solana", symbol="sol", rank=3)
    publisher.pages["/rss"] = answer(200, rss(), ETag='"v1"')
    allowed.NEWS_FEEDS = [publisher.url("/rss")]
    assert market.refresh_news(now=NOW) == 2
    with django_assert_num_queries(1):
        newest = market.articles()
    found = [(one.title, sorted(coin.pk for coin in one.coins.all())) for one in newest]
    assert found == [
        ("ETH and $SOL fall", ["ethereum", "solana"]),
        ("Bitcoin climbs", ["bitcoin"]),
    ]
    assert [one.title for one in market.articles(coin_id="bitcoin")] == ["Bitcoin climbs"]
    state = FeedState.objects.get(name__startswith="news:")
    assert (state.etag, state.last_success_at) == ('"v1"', NOW)


@pytest.mark.django_db
def test_headlines_that_are_there_are_not_stored_again(
    publisher: Publisher, allowed: Settings
) -> None:
    publisher.pages["/rss"] = answer(200, rss())
    allowed.NEWS_FEEDS = [publisher.url("/rss")]
    assert market.refresh_news(now=NOW) == 2
    assert market.refresh_news(now=NOW + timedelta(minutes=1)) == 0  # not due
    assert len(publisher.requests) == 1
    more = "<item><title>Third</title><link>https://news.example/c</link></item>"
    publisher.pages["/rss"] = answer(200, rss(more))
    assert market.refresh_news(now=NOW + timedelta(minutes=10)) == 1
    assert Article.objects.count() == 3


@pytest.mark.django_db
def test_one_broken_feed_does_not_stop_the_others(publisher: Publisher, allowed: Settings) -> None:
    publisher.pages["/bad"] = answer(200, b"<html>no")
    publisher.pages["/good"] = answer(200, rss())
    allowed.NEWS_FEEDS = [
        "http://127.0.0.1:9/gone",
        "nonsense",
        publisher.url("/bad"),
        publisher.url("/good"),
    ]
    assert market.refresh_news(now=NOW) == 2
    failed = {state.name: state.last_error for state in market.feed_states() if state.failures}
    assert len(failed) == 3
    assert any("does not send a news feed" in error for error in failed.values())


@pytest.mark.django_db
def test_loopback_is_refused_unless_the_setting_allows_it(
    publisher: Publisher, settings: Settings
) -> None:
    publisher.pages["/rss"] = answer(200, rss())
    settings.NEWS_FEEDS = [publisher.url("/rss")]
    settings.NEWS_ALLOW_LOOPBACK = False
    assert market.refresh_news(now=NOW) == 0
    assert publisher.requests == []
    assert "not public" in FeedState.objects.get().last_error


@pytest.mark.django_db
def test_headlines_past_their_time_are_not_taken(publisher: Publisher, allowed: Settings) -> None:
    publisher.pages["/rss"] = answer(200, rss())
    allowed.NEWS_FEEDS = [publisher.url("/rss")]
    assert market.refresh_news(now=NOW + timedelta(days=90)) == 0


def test_a_megabyte_of_brackets_is_cut_before_anything_looks_at_it() -> None:
    flood = "&lt;a" * 400_000
    assert len(news.plain_text(flood)) <= news.LONGEST_MARKUP
    assert news.plain_text("<b>Up</b> " + flood).startswith("Up")
