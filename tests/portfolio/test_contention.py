"""Eight threads at one portfolio, on a real SQLite file and, where one answers, PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

POSTGRES = os.environ.get("DATABASE_URL_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.processes


def postgres_database() -> Iterator[str]:
    """Make a database of its own on the server, and drop it afterwards."""
    address = POSTGRES.replace("postgres://", "postgresql://", 1)
    try:
        server = psycopg.connect(address, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if "postgres" in os.environ.get("REQUIRE", ""):
            raise
        pytest.skip(f"no PostgreSQL answers at {POSTGRES}: {error}")
    name = f"contention_{uuid.uuid4().hex[:12]}"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'contention.sqlite3'}"
    else:
        yield from postgres_database()


def run(scenario: str, database_url: str, tmp_path: Path) -> dict[str, Any]:
    """Run a scenario in a process of its own; return what it prints."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.portfolio.contention", scenario],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url, "LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return result


def test_eight_threads_lose_no_update(database_url: str, tmp_path: Path) -> None:
    result = run("random", database_url, tmp_path)
    books = result["books"]
    assert result["raised"] == {}  # no "database is locked", no deadlock, no 500
    assert set(result["refused"]) <= {"too_little_cash", "too_little_held"}
    assert len(result["acknowledged"]) + sum(result["refused"].values()) == 200
    assert len(result["acknowledged"]) > 50
    assert sorted(result["acknowledged"]) == sorted(books["transactions"])
    cash, paid_in = Decimal(books["cash"]), Decimal(books["paid_in"])
    assert cash >= 0
    assert cash == paid_in + Decimal(books["cash_moved"])
    assert cash + Decimal(books["cost"]) - Decimal(books["realised"]) == paid_in
    assert books["holdings"] == books["bought_less_sold"]
    assert all(Decimal(quantity) > 0 for quantity in books["holdings"].values())


def test_one_order_sent_eight_times_at_once_is_one_trade(database_url: str, tmp_path: Path) -> None:
    result = run("click", database_url, tmp_path)
    assert result["raised"] == {}
    assert len(result["keys"]) == 8
    assert len(set(result["keys"])) == 1
    assert result["books"]["transactions"] == result["keys"][:1]
    assert result["books"]["cash"] == "9000.00"
    assert result["books"]["portfolios"] == 1


def test_the_last_money_is_spent_once(database_url: str, tmp_path: Path) -> None:
    result = run("last", database_url, tmp_path)
    assert result["raised"] == {}
    assert result["refused"] == {"too_little_cash": 7}
    assert result["books"]["cash"] == "0.00"
    assert len(result["books"]["transactions"]) == 1


def test_there_are_never_more_portfolios_than_allowed(database_url: str, tmp_path: Path) -> None:
    result = run("portfolios", database_url, tmp_path)
    assert result["raised"] == {}
    assert result["refused"] == {"too_many_portfolios": 21}
    assert result["books"]["portfolios"] == 20
