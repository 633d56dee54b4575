"""The bill of a large installation follows from what was measured, and from nothing else."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks import costs
from benchmarks.costs import Assumptions, Bill, Prices, bill, page

pytestmark = pytest.mark.once

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
OPERATIONS = (
    "dashboard", "coin", "markets", "log in", "buy", "create an alert", "tick of 10 coins"
)  # fmt: skip


def size(coins: int, milliseconds: float) -> dict[str, Any]:
    names = ("tick of 100 coins", "buy", "dashboard", "coin", "markets")
    return {
        "rows": {"coins": coins, "people": coins, "alerts": 0, "trades": 0, "candles": 0},
        "ms": dict.fromkeys(names, milliseconds),
        "frame_bytes_packed": coins * 20,
        "page_bytes": dict.fromkeys(("dashboard", "coin", "markets"), 10_000),
        "database_bytes": coins * 1000,
    }


def document() -> dict[str, Any]:
    """What a measurement might say; the numbers are easy to reckon with, not measured."""
    operation = {
        "read": 4.0, "write": 2.0,
        "read_by_table": {"market_coin": 4.0}, "write_by_table": {"django_session": 2.0},
    }  # fmt: skip
    return {
        "sizes": [size(100, 10.0), size(1000, 100.0), size(10_000, 1000.0)],
        "dynamodb": {"coins": 100, "operations": dict.fromkeys(OPERATIONS, operation)},
        "fanout": {"cpu_us": 10.0, "connection_kb": 20.0},
    }


def dollars(made: Bill, what: str) -> float:
    (item,) = [item for item in made.items if item.what == what]
    return item.dollars


def test_requests_cost_what_their_units_cost() -> None:
    people = Assumptions(
        registered=864_000, active_a_day=0.1, pages_a_day=10, logins_a_day=0, trades_a_day=0,
        alerts_made_a_day=0, coins_stored_a_second=0,
    )  # fmt: skip
    made = bill(document(), people)
    # 864,000 pages a day are 10 a second, of 4 units each: 103.68 million in thirty days.
    assert dollars(made, "DynamoDB, read units") == pytest.approx(103.68 * 0.125)
    assert dollars(made, "DynamoDB, write units") == pytest.approx(51.84 * 0.625)


def test_sockets_take_the_cores_that_a_frame_was_measured_to_take() -> None:
    people = Assumptions(registered=10**7, active_a_day=0.1, sockets_at_peak=0.12, busy=0.6)
    (item,) = [one for one in bill(document(), people).items if "websockets" in one.what]
    # 120,000 sockets x 1 frame x 10 us are 1.2 cores, 2 at six tenths each.
    assert "120,000 sockets, 2 cores, 2 GB" in item.amount


def test_traffic_is_paid_by_tiers() -> None:
    flat = Prices(egress=((float("inf"), 0.05),))
    tiered = Prices(egress=((1000, 1.0), (float("inf"), 0.05)))
    cheap, dear = (dollars(bill(document(), None, one), "data to the internet")
                   for one in (flat, tiered))  # fmt: skip
    assert dear - cheap == pytest.approx(1000 * 0.95)


def test_a_figure_between_two_sizes_is_on_the_line_between_them() -> None:
    between = document()
    between["dynamodb"]["coins"] = 550  # 55 ms a page: halfway between 10 and 100
    cores = [
        next(one.amount for one in bill(each).items if "pages" in one.what).split(", ")[-1]
        for each in (document(), between)
    ]
    less, more = (int(text.split()[0]) for text in cores)
    assert more == pytest.approx(less * 5.5, rel=0.1)


def test_twice_the_people_never_cost_less() -> None:
    once, twice = (bill(document(), Assumptions(registered=count)) for count in (10**6, 2 * 10**6))
    for one, other in zip(once.items, twice.items, strict=True):
        assert other.dollars >= one.dollars, one.what
    assert twice.dollars > once.dollars


def test_what_is_fullest_comes_first_and_a_table_in_one_partition_is_fuller() -> None:
    limits = bill(document()).limits
    assert [limit.taken for limit in limits] == sorted(
        (limit.taken for limit in limits), reverse=True
    )
    spread = copy.deepcopy(document())
    for operation in spread["dynamodb"]["operations"].values():
        operation["read_by_table"] = {"django_session": 4.0}
    (one,) = [each for each in limits if each.what.startswith("market_coin: read")]
    (other,) = [
        each for each in bill(spread).limits if each.what.startswith("django_session: read")
    ]
    assert one.taken == pytest.approx(16 * other.taken)


def test_every_assumption_is_said() -> None:
    assert set(costs._SAID) == {one.name for one in fields(Assumptions)}


def test_every_price_says_where_it_was_read() -> None:
    said = {name for _, names, source in costs.SOURCES for name in names if source}
    assert said == {one.name for one in fields(Prices)}


def test_the_readme_says_what_the_newest_file_says() -> None:
    files = sorted((BENCHMARKS / "results").glob("growth-*.json"))
    assert files, "make bench-growth"
    assert page(json.loads(files[-1].read_text())) in (BENCHMARKS / "README.md").read_text()
