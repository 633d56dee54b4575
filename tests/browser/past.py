"""Six weeks that people have lived through before a browser looks: trades, alerts, log-ins, news.

Everything goes through the doors that people use, at its own time, with the simulated feed's
prices of that time. The same days tell the same story; only the prices are those of the date.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from accounts.roles import Role
from alerts import services as alerts
from alerts.channels.base import DeliveryError
from alerts.models import Notification
from alerts.services import delivery
from market import services as market
from market.feeds import feed
from market.models import Article, Coin, Tag
from portfolio import services as portfolio
from portfolio.models import Portfolio

from .product import PASSWORD

PEOPLE = {
    "alice": Role.USER,
    "bob": Role.USER,  # looks at yen
    "nina": Role.USER,  # is new: has nothing yet
    "carol": Role.USER,
    "dave": Role.USER,  # trades often
    "frank": Role.USER,  # is suspended
    "root": Role.ADMIN,
    "ana": Role.ANALYST,
    "erin": Role.ANALYST,
    "mo": Role.MODERATOR,
}
HOME, OFFICE, ABROAD = "203.0.113.7", "192.0.2.44", "198.51.100.23"
TRADED = ("bitcoin", "ethereum", "solana", "cardano", "dogecoin")
#: Days ago, who, side, coin, dollars (a buy) or the part of what is held (a sale), portfolio.
TRADES = (
    (41, "alice", "buy", "bitcoin", "2500", ""),
    (40, "bob", "buy", "bitcoin", "1800", ""),
    (38, "alice", "buy", "ethereum", "1500", ""),
    (35, "carol", "buy", "solana", "4000", ""),
    (33, "alice", "buy", "solana", "900", ""),
    (30, "alice", "buy", "bitcoin", "3000", "Long term"),
    (28, "alice", "sell", "ethereum", "0.5", ""),
    (26, "bob", "buy", "dogecoin", "650", ""),
    (24, "alice", "buy", "cardano", "700", ""),
    (21, "carol", "sell", "solana", "1", ""),
    (19, "alice", "sell", "bitcoin", "0.25", ""),
    (17, "bob", "sell", "bitcoin", "0.6", ""),
    (14, "alice", "buy", "ethereum", "2000", "Long term"),
    (12, "alice", "buy", "dogecoin", "400", ""),
    (9, "alice", "sell", "cardano", "1", ""),
    (6, "alice", "buy", "bitcoin", "1200", ""),
    (4, "bob", "buy", "ethereum", "900", ""),
    (3, "alice", "sell", "solana", "0.4", ""),
    (1, "alice", "buy", "ethereum", "350", ""),
)
#: Days ago, coin, condition, target as a part of the price, repeats, what became of it.
ALERTS = (
    (25, "bitcoin", "above", "1.012", False, "fired"),
    (16, "ethereum", "below", "0.985", True, "fired"),
    (8, "solana", "above", "1.03", False, "fired"),
    (5, "cardano", "above", "1.5", False, "paused"),
    (4, "bitcoin", "above", "1.35", False, "armed"),
    (4, "bitcoin", "below", "0.7", True, "armed"),
    (2, "dogecoin", "above", "1.6", False, "armed"),
)
HEADLINES = (
    ("Example Wire", "Bitcoin holds its range as traders wait for the next figures", "bitcoin"),
    ("Example Wire", "Funds add to Ethereum for a fourth week", "ethereum"),
    ("The Ledger Post", "Solana validators agree on a shorter upgrade path", "solana"),
    ("The Ledger Post", "What a year of staking has paid", "ethereum"),
    ("Block Gazette", "Fees fall to their lowest since spring", "bitcoin"),
    ("Block Gazette", "Dogecoin rises on thin volume, and falls on thicker", "dogecoin"),
    ("Chain Letter", "Cardano's treasury votes on three proposals", "cardano"),
    ("Chain Letter", "Exchanges publish new proofs of reserves", ""),
    ("Example Wire", "Stablecoin supply reaches another high", "tether"),
    ("The Ledger Post", "Bitcoin miners sell less than they earn", "bitcoin"),
)


def live_through(*, now: datetime) -> None:
    """Make the people and let them live the six weeks before `now`."""
    start = now - timedelta(days=45)
    with clock_at(start):
        market.seed_demo_coins()
        people = {name: make_person(name, role) for name, role in PEOPLE.items() if name != "nina"}
        User.objects.filter(pk=people["bob"].pk).update(display_currency="JPY")
        people["bob"].display_currency = "JPY"
    for days_ago in range(44, 0, -1):
        live_one_day(people, now - timedelta(days=days_ago), days_ago)
    # In the order of time: the log's keys only ever grow.
    refuse_log_ins(people, now - timedelta(hours=5))
    trade_in_a_hurry(people["dave"], now - timedelta(hours=3))
    with clock_at(now - timedelta(hours=2)):
        make_person("nina", Role.USER)
    publish(now)


def live_one_day(people: dict[str, User], day: datetime, days_ago: int) -> None:
    with clock_at(day):
        market.refresh_exchange_rates(now=day)
        bring_prices(day)
        if days_ago % 3 == 0:
            come_and_go(people)
    for number, trade in enumerate(one for one in TRADES if one[0] == days_ago):
        place(people, trade, at=day + timedelta(minutes=7 + number))
    for alert in (one for one in ALERTS if one[0] == days_ago):
        set_alert(people["alice"], alert, at=day + timedelta(minutes=20))
    watch_over(people, day + timedelta(minutes=40), days_ago)
    with clock_at(day + timedelta(hours=1)):
        alerts.deliver_due(now=day + timedelta(hours=1))


def make_person(name: str, role: Role) -> User:
    user = User(username=name, email=f"{name}@example.com", role=role, password=secret())
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    log("SIGNED_UP", user, f"{name} signed up")
    return user


def secret(hashed: list[str] = []) -> str:  # noqa: B006 (everybody has the same password)
    if not hashed:
        hashed.append(make_password(PASSWORD))
    return hashed[0]


def bring_prices(at: datetime) -> None:
    market.ingest(quotes=feed("simulated").quotes(TRADED, now=at), now=at)


def come_and_go(people: dict[str, User]) -> None:
    for name in ("alice", "bob", "ana", "mo", "root"):
        log("LOGGED_IN", people[name], f"{name} logged in", HOME if name < "m" else OFFICE)
    log("LOGGED_OUT", people["alice"], "alice logged out")


def log(kind: str, user: User, summary: str, address: str = HOME) -> None:
    accounts.record(kind=accounts.Activity.Kind[kind], summary=summary, user=user, address=address)


def place(
    people: dict[str, User], trade: tuple[int, str, str, str, str, str], *, at: datetime
) -> None:
    days_ago, who, side, coin_id, size, name = trade
    with clock_at(at):
        bring_prices(at)
        user = people[who]
        folder = own_portfolio(user, name)
        means: dict[str, Any] = {"amount": Decimal(size)}
        if side == "sell":
            held = folder.holdings.get(coin_id=coin_id).quantity
            means = {"quantity": (held * Decimal(size)).quantize(Decimal("0.00001"))}
            if size == "1":
                means = {"sell_all": True}
        portfolio.place_order(
            user=user, side=side, coin_id=coin_id, now=at, portfolio_id=folder.pk, address=HOME,
            client_order_id=f"past-{who}-{days_ago}-{coin_id}", **means,
        )  # fmt: skip


def own_portfolio(user: User, name: str) -> Portfolio:
    named = {one.name: one for one in portfolio.portfolios(user=user)}
    if not name:
        return portfolio.default_portfolio(user=user)
    return named.get(name) or portfolio.create_portfolio(user=user, name=name)


def set_alert(user: User, wanted: tuple[int, str, str, str, bool, str], *, at: datetime) -> None:
    _, coin_id, condition, part, repeats, fate = wanted
    with clock_at(at):
        [quote] = feed("simulated").quotes([coin_id], now=at)
        market.ingest(quotes=[quote], now=at)
        target = (quote.price * Decimal(part)).quantize(
            Decimal(1).scaleb(quote.price.adjusted() - 3)
        )
        alert = alerts.create_alert(
            user=user, coin_id=coin_id, condition=condition, target=target, repeats=repeats,
            channels=["in_app", "email"], now=at, address=HOME,
        )  # fmt: skip
        if fate == "paused":
            alerts.pause(user=user, alert_id=alert.pk, now=at)
    if fate == "fired":
        later = at + timedelta(minutes=4)
        with clock_at(later):
            crossed = replace(quote, price=target, price_at=later, volume=None)
            market.ingest(quotes=[crossed], now=later)
        if coin_id == "ethereum":
            refuse_the_mail(user, later)


def refuse_the_mail(user: User, at: datetime) -> None:
    """Let the other side refuse the last e-mail, for good."""
    row = Notification.objects.filter(user=user, channel="email", kind="price_alert").latest(
        "created_at"
    )
    with clock_at(at):
        attempt = delivery.claim(row, now=at)
        assert attempt is not None
        error = DeliveryError("The mailbox is full.", permanent=True)
        delivery.record(row, attempt, error, now=at + timedelta(seconds=1))


def watch_over(people: dict[str, User], at: datetime, days_ago: int) -> None:
    """Let admin and moderator do what they did on this day; people put coins on their lists."""
    root, mo = people["root"], people["mo"]
    with clock_at(at):
        if days_ago in {40, 10, 1}:
            email = f"guest{days_ago}@example.com"
            accounts.invite(email=email, role=Role.ANALYST, by=root, address=OFFICE, now=at)
        if days_ago == 11:
            reason = "Somebody else seems to know the password; write to us."
            accounts.suspend(user=people["frank"], by=mo, reason=reason, address=OFFICE)
        if days_ago == 30:
            for coin_id in ("bitcoin", "solana", "chainlink", "cardano"):
                market.watch(user=people["alice"], coin_id=coin_id)
            market.watch(user=people["ana"], coin_id="bitcoin")
        if days_ago == 12:
            alerts.mark_read(user=people["alice"], now=at)


def refuse_log_ins(people: dict[str, User], at: datetime) -> None:
    for number in range(12):
        with clock_at(at + timedelta(seconds=11 * number)):
            name = "alice" if number < 10 else "root"
            log("LOGIN_FAILED", people[name], f"Log-in failed for “{name}”", ABROAD)


def trade_in_a_hurry(dave: User, at: datetime) -> None:
    for number in range(32):
        moment = at + timedelta(seconds=1.5 * number)
        side = "sell" if number % 2 else "buy"
        means = {"sell_all": True} if number % 2 else {"amount": Decimal(500)}
        with clock_at(moment):
            bring_prices(moment)
            portfolio.place_order(
                user=dave, side=side, coin_id="dogecoin", now=moment, address=ABROAD,
                client_order_id=f"hurry-{number}", **means,
            )  # fmt: skip


def publish(now: datetime) -> None:
    for number, (publisher, title, coin_id) in enumerate(HEADLINES * 3):
        at = now - timedelta(hours=3 * number, minutes=7 * (number % 5))
        made = Article.objects.create(
            id=f"headline-{number}",
            title=title if number < len(HEADLINES) else f"{title} ({number // 10 + 1})",
            summary="Flows are quiet, funding is flat and open interest has not moved.",
            url=f"https://example.com/{number}",
            publisher=publisher,
            published_at=at,
        )
        if coin_id and Coin.objects.filter(pk=coin_id).exists():
            Tag.objects.create(article=made, coin_id=coin_id, published_at=at)


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """Let the product believe that it is `moment`, also for keys, whose order is that of time."""

    class Then(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def]
            return moment.astimezone(tz or UTC)

    nanoseconds = int(moment.timestamp() * 1_000_000_000)
    with (
        patch.object(timezone, "datetime", Then),
        patch("cryptopulse.keys.time", SimpleNamespace(time_ns=lambda: nanoseconds)),
    ):
        yield
