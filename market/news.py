"""News feeds: fetched within limits, read as plain text, tagged with the coins they name.

What comes back is anybody's text: markup is stripped, links must be web links, sizes and times
are bounded, and an address inside our own network is never fetched, not even by a redirect.
"""

from __future__ import annotations

import calendar
import hashlib
import html
import io
import ipaddress
import re
import socket
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import feedparser
import nh3
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LARGEST_FEED = 2 * 1024 * 1024  # bytes, packed and unpacked
TIMEOUT = (4.0, 6.0)  # seconds to connect, and between two reads
LONGEST_FETCH = 15.0  # seconds for all of it
MOST_REDIRECTS = 4
MOST_ENTRIES = 100
SUMMARY_LENGTH = 400
TITLE_LENGTH = 300
#: Characters of a title or summary that are looked at, markup included.
LONGEST_MARKUP = 20_000
LONGEST_URL = 1000
USER_AGENT = "CryptoPulse/0.1 (news reader)"  # some publishers refuse a blank one


class NewsError(Exception):
    """A news feed could not be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer: the feed's bytes, or None where it has not changed since the last time."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One article of a feed, as plain text."""

    key: str
    title: str
    summary: str
    url: str
    publisher: str
    published_at: datetime


# --- Fetching ---------------------------------------------------------------------------------


def fetch(url: str, *, etag: str = "", modified: str = "", allow_loopback: bool = False) -> Fetched:
    """Fetch a feed, unless it is unchanged; raises NewsError.

    Redirects are followed one by one, each over the same guard: a connection to an address that
    is not public ends before anything is sent, whatever the name resolved to a moment before.
    """
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.1",
        "Accept-Encoding": "gzip",
    }
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    deadline = time.monotonic() + LONGEST_FETCH
    with requests.Session() as session:
        session.trust_env = False  # a proxy would do the asking, and the guard see its address only
        for scheme in ("http://", "https://"):
            session.mount(scheme, _GuardedAdapter(allow_loopback=allow_loopback))
        try:
            for _ in range(MOST_REDIRECTS + 1):
                _check_address(url)
                with session.get(
                    url, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False
                ) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers["location"])
                        continue
                    return _read(response, deadline=deadline)
        except (requests.RequestException, OSError, ValueError) as error:
            raise NewsError(f"{_host(url)}: {_reason(error)}") from error
    raise NewsError(f"{_host(url)}: it redirects in circles.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url[:100]
    except ValueError:
        return url[:100]


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NewsError(f"“{url[:100]}” is not a web address.")


def _read(response: requests.Response, *, deadline: float) -> Fetched:
    if response.status_code == requests.codes.not_modified:
        return Fetched(body=None)
    if response.status_code != requests.codes.ok:
        raise NewsError(f"{_host(response.url)} answered {response.status_code}.")
    body = bytearray()
    # Without decoding: a small packed answer may unpack to gigabytes.
    while chunk := response.raw.read1(65536, decode_content=False):
        body += chunk
        if len(body) > LARGEST_FEED:
            raise NewsError(f"{_host(response.url)} sends more than we read.")
        if time.monotonic() > deadline:
            raise NewsError(f"{_host(response.url)} takes too long.")
    return Fetched(
        body=_unpack(bytes(body), response.headers.get("content-encoding", "")),
        etag=response.headers.get("etag", "")[:200],
        modified=response.headers.get("last-modified", "")[:64],
    )


def _unpack(body: bytes, encoding: str) -> bytes:
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        return body
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever it is
    try:
        unpacked = unpacker.decompress(body, LARGEST_FEED)
    except zlib.error as error:
        raise NewsError("The answer is not packed as it says.") from error
    if unpacker.unconsumed_tail:
        raise NewsError("The answer unpacks to more than we read.")
    return unpacked


def _reason(error: Exception) -> str:
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, _NotPublicError):
            return str(inner)
        inner = inner.__context__
    if isinstance(error, requests.Timeout):
        return "no answer in time."
    if isinstance(error, requests.ConnectionError):
        return "it could not be reached; is this machine online?"
    return f"{type(error).__name__}: {error}"[:200]


class _NotPublicError(OSError):
    """The name leads to an address inside some network."""


def _check_peer(sock: socket.socket, *, allow_loopback: bool) -> None:
    """Close a connection to an address that is not a public one, before anything is sent.

    Checked on the open connection: a name may resolve differently from one moment to the next.
    """
    address = ipaddress.ip_address(sock.getpeername()[0].split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if (mapped.is_global and not mapped.is_multicast) or (allow_loopback and mapped.is_loopback):
        return
    sock.close()
    raise _NotPublicError("it leads to an address that is not public.")


def _guarded(base: Any, *, allow_loopback: bool) -> Any:
    class Guarded(base):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            sock: socket.socket = super()._new_conn()
            _check_peer(sock, allow_loopback=allow_loopback)
            return sock

    return Guarded


class _GuardedAdapter(HTTPAdapter):
    """Connects to public addresses only."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        allow = self._allow_loopback

        class Plain(HTTPConnectionPool):
            ConnectionCls = _guarded(HTTPConnection, allow_loopback=allow)

        class Secure(HTTPSConnectionPool):
            ConnectionCls = _guarded(HTTPSConnection, allow_loopback=allow)

        self.poolmanager.pool_classes_by_scheme = {"http": Plain, "https": Secure}


# --- Reading ----------------------------------------------------------------------------------


def parse(body: bytes, *, url: str, now: datetime) -> list[Headline]:
    """Read a feed's newest entries, each once; raises NewsError when it is no feed at all."""
    parsed = feedparser.parse(io.BytesIO(body), resolve_relative_uris=False, sanitize_html=False)
    if not parsed.entries and (parsed.get("bozo") or not parsed.get("version")):
        raise NewsError(f"{_host(url)} does not send a news feed.")
    host = _host(url).removeprefix("www.")
    publisher = plain_text(str(parsed.feed.get("title") or ""))[:100] or host
    found: dict[str, Headline] = {}
    for entry in parsed.entries[:MOST_ENTRIES]:
        headline = _headline(entry, host=host, base=url, publisher=publisher, now=now)
        if headline is not None:
            found.setdefault(headline.url, headline)
    return list(found.values())


def _headline(
    entry: Any,
    *,
    host: str,
    base: str,
    publisher: str,
    now: datetime,
) -> Headline | None:
    title = plain_text(str(entry.get("title") or ""))
    link = str(entry.get("link") or "").strip()
    url = web_link(link if ":" in link.split("/")[0] else urljoin(base, link))
    if not title or not link or url is None:
        return None
    guid = str(entry.get("id") or "").strip()
    if guid and "://" not in guid:
        guid = f"{host}:{guid}"  # "1234" is only this publisher's
    return Headline(
        key=hashlib.sha256((guid or url).encode()).hexdigest(),
        title=_shorten(title, TITLE_LENGTH),
        summary=_shorten(plain_text(str(entry.get("summary") or "")), SUMMARY_LENGTH),
        url=url,
        publisher=publisher,
        published_at=min(_moment(entry) or now, now),
    )


def _moment(entry: Any) -> datetime | None:
    for name in ("published_parsed", "updated_parsed"):
        # Not the entry's own get, which takes one of the two for the other.
        if parsed := dict.get(entry, name):
            try:
                return datetime.fromtimestamp(calendar.timegm(parsed), tz=UTC)
            except (OverflowError, OSError, ValueError):
                continue
    return None


_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def plain_text(markup: str) -> str:
    """Return the text without markup, scripts or control characters, on one line.

    Only the beginning is read: a headline and its summary need no more, and no megabyte of
    brackets shall keep the process busy.
    """
    text = html.unescape(nh3.clean(markup[:LONGEST_MARKUP], tags=set()))
    if _TAG.search(text):  # it was escaped twice
        text = html.unescape(nh3.clean(text, tags=set()))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _shorten(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"


def web_link(url: str) -> str | None:
    """Return the link without the marks of trackers, or None where it is no web link."""
    try:
        parts = urlsplit(url)
        hostname = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not hostname or "@" in parts.netloc:
        return None
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not name.lower().startswith("utm_")
    ]
    link = urlunsplit((parts.scheme.lower(), parts.netloc, parts.path, urlencode(query), ""))
    if len(link) > LONGEST_URL or not link.isprintable() or set(link) & set(' "<>\\'):
        return None
    return link


# --- Tagging ----------------------------------------------------------------------------------

#: Names and symbols that mean something else more often than the coin.
COMMON_WORDS = frozenset(
    # A list of two hundred quoted words would only be harder to read.
    """
    act ai algo all ape api app arc ark art ask atom audio axis ban band bank bat big bit block
    bond book bot box cap cash cat ceo chat city coin comp core cost cover data dao day dent dia
    dog dot dusk dydx ear edge elf era etf etc eur eye fan fed fest fit flare flow for ftx fun
    gas gbp gdp get gift gold good grass green gram gnosis hard harmony has high hive home hot
    hook icon icp idea ids ink iota ipo jasmy joe just key lab lava layer link lit live lock loom
    lot love magic major maker man mantle map mask mass max meme met mind mina mint moon move near
    neo neon new nft node not now nym ocean official okay omg omni one ong ont open optimism
    orbit order origin pax pay people pepe perp phone pirate pixel play plume pond power prime pro
    pump pundi quant ray render request rose safe sand save sec seed sei sign sky smart snap space
    spell star status step stock storm stream sui sun super sure swap swell swift sync tag the
    theta threshold time token ton top tower trade trump trust turbo uma union unity usa usd usual
    velo vet virtual vision waves wax win wing world yield you zero
    """.split()  # noqa: SIM905
)
_SHORTEST_SYMBOL = 3
_MOST_TAGS = 5


class CoinTagger:
    """Finds which coins a text names, by whole words.

    A name counts as it is written ("Bitcoin", "Bitcoin Cash" before "Bitcoin"), a symbol in
    capitals or as a cashtag; what is an everyday word counts as a cashtag only.
    """

    def __init__(self, coins: Iterable[tuple[str, str, str]]) -> None:
        """`coins` are (id, symbol, name), the most important first: it wins a shared symbol."""
        self._names: dict[str, str] = {}
        self._symbols: dict[str, str] = {}
        self._cashtags: dict[str, str] = {}
        for coin_id, symbol, name in coins:
            upper = symbol.upper()
            if len(upper) > 1:
                self._cashtags.setdefault(upper, coin_id)
            if (
                len(upper) >= _SHORTEST_SYMBOL
                and upper.isalnum()
                and not upper.isdigit()
                and upper.lower() not in COMMON_WORDS
            ):
                self._symbols.setdefault(upper, coin_id)
            if len(name) >= _SHORTEST_SYMBOL and name.lower() not in COMMON_WORDS:
                self._names.setdefault(name, coin_id)
        self._pattern = _whole_words([*self._names, *self._symbols])

    def tags(self, *texts: str) -> list[str]:
        """Return the ids of the coins that are named, in the order of first mention."""
        found: dict[str, None] = {}
        for text in texts:
            for cashtag in re.findall(r"(?<![\w$])\$([A-Za-z][A-Za-z0-9]{1,14})\b", text):
                if coin_id := self._cashtags.get(cashtag.upper()):
                    found.setdefault(coin_id)
            for word in self._pattern.findall(text):
                found.setdefault(self._names.get(word) or self._symbols[word])
        return list(found)[:_MOST_TAGS]


def _whole_words(words: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern of any of these words, the longest first."""
    listed = sorted(set(words), key=len, reverse=True)
    any_of = "|".join(map(re.escape, listed)) or r"(?!)"
    return re.compile(rf"(?<![\w$])(?:{any_of})(?!\w)")
