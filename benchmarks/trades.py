"""Buying with eight writers at once, beside reading, changing and writing without a transaction.

Each database is measured in a process of its own, by threads of it, as a web process has them.
The peer is how the systems that this one follows book a buy: they read the portfolio, work out
the new balance, and write it, the holding, the transaction and the confirmation one after the
other. It leaves the same rows behind, so that the difference is the transaction and what makes an
order safe to send twice. The barest peer, without confirmation and activity log, is shown beside
it. Two of their writers on one portfolio lose money, which is shown first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, Decimal
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.databases import KINDS, NotHere, product_on
from benchmarks.report import Line, compared, report
from benchmarks.rows import add_coins, add_people, coin_id

if TYPE_CHECKING:
    from accounts.models import User
    from portfolio.models import Transaction

WRITERS, COINS, ROUNDS = 8, 20, 3
SECONDS = 1.2  # of each measurement
SHARED = 40  # trades of each of two writers on one portfolio
AMOUNT = Decimal(10)
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "dynamodb": "DynamoDB local"}

Buy = Callable[["User", str], object]


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
        return
    report([line for kind in KINDS for line in lines_of(kind)])


def lines_of(kind: str) -> list[Line]:
    """Measure one database in a process of its own and return its lines."""
    command = [sys.executable, "-m", "benchmarks.trades", kind]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    what, unit = f"buys on {NAMES[kind]}, {WRITERS} writers", "/s"
    if missing := found.get("missing"):
        return [
            Line(
                what=what, against="read-modify-write", unit=unit, ours=0, theirs=None, ratio=None,
                at_least=0.7, note=missing,
            )
        ]  # fmt: skip
    ours, theirs = found["ours"], found["theirs"]
    note = (
        f"{_cpu(ours):.1f} ms CPU a buy (theirs {_cpu(theirs):.1f}); "
        f"p50 {_latency(ours, 50):.1f} ms, p99 {_latency(ours, 99):.1f} ms "
        f"(theirs {_latency(theirs, 50):.1f}, {_latency(theirs, 99):.1f}); {found['costs']}; "
        f"two writers on one portfolio: ours lost {found['lost_ours']} of {2 * SHARED} buys, "
        f"theirs {found['lost_theirs']}"
    )
    barest_rates = [_rate(one) for one in found["barest"]]
    note += f"; without confirmation and log theirs do {median(barest_rates):.0f} /s"
    rounds = list(zip((_rate(one) for one in ours), (_rate(one) for one in theirs), strict=True))
    line = compared(
        what, "read-modify-write, no transaction", rounds, unit=unit, at_least=0.7, note=note,
        details={
            "each": found,
            "barest_ratio": median(
                _rate(one) / _rate(other)
                for one, other in zip(ours, found["barest"], strict=True)
            ),
        },
    )  # fmt: skip
    assert found["lost_ours"] == 0, f"{kind}: {found['lost_ours']} of our buys were lost"
    return [line]


def measured(kind: str) -> dict[str, Any]:
    """Set the product up on a database and measure both ways."""
    try:
        with product_on(kind):
            return _measure(kind)
    except NotHere as reason:
        return {"missing": str(reason)}


def _measure(kind: str) -> dict[str, Any]:
    from django.utils import timezone

    add_coins(COINS, timezone.now())
    people = add_people(WRITERS + 2)
    found: dict[str, Any] = {
        "lost_theirs": lost(people[-1], theirs),
        "lost_ours": lost(people[-2], ours),
        "costs": costs(kind, people[0]),
    }
    ways: dict[str, Buy] = {"ours": ours, "theirs": theirs, "barest": barest}
    for way in ways.values():
        together(people[:WRITERS], way, seconds=0.3)
    for name in ways:
        found[name] = []
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(together(people[:WRITERS], way, seconds=SECONDS))
    return found


# --- The two ways to buy ----------------------------------------------------------------------


def ours(user: User, coin: str) -> None:
    """Buy as pages and the API do."""
    from django.utils import timezone

    from portfolio import services as portfolio

    portfolio.place_order(
        user=user,
        side="buy",
        coin_id=coin,
        amount=AMOUNT,
        client_order_id=uuid.uuid4().hex,
        now=timezone.now(),
    )


def theirs(user: User, coin: str) -> None:
    """Buy in seven steps, of which five write."""
    from accounts import services as accounts
    from alerts import services as alerts

    transaction = barest(user, coin)
    bought = f"Bought {transaction.quantity} {transaction.coin.symbol}"
    accounts.record(kind=accounts.Activity.Kind.TRADED, summary=bought, user=transaction.user)
    alerts.confirm_trade(transaction=transaction, coin_name=transaction.coin.name)


def barest(user: User, coin: str) -> Transaction:
    """Read who, what they have and what it costs; then write balance, holding and transaction."""
    from django.utils import timezone

    from accounts.models import User
    from market.models import Coin
    from portfolio.models import Holding, Portfolio, Transaction

    trader = User.objects.get(pk=user.pk)
    portfolio = Portfolio.objects.get(pk=Portfolio.default_key(trader.pk))
    quote = Coin.objects.get(pk=coin)
    assert quote.last_price is not None and quote.price_at is not None  # noqa: PT018 (for mypy)
    if portfolio.cash < AMOUNT:
        raise ValueError("Insufficient balance")
    quantity = (AMOUNT / quote.last_price).quantize(Decimal("1e-8"), ROUND_DOWN)
    portfolio.cash -= AMOUNT
    portfolio.save()
    key = Holding.key(portfolio.pk, coin)
    holding = Holding.objects.filter(pk=key).first()
    if holding is None:
        Holding.objects.create(
            pk=key, portfolio=portfolio, coin_id=coin, quantity=quantity, cost=AMOUNT
        )
    else:
        holding.quantity += quantity
        holding.cost += AMOUNT
        holding.save()
    return Transaction.objects.create(
        id=uuid.uuid4(), portfolio=portfolio, user=trader, coin=quote, side="buy",
        quantity=quantity, price=quote.last_price, price_at=quote.price_at,
        price_source=quote.source, amount=AMOUNT, fee=0, executed_at=timezone.now(),
        client_order_id="", asked="",
    )  # fmt: skip


# --- Measuring --------------------------------------------------------------------------------


def together(people: Sequence[User], buy: Buy, *, seconds: float) -> dict[str, Any]:
    """Let each of them buy for so long; return trades, seconds and each trade's milliseconds."""
    until = time.monotonic() + seconds

    def work(number: int, user: User) -> list[float]:
        took, step = [], number
        while (started := time.monotonic()) < until:
            step += 1
            buy(user, coin_id(step % COINS))
            took.append((time.monotonic() - started) * 1000)
        return took

    began, cpu = time.monotonic(), time.process_time()
    each = in_threads([partial(work, number, user) for number, user in enumerate(people)])
    latencies = sorted(one for took in each for one in took)
    return {
        "trades": len(latencies),
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "p50": _percentile(latencies, 50),
        "p99": _percentile(latencies, 99),
    }


def lost(user: User, buy: Buy) -> int:
    """Let two writers buy from one portfolio; return how many buys its cash does not show."""
    from portfolio.models import Portfolio, Transaction

    buy(user, coin_id(0))  # the holding is there: two that make it at once would be an error
    rows = Portfolio.objects.filter(pk=Portfolio.default_key(user.pk))
    before = rows.get().cash

    def work() -> None:
        for _ in range(SHARED):
            buy(user, coin_id(0))

    in_threads([work, work])
    booked = Transaction.objects.filter(user=user).count() - 1
    assert booked == 2 * SHARED, booked
    return booked - int((before - rows.get().cash) / AMOUNT)


def in_threads(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own; return what they return, or raise what one raised."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result() for one in [pool.submit(run, work) for work in works]]


def costs(kind: str, user: User) -> str:
    """Return what one buy of a coin that is held asks of the database."""
    ours(user, coin_id(0))
    if kind == "dynamodb":
        from cryptopulse.dynamodb.metering import READS, capture_requests

        with capture_requests() as captured:
            ours(user, coin_id(0))
        made = captured.requests
        reads = sum(one.units for one in made if one.operation in READS)
        units = sum(one.units for one in made)
        return f"{len(made)} requests, {reads:g} read and {units - reads:g} write units"
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as statements:
        ours(user, coin_id(0))
    return f"{len(statements)} statements with BEGIN and COMMIT"


def _percentile(values: Sequence[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)]


def _latency(rounds: Sequence[dict[str, float]], percent: int) -> float:
    return sorted(one[f"p{percent}"] for one in rounds)[len(rounds) // 2]


def _cpu(rounds: Sequence[dict[str, float]]) -> float:
    return median(one["cpu"] / one["trades"] * 1000 for one in rounds)


def _rate(one: dict[str, float]) -> float:
    return one["trades"] / one["seconds"]


if __name__ == "__main__":
    main()
