"""Two evaluators at once, and the plan that each database makes of the probe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.db import connection, connections

from alerts import rules, services
from alerts.models import Condition, Notification, PriceAlert
from alerts.services import evaluation, firing, glance
from market import services as market
from market.models import Coin
from tests.alerts.conftest import after, quote, unevaluated
from tests.conftest import NOW, make_coin, make_person


def at_once(count: int, work: Callable[[], object]) -> list[object]:
    """Run the work in several threads that start together; return what each gave or raised."""
    barrier = threading.Barrier(count)
    results: list[object] = []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def resting(number: int, **extra: object) -> None:
    """Let alerts of alice's rest on bitcoin: `number` on each side of 100,000."""
    alice = make_person("alice")
    PriceAlert.objects.bulk_create(
        PriceAlert(
            **{
                "user": alice,
                "coin_id": "bitcoin",
                "condition": side,
                "target": Decimal(target),
                "channels": ["in_app", "email"],
                "armed_at": NOW,
            }
            | extra
        )
        for step in range(number)
        for side, target in (("above", 101000 + step), ("below", 99000 - step))
    )


def test_four_evaluators_at_once_fire_each_alert_once(shared_database: str) -> None:
    make_coin()
    resting(150)
    with unevaluated():
        market.ingest(quotes=[quote("200000", 10), quote("90000", 20)], now=after(20))
    results = at_once(4, lambda: services.evaluate(coin_ids=["bitcoin"], now=after(20)))
    assert all(isinstance(result, int) for result in results), results
    assert sum(result for result in results if isinstance(result, int)) == 300
    assert Notification.objects.count() == 600
    assert set(PriceAlert.objects.values_list("state", "times_fired")) == {("fired", 1)}
    assert Coin.objects.get().evaluated_at == after(20)


def test_prices_and_evaluators_in_many_threads_fire_each_crossing_once(
    shared_database: str,
) -> None:
    make_coin()
    resting(20, repeats=True, cooldown=60)
    prices = iter([("102000", 100), ("98000", 200), ("102000", 300), ("98000", 400)] * 2)
    lock = threading.Lock()

    def next_price() -> int:
        with lock:
            price, seconds = next(prices)
            number = at_times.setdefault(seconds, 0)
            at_times[seconds] = number + 1
            market.ingest(quotes=[quote(price, seconds)], now=after(seconds))
        return services.evaluate(coin_ids=["bitcoin"], now=after(seconds))

    at_times: dict[int, int] = {}
    results = at_once(8, next_price)
    assert all(isinstance(result, int) for result in results), results
    assert set(PriceAlert.objects.values_list("times_fired", flat=True)) == {2}
    assert Notification.objects.count() == 20 * 2 * 2 * 2


def test_two_forms_sent_at_once_make_one_alert(shared_database: str) -> None:
    make_coin()
    alice = make_person("alice")

    def create() -> PriceAlert:
        return services.create_alert(
            user=alice, coin_id="bitcoin", condition="above", target=Decimal(101000),
            channels=["in_app"], now=NOW,
        )  # fmt: skip

    results = at_once(4, create)
    assert PriceAlert.objects.count() == 1, results
    refusals = [result for result in results if isinstance(result, services.AlertRejected)]
    assert [refusal.code for refusal in refusals] == ["duplicate"] * 3


def test_every_query_of_a_tick_uses_its_partial_index(shared_database: str) -> None:
    make_coin()
    resting(3000)
    PriceAlert.objects.filter(target__gte=102000).update(
        state="fired", repeats=True, rearm_at=NOW, last_fired_at=NOW
    )
    if shared_database == "postgres":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    seen = rules.Observation(
        price=Decimal(100500), price_at=NOW, low=Decimal(98990), high=Decimal(101010), since=NOW
    )
    probe = plan(evaluation.probe(["bitcoin"]).explain())
    looked = plan(evaluation.probe(["bitcoin"]).values_list(*glance.COLUMNS).explain())
    for index in ("alert_armed", "alert_to_rearm"):
        assert looked.count(index) == 2, looked
    assert probe.count("alert_armed") == 2, probe
    assert probe.count("alert_to_rearm") == 2, probe
    assert "Seq Scan on alerts_pricealert" not in probe
    assert "SCAN U0" not in probe
    for side in Condition:
        fetch = plan(firing.crossed("bitcoin", side, seen).explain())
        assert "alert_armed" in fetch, fetch
        rearm = evaluation.to_rearm("bitcoin", side, seen, now=NOW + timedelta(hours=1))
        assert "alert_to_rearm" in plan(rearm.explain()), rearm.explain()


def plan(text: str) -> str:
    """Return a plan without what is not a matter of access."""
    return "\n".join(line for line in text.splitlines() if "TEMP B-TREE" not in line)
