"""Half a minute of the soak, and its script against a walk through the prices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.requirements import require_or_skip

from .product import ROOT
from .soak.script import (
    ALERTS_PER_CLIFF,
    CLIFF,
    FAST,
    Wanted,
    expected_events,
    peak,
    price_of,
    times_fired,
    wanted,
)

SECONDS = 30


@pytest.mark.once
def test_what_the_script_says_must_fire_is_what_a_walk_through_its_prices_finds() -> None:
    alerts = wanted(fast=2 * CLIFF + 3, slow=9)
    steps = {"fast": 2 * CLIFF + 1, "slow": 8}
    fired: Counter[Wanted] = Counter()
    waiting = set(alerts)

    for alert in alerts:
        for price in walk(alert.coin_id, **steps):
            above = alert.condition == "above"
            is_met = price >= alert.target if above else price <= alert.target
            if is_met and alert in waiting:
                waiting.discard(alert)
                fired[alert] += 1
            elif alert.repeats and not is_met:
                waiting.add(alert)

    assert {alert: times_fired(alert, **steps) for alert in alerts if fired[alert]} == dict(fired)
    assert len(expected_events(alerts, **steps)) == fired.total()
    assert sum(alert.coin_id == "ripple" for alert in fired) == 2 * ALERTS_PER_CLIFF


def walk(coin_id: str, *, fast: int, slow: int) -> Iterator[Decimal]:
    """Yield the prices that a coin has one after the other."""
    for step in range((fast if coin_id in FAST else slow) + 1):
        if coin_id == "dogecoin" and step:
            yield peak(step)
        yield price_of(coin_id, step)


@pytest.mark.once
def test_no_two_alerts_of_the_script_are_the_same() -> None:
    alerts = wanted(fast=1500, slow=500)

    assert len({(one.coin_id, one.condition, one.target) for one in alerts}) == len(alerts)
    assert len({one.key for one in alerts}) == len(alerts)


@pytest.mark.processes
@pytest.mark.xdist_group("processes")
def test_half_a_minute_of_kills_and_outages_loses_and_doubles_nothing() -> None:
    if shutil.which("redis-server") is None:
        require_or_skip("redis", "there is no redis-server on this machine")
    soak = subprocess.run(
        [sys.executable, "-m", "tests.recovery.soak"],
        check=False,
        cwd=ROOT,
        env=os.environ | {"SECONDS": str(SECONDS)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    print(soak.stdout)
    assert soak.returncode == 0, soak.stdout + soak.stderr
