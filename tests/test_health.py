"""Alive as long as the process answers; ready while database and broker do."""

from __future__ import annotations

import json
import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from cryptopulse import health
from cryptopulse.celery import app
from market.models import Coin


def test_alive_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}
    assert "no-store" in answer["Cache-Control"]


def test_ready_says_how_old_the_last_tick_is(bitcoin: Coin, now: datetime) -> None:
    status, answer = health.ready(now=now + timedelta(seconds=12.34))

    assert status == 200
    assert answer == {
        "status": "ready",
        "database": "ok",
        "broker": "ok",
        "last_tick_age": 12.3,
    }


def test_an_old_tick_is_reported_and_no_failure(bitcoin: Coin, now: datetime) -> None:
    status, answer = health.ready(now=now + timedelta(days=30))

    assert status == 200
    assert answer["last_tick_age"] == 30 * 86400


@pytest.mark.django_db
def test_a_database_without_prices_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["last_tick_age"] is None


def test_a_database_that_does_not_answer_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    def fail() -> None:
        raise OperationalError("no route to database.internal as cryptopulse")

    monkeypatch.setattr("market.services.last_tick_at", fail)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer"
    assert "internal" not in answer.content.decode()


def test_a_broker_that_does_not_answer_is_not_ready(
    db: None, settings: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        # In this order: what Celery says now is put back later, and without a `broker_write_url`
        # it says the `broker_url`.
        monkeypatch.setattr(app.conf, "broker_write_url", url)
        monkeypatch.setattr(app.conf, "broker_url", url)
        settings.CELERY_BROKER_URL = url

        status, answer = health.ready(now=now)

    assert status == 503
    assert answer["status"] == "not ready"
    assert (answer["database"], answer["broker"]) == ("ok", "does not answer")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_only_reading_is_allowed(client: Client, method: str) -> None:
    for path in ("/healthz", "/readyz"):
        assert getattr(client, method)(path).status_code == 405


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_are_answered_whatever_they_call_us(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Load balancers ask by address and without TLS; the middleware would send them away."""
    monkeypatch.setattr("market.services.last_tick_at", lambda: None)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await health.PROBES[path]({"headers": [(b"host", b"10.0.0.7:8000")]}, None, send)

    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"])["status"] in {"alive", "ready"}
