"""The market in the Django admin: coins are curated, everything else is looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services as accounts
from cryptopulse.admin_base import ModelAdmin, ReadOnlyAdmin

from . import services
from .models import Article, Candle, Coin, ExchangeRate, FeedState

CURATED = ("tracked", "category", "rank")
#: What a new coin needs besides; afterwards it is its source's to say.
IDENTITY = ("id", "symbol", "name")


@admin.register(Coin)
class CoinAdmin(ModelAdmin):
    """Coins: what is tracked and how it is sorted may be changed, a price never."""

    list_display = ("name", "symbol", "rank", "tracked", "last_price", "price_at", "price_source")
    list_filter = ("tracked", "category", "asset_class")
    search_fields = ("id", "symbol", "name")
    ordering = ("rank", "id")
    list_per_page = 50
    actions = ("track", "stop_tracking")

    def has_curate_permission(self, request: HttpRequest) -> bool:
        """Tell who sees the two actions."""
        return bool(request.user.has_perm("market.change_coin"))

    @admin.action(description=_("Track"), permissions=["curate"])
    def track(self, request: HttpRequest, chosen: QuerySet[Coin]) -> None:
        """Offer the chosen coins."""
        self._each(request, chosen, services.add_coin, _("%(coins)s: tracked."))

    @admin.action(description=_("Stop tracking"), permissions=["curate"])
    def stop_tracking(self, request: HttpRequest, chosen: QuerySet[Coin]) -> None:
        """Offer the chosen coins no longer; what people hold of them stays theirs."""
        self._each(request, chosen, services.remove_coin, _("%(coins)s: not tracked any more."))

    def _each(
        self, request: HttpRequest, chosen: QuerySet[Coin], operation: Any, done: Any
    ) -> None:
        address = accounts.client_address(request)
        for coin in chosen:
            operation(coin_id=coin.pk, by=request.user, address=address)
        self.message_user(request, str(done) % {"coins": ", ".join(coin.name for coin in chosen)})

    @admin.display(description=_("source"), ordering="source")
    def price_source(self, coin: Coin) -> str:
        """Name where the price is from, and say so when it is made up."""
        return (
            str(_("%(source)s (not a real price)")) % {"source": coin.source}
            if coin.is_simulated
            else coin.source
        )

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:  # noqa: ARG002
        if obj is None:
            return [*IDENTITY, *CURATED]
        names = [field.name for field in Coin._meta.fields]  # noqa: SLF001 (Django's public API)
        return [*IDENTITY, *CURATED, *(n for n in names if n not in {*IDENTITY, *CURATED})]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        if obj is None:
            return []
        return [name for name in self.get_fields(request, obj) if name not in CURATED]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False  # its candles and people's holdings would go with it

    def save_model(
        self, request: HttpRequest, obj: Model, form: ModelForm[Model], change: bool
    ) -> None:
        """Save what was changed and nothing else: the price may have moved since the form."""
        if not isinstance(obj, Coin):
            raise TypeError(obj)
        changed = [name for name in form.changed_data if name in CURATED]
        if not change:
            obj.save(force_insert=True)
        elif changed:
            obj.save(update_fields=changed)
        if not change or "tracked" in changed:
            self._record(request, obj)

    def _record(self, request: HttpRequest, coin: Coin) -> None:
        kinds = accounts.Activity.Kind
        accounts.record(
            kind=kinds.COIN_ADDED if coin.tracked else kinds.COIN_REMOVED,
            summary=f"{'Added' if coin.tracked else 'Removed'} {coin}",
            user=request.user,  # type: ignore[arg-type]  # the admin's log-in sees to it
            address=accounts.client_address(request),
        )


@admin.register(Candle)
class CandleAdmin(ReadOnlyAdmin):
    """Candles, looked up by coin: the table is too large for anything else."""

    list_display = ("coin_id", "resolution", "start", "open", "high", "low", "close", "source")
    search_fields = ("id",)
    search_help_text = _("The id of a coin, and how long a candle lasts, as in bitcoin:1d")
    ordering = ("id",)

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """Find a coin's candles, or those of one length, by the index that charts use."""
        coin_id, _, resolution = search_term.strip().replace("\0", "").partition(":")
        if not coin_id:
            return queryset, False
        found = queryset.filter(coin_id=coin_id)
        if resolution:
            found = found.filter(resolution=resolution).order_by("-start")
        return found, False


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """What a US dollar buys, by day."""

    list_display = ("currency", "day", "rate", "source", "updated_at")
    list_filter = ("currency",)
    ordering = ("-day", "currency")


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdmin):
    """Headlines."""

    list_display = ("title", "publisher", "published_at", "coin_names")
    search_fields = ("title", "publisher")
    ordering = ("-shelf", "-published_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Name the shelf, which all share: that makes the newest ones a part of an index."""
        return super().get_queryset(request).filter(shelf="news").prefetch_related("coins")

    @admin.display(description="coins")
    def coin_names(self, article: Article) -> str:
        """Name the coins that the headline mentions."""
        return ", ".join(coin.name for coin in article.coins.all())


@admin.register(FeedState)
class FeedStateAdmin(ReadOnlyAdmin):
    """How the feeds are, and what is left of their budgets."""

    list_display = (
        "name", "last_success_at", "failures", "is_misconfigured", "last_error",
        "calls_this_month", "next_fetch_at", "open_until",
    )  # fmt: skip
    list_filter = ("is_misconfigured",)
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out the notes of single coins, which are dozens."""
        return super().get_queryset(request).exclude(name__startswith="history:")
