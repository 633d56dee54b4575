"""What every feed is: one small contract and one error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from market.quotes import Bar, Quote


class FeedError(Exception):
    """A feed could not deliver; the message is a sentence that an admin can act on.

    `permanent`: asking the same again will not help (a wrong key, an unknown coin).
    `misconfigured`: the fault lies in our settings, so every question will fail until somebody
    changes them; implies `permanent`. Without it a permanent error is about this one question
    (a delisted coin, history further back than the plan reaches) and the feed itself is well.
    `retry_after`: how long the source, or our own budget, asks us to wait. Of zero length where
    nothing is wrong and the source only wants us to connect anew (its daily disconnect).
    `elsewhere`: waiting will not help soon, so the next feed should be asked at once: a country
    that is not served, an unknown host, a certificate of somebody else.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        misconfigured: bool = False,
        retry_after: timedelta | None = None,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent or misconfigured
        self.misconfigured = misconfigured
        self.retry_after = retry_after
        self.elsewhere = elsewhere


class Feed(ABC):
    """A source of prices. Instances are cheap, keep no state that must outlive the process, and
    may be used from several threads; budgets and health are rows of `market.FeedState`.
    """

    #: The alias in settings.FEEDS, and the `source` of every quote.
    name: str
    #: Real prices of a market, or made-up ones that are labelled wherever they are shown.
    is_real: bool

    @property
    def monthly_calls(self) -> int | None:
        """How many calls the source allows in a month; None where it sets no such limit."""
        return None

    @abstractmethod
    def interval(self, *, now: datetime) -> timedelta:
        """Return how long to wait between two calls of `quotes`, as budget and plan allow."""

    @abstractmethod
    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        """Fetch the latest quotes of these coins; one that is unknown or has no price is left out.

        With no coins: the most important ones of the source, so that a new database fills itself.
        Raises FeedError. Costs one call of the source's budget per 250 coins.
        """

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:  # noqa: ARG002 (part of the contract)
        """Fetch past prices, oldest first, as fine as the source has them. Raises FeedError.

        Each bar says in `step` how long it lasts.
        """
        raise FeedError(f"{self.name} has no history.", permanent=True)

    def exchange_rates(self, currencies: Sequence[str], *, now: datetime) -> dict[str, Decimal]:  # noqa: ARG002 (part of the contract)
        """Fetch how many units of each currency one US dollar buys. Raises FeedError."""
        raise FeedError(f"{self.name} has no exchange rates.", permanent=True)

    def search(self, query: str, *, now: datetime) -> list[tuple[str, str, str]]:  # noqa: ARG002 (part of the contract)
        """Find coins by name or symbol: (id, symbol, name), best first. Raises FeedError."""
        raise FeedError(f"{self.name} cannot be searched.", permanent=True)


class StreamFeed(Feed):
    """A real feed that sends prices by itself over one connection, for as long as it lasts.

    It connects once: whoever runs it connects again, with a pause, when `ticks` has raised.
    """

    is_real = True

    #: Coins whose price in dollars the feed must be told to convert its own: an exchange that
    #: trades against Tether needs to know what Tether is worth.
    needs: tuple[str, ...] = ()

    @abstractmethod
    def serves(self, coin_ids: Sequence[str]) -> list[str]:
        """Return those of these coins that the source has a symbol for, in their order."""

    @abstractmethod
    def ticks(self, coin_ids: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        """Connect, subscribe and yield quotes as messages come, never an empty list.

        Coins that it does not serve are left out. It never ends by itself but raises FeedError
        that says why the connection ended. Close it (`contextlib.aclosing`) to disconnect.
        Reading must keep up: an exchange cuts off whoever does not.
        """

    def told(self, quote: Quote) -> None:
        """Take the latest price of one of the coins in `needs`; call it whenever there is one."""

    def interval(self, *, now: datetime) -> timedelta:  # noqa: ARG002 (part of the contract)
        return timedelta(hours=1)  # there is nothing to fetch

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:  # noqa: ARG002 (part of the contract)
        raise FeedError(f"{self.name} is a stream: manage.py stream runs it.", permanent=True)
