"""The market: coins with their latest quote, candles, exchange rates, news, watchlists."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from market.quotes import LONGEST_COIN_ID, is_coin_id

BAD_COIN_ID = _("A coin's id is that of CoinGecko, such as bitcoin or avalanche-2.")


def validate_coin_id(value: str) -> None:
    """Refuse in forms what could not stand in the address of the coin's page."""
    if not is_coin_id(value):
        raise ValidationError(BAD_COIN_ID, code="bad_coin")


class PriceField(models.DecimalField):  # type: ignore[type-arg]  # not generic at run time
    """A price in US dollars: 15 significant digits from 1e-18 up (see `market.quotes`)."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 36)
        kwargs.setdefault("decimal_places", 18)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class Coin(models.Model):
    """A coin and its latest quote. The key is the CoinGecko id: symbols are not unique."""

    class AssetClass(models.TextChoices):
        CRYPTO = "crypto", _("Crypto")
        STOCK = "stock", _("Stock")

    id = models.CharField(
        primary_key=True, max_length=LONGEST_COIN_ID, validators=[validate_coin_id]
    )
    symbol = models.CharField(max_length=32)
    name = models.CharField(max_length=128)
    rank = models.PositiveIntegerField(null=True, blank=True)
    tracked = models.BooleanField(default=True)
    category = models.CharField(max_length=64, blank=True)
    asset_class = models.CharField(
        max_length=16, choices=AssetClass.choices, default=AssetClass.CRYPTO
    )
    quantity_step = models.DecimalField(max_digits=9, decimal_places=8, null=True, blank=True)

    last_price = PriceField(null=True, blank=True)
    price_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=32, blank=True)
    change_24h = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    change_7d = models.DecimalField(max_digits=15, decimal_places=4, null=True, blank=True)
    market_cap = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    volume_24h = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    sparkline = models.JSONField(default=list, blank=True)

    # What alert evaluation needs: the lowest and the highest price seen since the coin was last
    # evaluated, when the first of them was, and up to which price it has been evaluated. After a
    # gap (a quote older than the staleness limit) both ends are the new price.
    tick_low = PriceField(null=True, blank=True)
    tick_high = PriceField(null=True, blank=True)
    tick_since = models.DateTimeField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("rank", "id")
        indexes = (models.Index(fields=["tracked", "rank"], name="coin_tracked"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol.upper()})"

    def is_stale(self, *, now: datetime) -> bool:
        """Tell whether the latest price is too old to trade or alert on (STALE_AFTER)."""
        return self.price_at is None or now - self.price_at > settings.STALE_AFTER

    @property
    def is_simulated(self) -> bool:
        """Tell whether the price is made up, and must be labelled wherever it is shown."""
        return self.source in {"simulated", "replay"}


class Resolution(models.TextChoices):
    """How long one candle lasts."""

    MINUTE = "1m", _("1 minute")
    FIVE_MINUTES = "5m", _("5 minutes")
    HOUR = "1h", _("1 hour")
    DAY = "1d", _("1 day")

    @property
    def seconds(self) -> int:
        return {"1m": 60, "5m": 300, "1h": 3600, "1d": 86400}[self.value]

    @property
    def keep(self) -> timedelta | None:
        """How long candles of this resolution are kept; None is for ever."""
        days = {"1m": 7, "5m": 90, "1h": 90, "1d": None}[self.value]
        return None if days is None else timedelta(days=days)

    def start_of(self, at: datetime) -> datetime:
        """Return the beginning of the candle that this moment falls into (UTC)."""
        stamp = int(at.timestamp())
        return datetime.fromtimestamp(stamp - stamp % self.seconds, tz=at.tzinfo)


class Candle(models.Model):
    """Open, high, low and close of a coin over one interval; no trade, no row: gaps stay gaps."""

    id = models.CharField(primary_key=True, max_length=160)
    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="candles")
    resolution = models.CharField(max_length=2, choices=Resolution.choices)
    start = models.DateTimeField()
    open = PriceField()
    high = PriceField()
    low = PriceField()
    close = PriceField()
    #: When the first and the last price in it were: late quotes complete a candle correctly.
    open_at = models.DateTimeField()
    close_at = models.DateTimeField()
    volume = models.DecimalField(max_digits=30, decimal_places=8, null=True, blank=True)
    source = models.CharField(max_length=32)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["coin", "resolution", "start"], name="candle_chart"),
            models.Index(fields=["resolution", "expires_at"], name="candle_expiry"),
        )

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(coin_id: str, resolution: str, start: datetime) -> str:
        """Return the natural key: `coin:resolution:start` with the start in Unix seconds."""
        return f"{coin_id}:{resolution}:{int(start.timestamp())}"


class ExchangeRate(models.Model):
    """How many units of a currency one US dollar buys, one row per currency and day (UTC)."""

    id = models.CharField(primary_key=True, max_length=16)  # "EUR:2026-11-20"
    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=8)
    source = models.CharField(max_length=32)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["currency", "day"], name="exchange_rate_day"),)

    def __str__(self) -> str:
        return f"{self.currency} {self.rate}"


class Article(models.Model):
    """A headline of a news feed: title, summary without markup, link. Never the full text."""

    id = models.CharField(primary_key=True, max_length=64)  # hash of the guid or the link
    title = models.CharField(max_length=300)
    summary = models.TextField(blank=True)
    url = models.URLField(max_length=1000)
    publisher = models.CharField(max_length=100)
    published_at = models.DateTimeField()
    #: All articles share the value, so that "the newest" is one indexed query on every database.
    shelf = models.CharField(max_length=8, default="news")
    coins = models.ManyToManyField(Coin, through="Tag", related_name="articles", blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["shelf", "published_at"], name="article_newest"),
            models.Index(fields=["publisher", "published_at"], name="article_publisher"),
        )

    def __str__(self) -> str:
        return self.title


class Tag(models.Model):
    """A coin that a headline names, with the headline's time: a coin's newest are one query."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="+")
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "market_article_coins"
        unique_together = (("article", "coin"),)
        indexes = (models.Index(fields=["coin", "published_at"], name="tag_newest"),)

    def __str__(self) -> str:
        return f"{self.article_id}: {self.coin_id}"


class WatchlistItem(models.Model):
    """A coin that somebody keeps an eye on. The key is `user:coin`."""

    id = models.CharField(primary_key=True, max_length=180)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlist"
    )
    # Nobody asks who watches a coin, and one index partition would hold most of the rows.
    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="+", db_index=False)
    added_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(user_id: uuid.UUID, coin_id: str) -> str:
        return f"{user_id}:{coin_id}"


class Screen(models.Model):
    """Filters of the screener that somebody saved. The key is the person and the name's hash."""

    id = models.CharField(primary_key=True, max_length=80)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="screens"
    )
    name = models.CharField(max_length=60)
    #: As they stand in the screener's address: name -> what was typed.
    filters = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def key(user_id: uuid.UUID, name: str) -> str:
        return f"{user_id}:{hashlib.sha256(name.casefold().encode()).hexdigest()[:32]}"


class FeedState(models.Model):
    """What must outlive a process about one feed: its budget, its health, when it is due.

    Claiming `next_fetch_at` by a conditional update is what keeps two workers from fetching the
    same tick.
    """

    name = models.CharField(primary_key=True, max_length=64)
    month = models.CharField(max_length=7, blank=True)  # "2026-11", UTC
    calls_this_month = models.PositiveIntegerField(default=0)
    next_fetch_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    open_until = models.DateTimeField(null=True, blank=True)  # circuit breaker
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    is_misconfigured = models.BooleanField(default=False)  # e.g. a wrong key: no retry helps
    #: Calls that the plan gives a month; filled in by `services.feed_states`, not stored.
    monthly_calls: int | None = None
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.name


class PriceOrigin(models.Model):
    """Whether this database holds real or simulated prices: one row, made by the first quote.

    Real and simulated prices never meet in one database.
    """

    class Origin(models.TextChoices):
        REAL = "real", _("Real")
        SIMULATED = "simulated", _("Simulated")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.origin
