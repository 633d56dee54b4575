"""A crash fires thousands of alerts: each once, by whichever worker, and the next tick goes on."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.cache import cache
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from alerts import services, tasks
from alerts.models import Notification, PriceAlert
from alerts.services import evaluation, firing, outbox_rows, underway
from cryptopulse.atomic import in_chunks
from cryptopulse.celery import app
from market import services as market
from market.models import Coin
from tests.alerts.conftest import after, quote, tick, unevaluated
from tests.alerts.test_evaluate_together import at_once, resting
from tests.conftest import NOW, make_coin, make_person

MANY = evaluation.MOST_AT_ONCE + 50


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Keep what workers are asked to fire; nobody does."""
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks.fire_coin, "apply_async", lambda args, **_: found.append(tuple(args)))
    return found


def small_chunks(monkeypatch: pytest.MonkeyPatch, alerts: int) -> None:
    """Let so many alerts be a chunk, on any database."""
    chunks = in_chunks

    def into_chunks(items: Any, *, actions_per_item: Any) -> Iterator[Any]:
        for first in range(0, len(items), alerts):
            yield from chunks(items[first : first + alerts], actions_per_item=1)

    monkeypatch.setattr(firing, "in_chunks", into_chunks)


def told_once(number: int) -> None:
    """Every one of so many alerts has fired once, and has told it once on each channel."""
    assert PriceAlert.objects.filter(state="fired", times_fired=1).count() == number
    told = list(Notification.objects.values_list("event_id", "channel"))
    assert len(told) == len(set(told)) == 2 * number
    events = {uuid.uuid5(key, "1") for key in PriceAlert.objects.values_list("pk", flat=True)}
    assert {event for event, _ in told} <= events


# --- Chunks -------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("chunk", [1, 2, 3, 4])
@pytest.mark.parametrize("is_committed", [False, True])
def test_a_crash_at_any_chunk_loses_nothing_and_doubles_nothing(
    chunk: int, is_committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies in a chunk before it commits, or right after."""
    make_coin()
    resting(8)
    small_chunks(monkeypatch, 2)
    fire_chunk, calls = firing.fire_chunk, []

    def dies(*arguments: Any, **named: Any) -> int:
        calls.append(1)
        if len(calls) != chunk:
            return fire_chunk(*arguments, **named)
        if is_committed:
            fire_chunk(*arguments, **named)
        raise KeyboardInterrupt

    with unevaluated():
        tick("200000", 10)
    monkeypatch.setattr(firing, "fire_chunk", dies)
    with pytest.raises(KeyboardInterrupt):
        services.evaluate(coin_ids=["bitcoin"], now=after(10))
    monkeypatch.setattr(firing, "fire_chunk", fire_chunk)
    fired = 2 * (chunk if is_committed else chunk - 1)
    assert PriceAlert.objects.filter(state="fired").count() == fired
    assert Notification.objects.count() == 2 * fired
    cache.clear()  # what the dead worker had said of itself runs out
    services.evaluate_waiting(now=after(20))
    told_once(8)


@pytest.mark.django_db
def test_what_was_told_before_a_backup_was_restored_is_told_no_second_time(
    arm: Callable[..., PriceAlert],
) -> None:
    first, second = arm("above", "101000"), arm("above", "101500")
    tick("102000", 10)
    PriceAlert.objects.filter(pk=first.pk).update(state="armed", times_fired=0)
    arm("above", "103000")
    tick("104000", 20)
    assert not PriceAlert.objects.filter(state="armed").exists()
    assert Notification.objects.count() == 3
    assert second.pk in PriceAlert.objects.filter(times_fired=1).values_list("pk", flat=True)


def test_the_short_way_writes_the_rows_that_the_orm_would(shared_database: str) -> None:
    alice = make_person("alice")
    event = uuid.uuid4()
    common = {
        "kind": "price_alert",
        "coin_id": "bitcoin",
        "url": "/markets/bitcoin/",
        "due_at": after(1),
        "created_at": NOW,
        "expires_at": after(86400),
    }
    body = 'Zeile "eins"\n\tZeile \\N zwei\\ ß € 100 % %s'
    told = [
        outbox_rows.Told(
            outbox_rows.uuid5(event.bytes, f"{channel}:"), event.bytes, channel, alice.pk, "a", body
        )
        for channel in ("in_app", "email")
    ]
    rows: list[list[dict[str, Any]]] = []
    for is_new in (True, False):
        Notification.objects.all().delete()
        outbox_rows.insert(common, told, is_new=is_new)
        rows.append([dict(row) for row in Notification.objects.order_by("channel").values()])
        assert all(0 <= row.pop("bucket") < 16 for row in rows[-1])
    assert rows[0] == rows[1]
    assert rows[0][1]["id"] == Notification.key(event, "in_app")
    assert rows[0][1]["body"] == body


@given(namespace=st.uuids(), name=st.text(max_size=40).filter(lambda name: name.isprintable()))
def test_keys_are_those_of_uuid5(namespace: uuid.UUID, name: str) -> None:
    assert outbox_rows.uuid5(namespace.bytes, name) == uuid.uuid5(namespace, name).bytes


# --- Who fires ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_tick_fires_a_few_by_itself_and_leaves_many_to_a_worker(
    asked: list[tuple[str, ...]], ethereum: Coin
) -> None:
    make_coin()
    resting(MANY)
    resting_on_ethereum = PriceAlert.objects.create(
        user=PriceAlert.objects.first().user, coin_id="ethereum", condition="above",  # type: ignore[union-attr]
        target=Decimal(3500), channels=["in_app"], armed_at=NOW,
    )  # fmt: skip
    market.ingest(quotes=[quote("200000", 10), quote("3600", 10, "ethereum")], now=after(10))
    assert asked == [("bitcoin",)]
    assert set(Notification.objects.values_list("coin_id", flat=True)) == {"ethereum"}
    resting_on_ethereum.refresh_from_db()
    assert resting_on_ethereum.state == "fired"
    coin = Coin.objects.get(pk="bitcoin")
    assert coin.evaluated_at != coin.price_at, "its interval goes on until the worker is done"
    assert services.fire_coin(coin_id="bitcoin", now=after(11)) == MANY
    assert Coin.objects.get(pk="bitcoin").evaluated_at == after(10)


@pytest.mark.django_db
def test_one_worker_is_asked_while_it_has_not_finished(asked: list[tuple[str, ...]]) -> None:
    make_coin()
    resting(MANY)
    for seconds in (10, 11, 12):
        tick("200000.5" if seconds % 2 else "200000", seconds)
    assert asked == [("bitcoin",)]
    assert services.evaluate_waiting(now=after(13)) == 0, "the beat leaves it to the worker, too"
    cache.clear()  # it has died, and some seconds have passed
    assert services.evaluate_waiting(now=after(30)) == MANY
    told_once(MANY)


@pytest.mark.django_db
def test_where_no_broker_answers_the_tick_fires_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tasks.fire_coin, "apply_async", down)
    monkeypatch.setattr(tasks.deliver_due, "apply_async", down)
    make_coin()
    resting(MANY)
    tick("200000", 10)
    told_once(MANY)
    assert not underway.is_on("bitcoin")


@pytest.mark.django_db
def test_many_that_are_to_be_armed_again_are_a_workers_too(asked: list[tuple[str, ...]]) -> None:
    make_coin()
    resting(MANY, repeats=True, cooldown=60)
    tick("200000", 10)
    services.fire_coin(coin_id="bitcoin", now=after(10))
    asked.clear()
    tick("100000", 100)
    assert asked == [("bitcoin",)]
    assert PriceAlert.objects.filter(state="fired").count() == MANY
    services.fire_coin(coin_id="bitcoin", now=after(101))
    assert not PriceAlert.objects.filter(state="fired").exists()


@pytest.mark.django_db
def test_a_coin_that_cannot_be_evaluated_ends_the_firing(monkeypatch: pytest.MonkeyPatch) -> None:
    make_coin()
    resting(2)
    monkeypatch.setattr(evaluation, "_evaluate_coin", lambda *_, **__: 1 / 0)
    with unevaluated():
        tick("200000", 10)
    assert services.fire_coin(coin_id="bitcoin", now=after(10)) == 0
    assert services.fire_coin(coin_id="nothing", now=after(10)) == 0
    assert not underway.is_on("bitcoin")


# --- Together -----------------------------------------------------------------------------------


def test_the_next_tick_is_stored_and_evaluated_while_a_crash_is_still_being_fired(
    shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_coin()
    make_coin("ethereum", price="3000")
    resting(40)
    alice = PriceAlert.objects.all()[0].user
    PriceAlert.objects.create(
        user=alice, coin_id="ethereum", condition="below", target=Decimal(2500),
        channels=["in_app", "email"], armed_at=NOW,
    )  # fmt: skip
    PriceAlert.objects.create(
        user=alice, coin_id="bitcoin", condition="below", target=Decimal(50_000),
        channels=["in_app", "email"], armed_at=NOW,
    )  # fmt: skip
    small_chunks(monkeypatch, 10)
    monkeypatch.setattr(evaluation, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(services, "MOST_AT_ONCE", 5)
    halfway, may_go_on = threading.Event(), threading.Event()
    fire_chunk, calls = firing.fire_chunk, []

    def pauses_after_the_second_chunk(*arguments: Any, **named: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            halfway.set()
            assert may_go_on.wait(30)
        return fire_chunk(*arguments, **named)

    monkeypatch.setattr(firing, "fire_chunk", pauses_after_the_second_chunk)
    worker = threading.Thread(target=fire_and_close)
    monkeypatch.setattr(tasks.fire_coin, "apply_async", lambda *_, **__: worker.start())
    tick("60000", 10)
    try:
        assert halfway.wait(30)
        market.ingest(quotes=[quote("40000", 12), quote("2400", 12, "ethereum")], now=after(12))
        assert PriceAlert.objects.filter(state="fired").count() == 20 + 1
        assert Coin.objects.get(pk="bitcoin").last_price == 40_000
        assert Coin.objects.get(pk="ethereum").evaluated_at == after(12)
    finally:
        may_go_on.set()
        worker.join(60)
    told_below = Notification.objects.filter(coin_id="bitcoin").values_list("event_id", "channel")
    assert len(told_below) == len(set(told_below)) == 2 * 41, "and what the next tick has crossed"
    assert Coin.objects.get(pk="bitcoin").evaluated_at == after(12)
    assert PriceAlert.objects.filter(state="armed").count() == 40


def fire_and_close() -> None:
    try:
        services.fire_coin(coin_id="bitcoin", now=after(11))
    finally:
        connections.close_all()


def test_workers_and_ticks_at_once_fire_a_crash_once(
    shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_coin()
    resting(400)
    monkeypatch.setattr(underway, "begin", lambda _: False)
    with unevaluated():
        tick("50000", 10)
    turns = iter(range(4))

    def fire() -> int:
        if next(turns) % 2:
            return services.fire_coin(coin_id="bitcoin", now=after(11))
        return services.evaluate(coin_ids=["bitcoin"], now=after(11))

    results = at_once(4, fire)
    assert all(isinstance(result, int) for result in results), results
    assert sum(result for result in results if isinstance(result, int)) == 400
    told_once(400)


@pytest.mark.once
def test_in_one_process_with_a_broker_in_memory_a_crash_is_fired_by_the_worker(
    shared_database: str,
) -> None:
    if shared_database != "sqlite":
        pytest.skip("one process with a broker in memory is SQLite's")
    assert app.conf.broker_url.startswith("memory")
    moment = timezone.now()  # the task goes by the clock
    make_coin(at=moment)
    resting(MANY)
    crash = replace(quote("50000", 0), price_at=moment + timedelta(seconds=1))
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False):
        market.ingest(quotes=[crash], now=crash.price_at)
        end = time.monotonic() + 30
        while Coin.objects.get().evaluated_at != crash.price_at and time.monotonic() < end:
            time.sleep(0.05)
    told_once(MANY)
