"""What a tick costs where a million alerts wait, and how long ten thousand take that it fires.

Each database is measured in a process of its own, and has two databases of the product there: one
with 10,000 alerts at rest and a copy of it that has a million, so that ticks on both follow each
other. The million is multiplied from the ten thousand by one INSERT ... SELECT of the database's
own: through the ORM it would take minutes, and nothing is measured of it. A tick moves 100 coins,
is stored, and then what is measured is its evaluation: the processor time of this process and of
the server's process behind its connection. On DynamoDB what rests costs requests, not time; they
are counted.

Ten thousand alerts of a hundred people, each told in the app and by mail, are fired by one price
while the million rests beside them; that is wall time, until the last row is committed. During one
more such firing ticks go on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.databases import KINDS, NotHere, product_on
from benchmarks.report import ROUNDS, Line, compared, report
from benchmarks.rows import PRICE, add_alerts, add_coins, add_people, coin_id, later, tick

COINS, PEOPLE = 100, 100
FEW, MANY = 10_000, 1_000_000
TICKS = 20  # of each round
FIRED = 10_000
FIRED_ON_DYNAMODB = 1_000
CRASHED = "crashed"  # the coin that the fired alerts are on
SECOND = 1.0
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "dynamodb": "DynamoDB local"}


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
        return
    report([line for kind in KINDS for line in lines_of(kind)])


def lines_of(kind: str) -> list[Line]:
    """Measure one database in a process of its own and return its lines."""
    command = [sys.executable, "-m", "benchmarks.alerts", kind]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    firing = [fired_line(kind, found)]
    return firing if kind == "dynamodb" else [*rest_lines(kind, found), *firing]


def rest_lines(kind: str, found: dict[str, Any]) -> list[Line]:
    what = f"alert tick, nothing crossed, {MANY:,} at rest, {NAMES[kind]}"
    others = (
        (f"{FEW:,} at rest", 1.3, "few"),
        ("load all armed alerts and compare", 1 / 500, "naive"),
    )
    if missing := found.get("missing"):
        return [
            Line(
                what=what, against=against, unit="ms CPU", ours=0, theirs=None, ratio=None,
                at_most=most, note=missing,
            )
            for against, most, _ in others
        ]  # fmt: skip
    return [
        compared(
            what,
            against,
            list(zip(found["many"], found[name], strict=True)),
            unit="ms CPU",
            at_most=most,
            details={"building_seconds": found["building"]},
        )
        for against, most, name in others
    ]


def fired_line(kind: str, found: dict[str, Any]) -> Line:
    count = FIRED_ON_DYNAMODB if kind == "dynamodb" else FIRED
    what = f"{count:,} alerts fired by one tick, {NAMES[kind]}"
    if missing := found.get("missing"):
        return Line(
            what=what, against="one second", unit="s", ours=0, theirs=None, ratio=None,
            at_most=None if kind == "dynamodb" else 1.0, note=missing,
        )  # fmt: skip
    seconds = median(found["fired"])
    note = (
        f"{count / seconds:,.0f} alerts and {2 * count / seconds:,.0f} notifications a second, "
        f"{median(found['fired_cpu']) / count * 1e6:.0f} µs CPU an alert; {found['beside']}"
    )
    if kind == "dynamodb":
        return Line(
            what=what, against="", unit="s", ours=seconds, theirs=None, ratio=None, note=note,
            details={"rounds": found["fired"]},
        )  # fmt: skip
    return compared(
        what, "one second", [(took, SECOND) for took in found["fired"]], unit="s", at_most=1.0,
        note=note, details={"cpu_seconds": found["fired_cpu"]},
    )  # fmt: skip


def measured(kind: str) -> dict[str, Any]:
    """Set the product up on a database and measure all that is measured on it."""
    try:
        with product_on(kind):
            return _measure_dynamodb() if kind == "dynamodb" else _measure(kind)
    except NotHere as reason:
        return {"missing": str(reason)}


def _measure(kind: str) -> dict[str, Any]:
    from django.utils import timezone

    now = timezone.now()
    began = time.perf_counter()
    _fill(now)
    with _copy(kind) as (small, large):
        large()
        multiply(kind)
        building = round(time.perf_counter() - began, 1)
        clock = Clock(now)
        found: dict[str, Any] = {"few": [], "many": [], "naive": [], "building": building}
        for go_to in (small, large):
            go_to()
            at_rest(clock, 3)
        for _ in range(ROUNDS):
            small()
            found["few"].append(at_rest(clock, TICKS))
            large()
            found["many"].append(at_rest(clock, TICKS))
            found["naive"].append(cpu_of(load_all_and_compare) * 1000)
        found |= firings(clock, FIRED)
        found["beside"] = ticks_beside_a_firing(clock)
    return found


def _measure_dynamodb() -> dict[str, Any]:
    from django.utils import timezone

    from cryptopulse.dynamodb.metering import capture_requests

    clock = Clock(timezone.now())
    _fill(clock.now, alerts=10, people=30)
    with silent():
        clock.move()
    with capture_requests() as capture:
        clock.evaluate()
    asked = sum(request.table.startswith("alerts_") for request in capture.requests)
    found = firings(clock, FIRED_ON_DYNAMODB)
    return found | {
        "beside": f"a tick of {COINS} coins at rest, 10 of them with alerts: {asked} requests for "
        "alerts (four for each of the ten, and which they are)"
    }


def _fill(now: datetime, *, alerts: int = FEW, people: int = PEOPLE) -> None:
    """Store coins, people, alerts at rest, and the coin that will crash."""
    from market.models import Coin

    add_coins(COINS, now)
    Coin(
        id=CRASHED, symbol="cra", name="Crashed", rank=COINS + 1, last_price=PRICE, price_at=now,
        quantity_step=Decimal("1e-8"), source="simulated", tick_low=PRICE, tick_high=PRICE,
        tick_since=now, evaluated_at=now,
    ).save()  # fmt: skip
    add_alerts(alerts, add_people(people), COINS)


# --- A million, beside ten thousand ------------------------------------------------------------

#: Copies of every row but for its key; the targets lie between those that are there.
_MULTIPLY = {
    "sqlite": """
        INSERT INTO alerts_pricealert ({columns})
        WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {times} - 1)
        SELECT printf('%032x', row_number() OVER ()), {values}
        FROM (SELECT * FROM alerts_pricealert CROSS JOIN n ORDER BY coin_id, condition)
    """,
    "postgresql": """
        INSERT INTO alerts_pricealert ({columns})
        SELECT lpad(to_hex(row_number() OVER ()), 32, '0')::uuid, {values}
        FROM alerts_pricealert CROSS JOIN generate_series(1, {times} - 1) AS n(k)
    """,
}


def multiply(kind: str) -> None:
    """Make a million alerts at rest of the ten thousand."""
    from django.db import connection

    from alerts.models import PriceAlert

    columns = [str(field.column) for field in PriceAlert._meta.concrete_fields]  # noqa: SLF001
    values = ["target + k * 0.01" if name == "target" else name for name in columns[1:]]
    statement = _MULTIPLY[kind].format(
        columns=", ".join(columns), values=", ".join(values), times=MANY // FEW
    )
    with connection.cursor() as cursor:
        if kind == "sqlite":
            cursor.execute("PRAGMA cache_size = -200000")
        cursor.execute(statement.replace("%", "%%") if kind == "postgresql" else statement)
        cursor.execute("ANALYZE")
    assert PriceAlert.objects.count() == MANY
    connection.close()


@contextmanager
def _copy(kind: str) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Copy the database; yield what goes to the first one and what goes to the copy."""
    from django.db import connections

    handler: Any = connections
    settings = handler.databases["default"]
    first, second = settings["NAME"], f"{settings['NAME']}_large"
    if kind == "sqlite":
        with connections["default"].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(second)])
    connections["default"].close()
    with _postgres_copy(first, second) if kind == "postgresql" else _nothing():
        opened: dict[str, Any] = {}

        def go_to(name: str) -> None:
            settings["NAME"] = name
            if name not in opened:
                opened[name] = handler.create_connection("default")
            connections["default"] = opened[name]

        yield lambda: go_to(first), lambda: go_to(second)
        for one in opened.values():
            one.close()
        go_to(first)


@contextmanager
def _postgres_copy(first: str, second: str) -> Iterator[None]:
    import psycopg
    from django.db import connections
    from psycopg import sql

    given = connections["default"].get_connection_params()
    server = {key: given[key] for key in ("host", "port", "user", "password") if given.get(key)}
    names = {"copy": sql.Identifier(second), "first": sql.Identifier(first)}
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {first}").format(**names))
        try:
            yield
        finally:
            admin.execute(sql.SQL("DROP DATABASE {copy} WITH (FORCE)").format(**names))


@contextmanager
def _nothing() -> Iterator[None]:
    yield


# --- Ticks that cross nothing ------------------------------------------------------------------


class Clock:
    """The moment of the newest tick; each is a second after the last."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.step = 0

    def move(self) -> None:
        """Let every coin have a new price, far from any target."""
        from market import services as market

        self.step += 1
        self.now = later(self.now, 1)
        moved = market.ingest(quotes=tick(COINS, self.now, self.step), now=self.now).moved
        assert len(moved) == COINS

    def evaluate(self) -> None:
        from alerts import services as alerts

        fired = alerts.evaluate(coin_ids=[coin_id(number) for number in range(COINS)], now=self.now)
        assert fired == 0


@contextmanager
def silent() -> Iterator[None]:
    """Let prices be stored without being evaluated at once."""
    from alerts.receivers import evaluate_new_prices
    from market.signals import prices_updated

    prices_updated.disconnect(evaluate_new_prices)
    try:
        yield
    finally:
        prices_updated.connect(evaluate_new_prices)


def at_rest(clock: Clock, ticks: int) -> float:
    """Return the milliseconds of processor time that evaluating a tick takes."""
    spent = 0.0
    with silent():
        for _ in range(ticks):
            clock.move()
            spent += cpu_of(clock.evaluate)
    return spent / ticks * 1000


def load_all_and_compare() -> None:
    """Do what the tick does where every armed alert is looked at."""
    from alerts.models import PriceAlert
    from market.models import Coin

    prices: dict[str, Any] = dict(Coin.objects.values_list("id", "last_price"))
    armed = PriceAlert.objects.filter(state="armed").values_list("coin_id", "condition", "target")
    crossed = 0
    for coin, condition, target in armed.iterator(chunk_size=10_000):
        price = prices[coin]
        crossed += price >= target if condition == "above" else price <= target
    assert crossed == 0


def cpu_of(call: Callable[[], object]) -> float:
    """Return the seconds of processor time of this process and of the server's behind it."""
    from django.db import connection

    connection.ensure_connection()
    server = connection.connection.info.backend_pid if connection.vendor == "postgresql" else None
    began = time.process_time() + _server_cpu(server)
    call()
    return time.process_time() + _server_cpu(server) - began


def _server_cpu(pid: int | None) -> float:
    """Return what a server's process has used, by what the scheduler has counted (ns)."""
    if pid is None or sys.platform != "linux":
        return 0.0
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


# --- Ten thousand that fire --------------------------------------------------------------------


def firings(clock: Clock, count: int) -> dict[str, Any]:
    """Let the price fall through so many targets, a few times; return seconds of each."""
    took, cpu = [], []
    for number in range(ROUNDS + 1):
        arm(clock, count)
        began = time.perf_counter()
        spent = cpu_of(lambda: fire(clock, count))
        if number:  # the first has compiled and cached what every worker has
            took.append(time.perf_counter() - began)
            cpu.append(spent)
    return {"fired": took, "fired_cpu": cpu}


def arm(clock: Clock, count: int) -> None:
    """Have just so many alerts wait below the price of the coin, and the price cross all."""
    from accounts.models import User
    from alerts.models import Notification, PriceAlert
    from market import services as market
    from market.quotes import Quote

    if not _is_small():  # elsewhere what has fired stays, and is in nobody's way
        for model in (PriceAlert, Notification):
            model._base_manager.filter(coin_id=CRASHED)._raw_delete("default")  # noqa: SLF001
    people = list(User.objects.filter(username__startswith="person")[:PEOPLE])
    alerts = [
        PriceAlert(
            user=people[number % len(people)],
            coin_id=CRASHED,
            condition="below",
            target=Decimal(50_000) - number,
            channels=["in_app", "email"],
            armed_at=clock.now,
            repeats=number % 4 == 0,
        )
        for number in range(count)
    ]
    size = 90 if _is_small() else count
    for first in range(0, count, size):
        PriceAlert.objects.bulk_create(alerts[first : first + size])
    with silent():
        for price in (PRICE, Decimal(1000)):
            clock.now += timedelta(seconds=1)
            quote = Quote(coin_id=CRASHED, price=price, price_at=clock.now, source="simulated")
            market.ingest(quotes=[quote], now=clock.now)
            if price == PRICE:
                _mark(clock)


def _mark(clock: Clock) -> None:
    from market.models import Coin

    Coin.objects.filter(pk=CRASHED).update(evaluated_at=clock.now)


def _is_small() -> bool:
    """Tell whether a transaction takes few rows."""
    from cryptopulse.engine import is_dynamodb

    return is_dynamodb()


def fire(clock: Clock, count: int) -> None:
    """Fire as a worker does."""
    from alerts import services as alerts

    assert alerts.fire_coin(coin_id=CRASHED, now=clock.now) == count


def ticks_beside_a_firing(clock: Clock) -> str:
    """Store and evaluate ticks while a worker fires; return how long they took."""
    from django.db import connections

    from alerts.models import Notification

    def work() -> None:
        try:
            fire(Clock(moment), FIRED)
        finally:
            connections.close_all()

    alone = [_seconds(clock.move) for _ in range(10)]
    arm(clock, FIRED)
    moment = clock.now
    worker = threading.Thread(target=work)
    worker.start()
    beside = []
    while worker.is_alive():
        beside.append(_seconds(clock.move))
        time.sleep(0.02)
    worker.join()
    assert Notification.objects.filter(coin_id=CRASHED).count() == 2 * FIRED
    return (
        f"{len(beside)} ticks of {COINS} coins stored and evaluated meanwhile: median "
        f"{median(beside) * 1000:.0f} ms, longest {max(beside) * 1000:.0f} ms "
        f"(median without: {median(alone) * 1000:.0f} ms)"
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
