"""What grows with coins, people, alerts and history, and what ten million people would cost.

`make bench-growth`: three installations on SQLite, of 1, 10 and 100 times the rows, each measured
in a process of its own; then what the same operations ask of DynamoDB (capacity units, by table).
Writes `results/growth-<date>.json`, and into the README the table of it and what `costs.py`
computes from it. `python -m benchmarks.growth page` writes the README from the newest file again.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import costs
from benchmarks.databases import product_on
from benchmarks.report import RESULTS, aligned, machine
from benchmarks.rows import (
    add_alerts,
    add_candles,
    add_coins,
    add_people,
    add_trades,
    coin_id,
    later,
    tick,
)

if TYPE_CHECKING:
    from accounts.models import User

README = Path(__file__).resolve().with_name("README.md")
TIMES = (1, 10, 100)
MOVED = 100  # coins of the tick whose cost should not depend on the rest
REPEATS = 5
PAGES = {"dashboard": "/dashboard/", "coin": f"/markets/{coin_id(3)}/", "markets": "/markets/"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything."""

    coins: int
    people: int
    alerts: int
    trades: int
    candles: int

    @classmethod
    def of(cls, times: int) -> Size:
        return cls(100 * times, 100 * times, 500 * times, 200 * times, 1000 * times)


def main() -> None:
    asked = sys.argv[1:]
    if asked[:1] == ["size"]:
        print(json.dumps(measured_size(int(asked[1]))))
    elif asked == ["units"]:
        print(json.dumps(measured_units()))
    elif asked == ["page"]:
        write_page(newest())
    else:
        measure_all()


def measure_all() -> None:
    """Measure every size and the units, write the file, print what it says."""
    document: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine("django", "channels", "uvicorn"),
        "sizes": [in_a_process("size", str(times)) for times in TIMES],
        "dynamodb": in_a_process("units"),
        "fanout": fanout(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"growth-{datetime.now(UTC).date()}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    write_page(document)
    print(f"Written to {path.relative_to(Path.cwd())} and {README.name}.")


def in_a_process(*arguments: str) -> dict[str, Any]:
    print(*arguments, "...", flush=True)
    command = [sys.executable, "-m", "benchmarks.growth", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def newest() -> dict[str, Any]:
    """Return the newest file's document."""
    files = sorted(RESULTS.glob("growth-*.json"))
    if not files:
        sys.exit("Nothing has been measured yet: make bench-growth")
    document: dict[str, Any] = json.loads(files[-1].read_text())
    return document


def write_page(document: dict[str, Any]) -> None:
    """Print what was measured and computed, and bring the README up to date."""
    text = README.read_text()
    for name, part in (("growth", "\n".join(table(document))), ("page", costs.page(document))):
        print(part, end="\n\n")
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end of {name} -->")
        assert begin, f"{README} has no place for the {name}"
        assert end, f"{README} does not say where the {name} ends"
        text = f"{head}{begin}{part}\n{end}{tail}"
    README.write_text(text)


def fanout() -> dict[str, Any]:
    """Return what one frame of a hundred coins to one of a thousand browsers takes, packed."""
    from benchmarks.fanout.__main__ import CLIENTS, RATE, TICKS, Round, fill, steady
    from benchmarks.fanout.measure import servers

    found = Round()
    with servers("deflate") as served:
        fill(served["deflate"], found, deflate=True)
        burst = steady(served["deflate"], TICKS, rate=RATE)
    return {
        "clients": CLIENTS,
        "frames_a_second": RATE,
        "cpu_us": burst.cpu,
        "trouble": burst.trouble,  # empty where all frames arrived in time
        "connection_kb": found.kilobytes["deflate"],
    }


# --- One size ---------------------------------------------------------------------------------


def measured_size(times: int) -> dict[str, Any]:
    """Fill an installation of this size and measure what it does all day (milliseconds of CPU)."""
    size = Size.of(times)
    with product_on("sqlite"):
        from django.test import Client
        from django.utils import timezone

        from market import services as market

        now = timezone.now()
        people = filled(size, now)
        client = Client(headers={"accept-encoding": "gzip"})
        client.force_login(people[0])
        step = 0

        def ingest(count: int) -> None:
            nonlocal step
            step += 1
            at = later(now, step / 50)
            moved = market.ingest(quotes=tick(count, at, step), now=at).moved
            assert len(moved) == count, len(moved)

        ingest(size.coins)
        found = {
            f"tick of {MOVED} coins": cpu(lambda: ingest(MOVED)),
            "tick of all coins": cpu(lambda: ingest(size.coins), REPEATS if times < 100 else 1),  # noqa: PLR2004
            "alerts' probe of 100 coins": cpu(probe),
            "buy": cpu(lambda: buy(people[1])),
            **{name: cpu(partial(page, client, path)) for name, path in PAGES.items()},
            "frame of all coins": cpu(lambda: frame(size.coins, now)),
        }
        text = frame(size.coins, now)
        return {
            "times": times,
            "rows": {name: getattr(size, name) for name in Size.__slots__},
            "ms": found,
            "frame_bytes": len(text.wire),
            "frame_bytes_packed": len(text.deflated),
            "page_bytes": {name: len(page(client, path)) for name, path in PAGES.items()},
            "database_bytes": database_bytes(),
            "resident_mb": resident_mb(),
        }


def filled(size: Size, now: datetime) -> list[User]:
    from market import services as market

    market.choose_origin(now=now)
    add_coins(size.coins, now)
    people = add_people(size.people)
    add_alerts(size.alerts, people, size.coins)
    add_trades(size.trades, people, size.coins, now)
    add_candles(size.candles, size.coins, now)
    return people


def probe() -> None:
    from alerts.services.evaluation import probe as alerts_probe

    list(alerts_probe([coin_id(number) for number in range(MOVED)]))


def buy(user: User) -> Any:
    import uuid

    from django.utils import timezone

    from portfolio import services as portfolio

    return portfolio.place_order(
        user=user, side="buy", coin_id=coin_id(1), amount=Decimal(10),
        client_order_id=uuid.uuid4().hex, now=timezone.now(),
    )  # fmt: skip


def page(client: Any, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)  # noqa: PLR2004 (OK)
    content: bytes = answer.content
    return content


def frame(count: int, now: datetime) -> Any:
    """Build the frame of a tick in which every coin has moved, as it goes over the wire."""
    from cryptopulse.live.board import Board, Entry, encode_quotes, milliseconds
    from cryptopulse.live.frames import Frame

    chance = random.Random(count)  # equal prices would pack too well
    quotes = [
        replace(quote, price=Decimal(f"{chance.uniform(1, 90000):.2f}"))
        for quote in tick(count, now, 1)
    ]
    board = Board(stale_after=300)
    board.load(
        Entry(
            id=coin_id(number), symbol=f"c{number}", name=f"Coin {number}", rank=number,
            price="60000", at=0, change_24h="1.5", source="coinbase",
        )
        for number in range(count)
    )  # fmt: skip
    moved, _ = board.merge(encode_quotes(quotes))
    made = Frame(board.tick(sorted(moved), now=milliseconds(now)))
    assert made.wire and made.deflated  # noqa: PT018 (both are built on demand)
    return made


def database_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        size: int = cursor.fetchone()[0]
        return size


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def cpu(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median of a call's milliseconds of processor time, the first left out."""
    call()
    took = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        took.append((time.process_time() - started) * 1000)
    return median(took)


# --- Capacity units ---------------------------------------------------------------------------


def measured_units() -> dict[str, Any]:
    """Return what each operation asks of DynamoDB: requests, and units by table."""
    size = Size(coins=250, people=20, alerts=500, trades=200, candles=500)
    with product_on("dynamodb"):
        from django.test import Client
        from django.utils import timezone

        from market import services as market

        now = timezone.now()
        people = filled(size, now)
        client = Client()
        client.force_login(people[0])
        market.ingest(quotes=tick(size.coins, later(now, 0.1), 1), now=later(now, 0.1))
        operations: dict[str, Callable[[], object]] = {
            "buy": lambda: buy(people[1]),
            "create an alert": lambda: alert(people[2]),
            "tick of 10 coins": lambda: market.ingest(
                quotes=tick(10, later(now, 0.4), 2), now=later(now, 0.4)
            ),
            **{name: partial(page, client, path) for name, path in PAGES.items()},
            "log in": lambda: Client().force_login(people[3]),
        }
        for call in (operations["buy"], *(operations[name] for name in PAGES)):
            call()  # what is made at the first time, or kept for everybody
        return {
            "coins": size.coins,
            "operations": {name: units(call) for name, call in operations.items()},
        }


def alert(user: User) -> Any:
    from django.utils import timezone

    from alerts import services as alerts

    return alerts.create_alert(
        user=user, coin_id=coin_id(1), condition="above", target=Decimal(90000),
        channels=["in_app"], now=timezone.now(),
    )  # fmt: skip


def units(call: Callable[[], object]) -> dict[str, Any]:
    from cryptopulse.dynamodb.metering import READS, capture_requests

    with capture_requests() as captured:
        call()
    reads: dict[str, float] = defaultdict(float)
    writes: dict[str, float] = defaultdict(float)
    for one in captured.requests:
        tables = one.table.split(",")
        for table in tables:  # a transaction's units are not told apart by table
            (reads if one.operation in READS else writes)[table] += one.units / len(tables)
    return {
        "requests": len(captured.requests),
        "read": sum(reads.values()),
        "write": sum(writes.values()),
        "read_by_table": dict(reads),
        "write_by_table": dict(writes),
    }


# --- Saying it --------------------------------------------------------------------------------


def table(document: dict[str, Any]) -> list[str]:
    """Return the table of what grows."""
    sizes = document["sizes"]
    head = ("ms of CPU", *(f"{one['times']} times" for one in sizes), "growth")
    rows = [
        (
            name,
            *(f"{one['ms'][name]:.3g}" for one in sizes),
            f"{sizes[-1]['ms'][name] / max(sizes[0]['ms'][name], 0.001):.1f}",
        )
        for name in sizes[0]["ms"]
    ]
    for name, unit in (("frame_bytes_packed", 1000), ("database_bytes", 10**6), ("resident_mb", 1)):
        label = {
            "frame_bytes_packed": "frame of all coins, packed, kB",
            "database_bytes": "database, MB",
            "resident_mb": "memory of the process, MB",
        }[name]
        values = [one[name] / unit for one in sizes]
        rows.append((label, *(f"{value:.3g}" for value in values), f"{values[-1] / values[0]:.1f}"))
    return aligned(head, rows)


if __name__ == "__main__":
    main()
