"""What an installation costs a month on AWS, from measured unit costs. Pure: values in, text out.

`bill` takes the document that `growth.py` writes, the assumptions about people and AWS's list
prices; nothing in it is a figure of ours that was typed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

SECONDS_PER_MONTH = 30 * 86400
HOURS_PER_MONTH = 730
GB = 10**9
#: A partition of DynamoDB takes so many units a second, whatever is paid.
WRITES_PER_PARTITION, READS_PER_PARTITION = 1000, 3000
#: Tables that are spread over so many partition keys (cryptopulse.dynamodb_tables.SHARDS).
SPREAD = frozenset(
    {
        "django_session", "accounts_activity", "accounts_opensession", "portfolio_transaction",
        "market_candle", "portfolio_equitypoint", "alerts_notification", "alerts_deliveryattempt",
    }
)  # fmt: skip
SHARDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What people do. Averages over a month, but for the peak."""

    registered: int = 10_000_000
    active_a_day: float = 0.10  # of the registered
    sockets_at_peak: float = 0.10  # of those active that day, at the busiest minute
    sockets_on_average: float = 0.4  # of the peak's
    pages_a_day: float = 15.0  # of somebody active
    logins_a_day: float = 0.3
    trades_a_day: float = 0.5
    alerts_each: float = 3.0  # resting, of somebody registered
    alerts_made_a_day: float = 0.1  # of somebody active
    alerts_fired_a_day: float = 0.02  # of somebody registered
    mails: float = 0.3  # of fired alerts and of trades
    peak: float = 3.0  # times the average, for pages and trades
    frames_a_second: float = 1.0  # what reaches a page: see `coins_a_frame`
    coins_a_frame: int = 50  # a page shows some, and asks for these alone
    coins_stored_a_second: float = 50.0  # at most one row per coin and second
    busy: float = 0.6  # of a core, before another is started
    years: float = 2.0  # of trades and confirmations that are stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Public list prices of us-east-1 in US dollars, on demand, without discounts."""

    vcpu_hour: float = 0.04048
    memory_gb_hour: float = 0.004445
    read_units: float = 0.125  # a million
    write_units: float = 0.625  # a million
    stored_gb: float = 0.25  # a month
    egress: tuple[tuple[float, float], ...] = (
        (10_000, 0.09),
        (40_000, 0.085),
        (100_000, 0.07),
        (math.inf, 0.05),
    )  # GB of a tier, dollars a GB
    lcu_hour: float = 0.008
    mails: float = 0.10  # a thousand


#: What was read where, and of when the page is.
SOURCES = (
    (
        "Fargate, Linux on x86: a core's hour, a GB's hour",
        ("vcpu_hour", "memory_gb_hour"),
        "cloudburn.io/blog/aws-fargate-pricing, 2026-04-01",
    ),
    (
        "DynamoDB on demand: a million read units, write units",
        ("read_units", "write_units"),
        (
            "airbyte.com/data-engineering-resources/dynamodb-pricing, 2025-07-21; valid since "
            "November 2024"
        ),
    ),
    (
        "DynamoDB: a GB stored for a month",
        ("stored_gb",),
        "the standard class's long-standing list price; no dated page was read",
    ),
    (
        "data to the internet: a GB of each tier",
        ("egress",),
        (
            "leanopstech.com/blog/aws-data-transfer-pricing-2026, 2026-04-27; the last tier from "
            "cloud-cost-557.pages.dev/blog/estimate-aws-data-transfer-bill, 2026-06-10"
        ),
    ),
    (
        "load balancer: a capacity unit's hour",
        ("lcu_hour",),
        (
            "aws.darcy-it.com; what a unit is: handbook.vantage.sh/aws/services/elb-pricing; "
            "both without a date"
        ),
    ),
    (
        "SES: a thousand mails",
        ("mails",),
        "www.acecloudinterviews.com/tutorials/aws/ses, without a date",
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill: how much of what, why, and what it costs a month."""

    what: str
    amount: str
    dollars: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that cannot simply be bought more of: how much of it is taken at the peak."""

    what: str
    taken: float  # 1 is all
    why: str


@dataclass(frozen=True, slots=True)
class Bill:
    items: tuple[Item, ...]
    limits: tuple[Limit, ...]  # the fullest first

    @property
    def dollars(self) -> float:
        return sum(item.dollars for item in self.items)


def bill(
    document: Mapping[str, Any], people: Assumptions | None = None, prices: Prices | None = None
) -> Bill:
    """Return what a month takes and what is nearest to its limit."""
    load = _Load(document, people or Assumptions())
    price = prices or Prices()
    items = (*_computing(load, price), *_database(load, price), *_network(load, price))
    limits = sorted(_limits(load), key=lambda one: one.taken, reverse=True)
    return Bill(items, tuple(limits))


class _Load:
    """How often everything happens, with what one of it takes."""

    def __init__(self, document: Mapping[str, Any], people: Assumptions) -> None:
        self.people = people
        self.sizes: Sequence[Mapping[str, Any]] = document["sizes"]
        self.small, self.large = self.sizes[0], self.sizes[-1]
        self.coins: int = document["dynamodb"]["coins"]
        self.units: Mapping[str, Mapping[str, Any]] = document["dynamodb"]["operations"]
        self.fanout: Mapping[str, float] = document["fanout"]
        active = people.registered * people.active_a_day
        self.active = active
        #: A second, on average.
        self.rates = {
            "dashboard": active * people.pages_a_day / 3 / 86400,
            "coin": active * people.pages_a_day / 3 / 86400,
            "markets": active * people.pages_a_day / 3 / 86400,
            "log in": active * people.logins_a_day / 86400,
            "buy": active * people.trades_a_day / 86400,
            "create an alert": active * people.alerts_made_a_day / 86400,
            "tick of 10 coins": people.coins_stored_a_second / 10,
        }
        self.sockets = active * people.sockets_at_peak
        self.frame_bytes = (
            self.small["frame_bytes_packed"] / self.small["rows"]["coins"] * people.coins_a_frame
        )

    def at_peak(self, name: str) -> float:
        """Return how often at the busiest time; the market does not sleep."""
        return self.rates[name] * (1 if name.startswith("tick") else self.people.peak)

    def milliseconds(self, name: str) -> float:
        """Return the processor time of one."""
        return self._between("ms", name)

    def page_bytes(self, name: str) -> float:
        """Return the size of a page as it is sent."""
        return self._between("page_bytes", name)

    def _between(self, what: str, name: str) -> float:
        """Return a figure for our number of coins, on the line between the sizes next to it."""
        for less, more in pairwise(self.sizes):
            low, high = less["rows"]["coins"], more["rows"]["coins"]
            if self.coins <= high:
                break
        share = (self.coins - low) / (high - low)
        figure: float = less[what][name] + share * (more[what][name] - less[what][name])
        return figure

    def a_second(self, kind: str, *, peak: bool = False) -> float:
        """Return capacity units a second."""
        rate = self.at_peak if peak else self.rates.__getitem__
        return float(sum(rate(name) * self.units[name][kind] for name in self.rates))


def _computing(load: _Load, price: Prices) -> Iterator[Item]:
    people = load.people
    month = HOURS_PER_MONTH
    per_core = price.vcpu_hour * month
    sending = load.sockets * people.frames_a_second * load.fanout["cpu_us"] / 1e6 / people.busy
    gigabytes = load.sockets * load.fanout["connection_kb"] / 10**6
    yield Item(
        "web processes for websockets",
        f"{load.sockets:,.0f} sockets, {math.ceil(sending)} cores, {gigabytes:,.0f} GB",
        math.ceil(sending) * per_core + gigabytes * price.memory_gb_hour * month,
    )
    asked = ("dashboard", "coin", "markets", "buy")
    pages = sum(load.at_peak(name) * load.milliseconds(name) / 1000 for name in asked)
    cores = math.ceil(pages / people.busy)
    yield Item(
        "web processes for pages and trades",
        f"{sum(load.at_peak(name) for name in asked):,.0f} requests/s at the peak, {cores} cores",
        cores * (per_core + price.memory_gb_hour * month),
    )
    yield Item(
        "stream, beat, workers; Redis with its replica",
        "8 and 2 times 2 cores",
        12 * per_core + (8 + 16) * price.memory_gb_hour * month,
    )


def _database(load: _Load, price: Prices) -> Iterator[Item]:
    people = load.people
    for kind, dollars in (("read", price.read_units), ("write", price.write_units)):
        units = load.a_second(kind) * SECONDS_PER_MONTH / 10**6
        yield Item(
            f"DynamoDB, {kind} units",
            f"{load.a_second(kind):,.0f} /s, {units:,.0f} million a month",
            units * dollars,
        )
    stored = _stored(load) / GB
    yield Item(
        "DynamoDB, storage", f"{stored:,.0f} GB after {people.years:g} years",
        stored * price.stored_gb,
    )  # fmt: skip


def _stored(load: _Load) -> float:
    """Return bytes: SQLite's of a person's share, times what a trade and an alert add.

    The largest installation less the smallest is rows alone; a DynamoDB item names its columns
    and has copies in indexes, as SQLite's rows have, so that it is about that size.
    """
    people, rows, less = load.people, load.large["rows"], load.small["rows"]
    grown = load.large["database_bytes"] - load.small["database_bytes"]
    more = sum(rows[name] - less[name] for name in ("people", "alerts", "trades", "candles"))
    trades = load.active * people.trades_a_day * 365 * people.years
    kept = people.registered * (2 + people.alerts_each) + 3 * trades
    return float(grown / more * kept)


def _network(load: _Load, price: Prices) -> Iterator[Item]:
    people = load.people
    on_average = load.sockets * people.sockets_on_average
    frames = on_average * people.frames_a_second * load.frame_bytes * SECONDS_PER_MONTH
    asked = ("dashboard", "coin", "markets")
    pages = sum(load.rates[name] * load.page_bytes(name) for name in asked)
    gigabytes = (frames + pages * SECONDS_PER_MONTH) / GB
    yield Item(
        "data to the internet",
        f"{gigabytes:,.0f} GB, {frames / GB / gigabytes:.0%} of them frames of "
        f"{load.frame_bytes / 1000:.1f} kB",
        _tiered(gigabytes, price.egress),
    )
    capacity = max(gigabytes / HOURS_PER_MONTH, on_average / 3000)
    yield Item(
        "load balancer", f"{capacity:,.0f} capacity units",
        capacity * price.lcu_hour * HOURS_PER_MONTH,
    )  # fmt: skip
    fired = people.registered * people.alerts_fired_a_day * 30
    traded = load.active * people.trades_a_day * 30
    mails = (fired + traded) * people.mails
    yield Item("mail by SES", f"{mails / 10**6:,.0f} million", mails / 1000 * price.mails)


def _tiered(amount: float, tiers: tuple[tuple[float, float], ...]) -> float:
    dollars = 0.0
    for size, price in tiers:
        part = min(amount, size)
        dollars += part * price
        amount -= part
    return dollars


def _limits(load: _Load) -> Iterator[Limit]:
    people = load.people
    per_coin = load.milliseconds("tick of 100 coins") / 100
    yield Limit(
        "the process that stores prices",
        people.coins_stored_a_second * per_coin / 1000,
        f"{people.coins_stored_a_second:g} coins a second, {per_coin:.2f} ms each; "
        "there is one such process",
    )
    for kind, most in (("write", WRITES_PER_PARTITION), ("read", READS_PER_PARTITION)):
        for table, units in _by_table(load, kind).items():
            shards = SHARDS if table in SPREAD else 1
            yield Limit(
                f"{table}: {kind} units of a partition",
                units / (most * shards),
                f"{units:,.0f} /s at the peak over {shards} "
                f"{'partition' if shards == 1 else 'partitions'} of {most:,}",
            )


def _by_table(load: _Load, kind: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in load.rates:
        for table, units in load.units[name][f"{kind}_by_table"].items():
            found[table] = found.get(table, 0.0) + load.at_peak(name) * units
    return found


_SAID = {
    "registered": "people are registered",
    "active_a_day": "of them are active on a day",
    "sockets_at_peak": "of those have the ticker open at the busiest minute",
    "sockets_on_average": "of that on average",
    "pages_a_day": "pages a day, of each who is active: a third each dashboard, coin, markets",
    "logins_a_day": "log-ins a day, of each who is active",
    "trades_a_day": "trades a day, of each who is active",
    "alerts_each": "resting alerts, of each who is registered",
    "alerts_made_a_day": "new alerts a day, of each who is active",
    "alerts_fired_a_day": "alerts that fire a day, of each who is registered",
    "mails": "of fired alerts and trades are mailed",
    "peak": "times the average is the peak of pages and trades",
    "frames_a_second": "frames a second reach an open page",
    "coins_a_frame": "coins are in one, those that the page shows",
    "coins_stored_a_second": "coins a second are written to the database",
    "busy": "of a core is taken before there is another",
    "years": "years of trades and their confirmations are stored",
}


def page(document: Mapping[str, Any]) -> str:
    """Return the part of the README that is computed."""
    people, prices = Assumptions(), Prices()
    found = bill(document, people, prices)
    lines = [
        "| what | how much | dollars a month |",
        "| --- | --- | ---: |",
        *(f"| {item.what} | {item.amount} | {item.dollars:,.0f} |" for item in found.items),
        f"| **all** | | **{found.dollars:,.0f}** |",
        "",
        "| what is nearest to its limit | taken at the peak | |",
        "| --- | ---: | --- |",
        *(f"| {limit.what} | {limit.taken:.0%} | {limit.why} |" for limit in found.limits[:6]),
        "",
        "Assumed:",
        "",
        *(f"- {_number(getattr(people, name))} {text}" for name, text in _SAID.items()),
        f"- {document['dynamodb']['coins']} coins",
        "",
        "Prices of us-east-1, on demand, without discounts:",
        "",
        *(
            f"- {what}: {', '.join(_dollars(getattr(prices, name)) for name in names)} ({source})"
            for what, names, source in SOURCES
        ),
    ]
    return "\n".join(lines)


def _dollars(price: float | tuple[tuple[float, float], ...]) -> str:
    if isinstance(price, tuple):
        return ", ".join(_dollars(each) for _, each in price)
    return f"{price:g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
