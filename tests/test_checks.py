"""Every wrong setting has an id and says how to mend it; right ones say nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

from cryptopulse.checks import storage
from cryptopulse.management.commands import pulse

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "cryptopulse."
MANIFEST_STORAGE = "servestatic.storage.CompressedManifestStaticFilesStorage"


def findings(*, deploy: bool = False) -> list[CheckMessage]:
    """Return what our own checks find."""
    found = run_checks(include_deployment_checks=deploy)
    return [one for one in found if str(one.id).startswith(PREFIX) and one.id != PREFIX + "W001"]


def ids(*, deploy: bool = False) -> set[str]:
    return {str(one.id).removeprefix(PREFIX) for one in findings(deploy=deploy)}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a database that only the checks look at."""
    values = {"ENGINE": "django.db.backends.postgresql", "HOST": "database.internal"}
    monkeypatch.setattr(storage, "database_settings", lambda: values)
    return values


@pytest.fixture
def production(settings: Any, database: dict[str, Any], tmp_path: Path) -> Any:
    """Settings as a production has them."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": MANIFEST_STORAGE}}
    (tmp_path / "staticfiles.json").write_text('{"version": "1.1", "paths": {}}')
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["cryptopulse.example"]
    settings.SITE_URL = "https://cryptopulse.example"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://redis.internal:6379/0"
    settings.DEFAULT_FROM_EMAIL = "CryptoPulse <noreply@cryptopulse.example>"
    settings.NOTIFICATION_CHANNELS = settings.NOTIFICATION_CHANNELS | {
        "email": {"BACKEND": "x", "OPTIONS": {"backend": "ses"}}
    }
    return settings


def test_the_settings_of_a_laptop_are_clean(settings: Any) -> None:
    assert findings() == []


def test_the_settings_of_a_production_are_clean(production: Any) -> None:
    assert findings(deploy=True) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "E001"),
        ("SECRET_KEY", "a" * 60, "E001"),
        ("SECRET_KEY_FALLBACKS", ["short"], "E001"),
        ("ALLOWED_HOSTS", [], "E002"),
        ("SITE_URL", "cryptopulse.example", "E003"),
        ("SITE_URL", "ftp://cryptopulse.example", "E003"),
        ("SITE_URL", "https://cryptopulse.example/path", "E003"),
        ("SITE_URL", "", "E003"),
        ("PORT", 0, "E004"),
        ("PORT", 70000, "E004"),
        ("TRUSTED_PROXY_COUNT", -1, "E005"),
        ("SOCKETS_PER_ADDRESS", 0, "E006"),
        ("PAGE_THREADS", 0, "E029"),
        ("MARKET_FEEDS", ["coinbse"], "E007"),
        ("MARKET_FEEDS", ["coingecko", "simulated"], "E009"),
        ("MARKET_FEEDS", ["replay", "coingecko"], "E009"),
        ("MARKET_FEEDS", ["coinbase", "simulated"], "E009"),
        ("MARKET_FEEDS", ["coinbase", "kraken"], "E027"),
        ("STREAM_RATE", 0.0, "E028"),
        ("STREAM_RATE", 100.0, "E028"),
        ("STREAM_RATE", float("nan"), "E028"),
        ("STALE_AFTER", timedelta(seconds=1), "E010"),
        ("STALE_AFTER", timedelta(seconds=5), "W004"),
        ("START_BALANCE", Decimal(-1), "E011"),
        ("START_BALANCE", Decimal(0), "E011"),
        ("START_BALANCE", Decimal("10000.001"), "E011"),
        ("START_BALANCE", Decimal("1e12"), "E011"),
        ("START_BALANCE", Decimal("1e40"), "E011"),
        ("TRADE_FEE_RATE", Decimal("-0.001"), "E012"),
        ("TRADE_FEE_RATE", Decimal(1), "E012"),
        ("NOTIFICATION_CHANNELS", {"pigeon": {"BACKEND": "x"}}, "E013"),
        ("NOTIFICATION_CHANNELS", {"email": {"OPTIONS": {"backend": "pigeon"}}}, "E014"),
        ("SNS_TOPIC_ARN", "cryptopulse", "E015"),
        ("SNS_TOPIC_ARN", "arn:aws:sqs:us-east-1:123456789012:queue", "E015"),
        ("SNS_OPS_TOPIC_ARN", "arn:aws:sns:us-east-1:12345:short-account", "E015"),
        ("REDIS_URL", "localhost:6379", "E016"),
        ("REDIS_URL", "http://localhost", "E016"),
        ("REDIS_URL", "redis://localhost:port/0", "E016"),
        ("REDIS_URL", "redis://localhost/cache", "E016"),
        ("REDIS_URL", "redis://", "E016"),
        ("CELERY_BROKER_URL", "redis://:secret@", "E016"),
        ("AWS_ENDPOINT_URL", "localhost:5000", "E017"),
        ("AWS_STORAGE_BUCKET_NAME", "s3://Bucket", "E018"),
        ("AWS_MEDIA_BUCKET_NAME", "my_bucket", "E018"),
    ],
)
def test_a_wrong_setting_is_found(settings: Any, name: str, value: Any, expected: str) -> None:
    setattr(settings, name, value)

    assert expected in ids()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "http://localhost:8000"),
        ("START_BALANCE", Decimal("0.01")),
        ("START_BALANCE", Decimal(1000000)),
        ("TRADE_FEE_RATE", Decimal("0.999")),
        ("SNS_TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:crypto-pulse_1"),
        ("SNS_TOPIC_ARN", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:topic.fifo"),
        ("REDIS_URL", "redis://localhost"),
        ("REDIS_URL", "rediss://user:p%40ss@redis.internal:6380/3"),
        ("CELERY_BROKER_URL", "sqs://"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
        ("AWS_STORAGE_BUCKET_NAME", "crypto-pulse.static"),
        ("MARKET_FEEDS", []),
        ("MARKET_FEEDS", ["coinbase", "kraken", "binance", "coingecko"]),
        ("STREAM_RATE", 20.0),
        ("STALE_AFTER", timedelta(seconds=300)),
    ],
)
def test_a_right_setting_is_not_found_fault_with(settings: Any, name: str, value: Any) -> None:
    setattr(settings, name, value)

    assert findings() == []


@pytest.mark.parametrize(
    ("alias", "options", "expected"),
    [
        ("coingecko", {"plan": "platinum"}, "E021"),
        ("coingecko", {"plan": "demo", "api_key": ""}, "E022"),
        ("coingecko", {"no_such_option": 1}, "E008"),
        ("replay", {"path": ""}, "E023"),
        ("replay", {"path": "/no/such/file.csv"}, "E023"),
        ("simulated", {"interval": 0}, "E024"),
        ("simulated", {"interval": float("nan")}, "E024"),
    ],
)
def test_wrong_options_of_a_feed_are_found(
    settings: Any, alias: str, options: dict[str, Any], expected: str
) -> None:
    settings.MARKET_FEEDS = [alias]
    feed = settings.FEEDS[alias]
    settings.FEEDS = settings.FEEDS | {alias: feed | {"OPTIONS": feed["OPTIONS"] | options}}

    assert expected in ids()


def test_a_feed_whose_module_is_missing_says_so(settings: Any) -> None:
    settings.FEEDS = settings.FEEDS | {"simulated": {"BACKEND": "market.feeds.nowhere.Feed"}}

    (found,) = findings()

    assert found.id == "cryptopulse.E008"
    assert "nowhere" in found.msg


def test_a_password_in_a_url_is_not_repeated(settings: Any) -> None:
    settings.REDIS_URL = "redis://:tops3cret@host:nan/0"

    (found,) = (one for one in findings() if one.id == "cryptopulse.E016")

    assert "tops3cret" not in found.msg + (found.hint or "")


def test_a_folder_that_cannot_be_made_is_found(
    database: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["ENGINE"] = "django.db.backends.sqlite3"
    database["NAME"] = tmp_path / "readonly" / "deep" / "cryptopulse.sqlite3"
    assert "E019" not in ids()

    (tmp_path / "readonly").mkdir()
    denied = tmp_path / "readonly"  # root may write to what chmod closes, so the answer is set
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != denied)

    assert "E019" in ids()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"SITE_URL": "http://cryptopulse.example"}, "W002"),
        ({"SITE_URL": "https://other.example"}, "W003"),
        ({"NOTIFICATION_CHANNELS": {}}, "W005"),
        ({"DEFAULT_FROM_EMAIL": "CryptoPulse <noreply@localhost>"}, "W006"),
        ({"REDIS_URL": "", "CELERY_BROKER_URL": "memory://localhost/"}, "W007"),
        ({"REDIS_URL": "redis://localhost/0"}, "W008"),
        ({"CELERY_BROKER_URL": "memory://localhost/"}, "E020"),
    ],
)
def test_what_a_production_should_not_do_is_found_when_deploying(
    production: Any, change: dict[str, Any], expected: str
) -> None:
    for name, value in change.items():
        setattr(production, name, value)

    assert ids(deploy=True) == {expected}


def test_sqlite_is_for_one_machine(production: Any, database: dict[str, Any]) -> None:
    database |= {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}

    assert ids(deploy=True) == {"W009"}


def test_every_finding_says_how_to_mend_it(settings: Any) -> None:
    settings.SECRET_KEY = settings.SITE_URL = "x"
    settings.ALLOWED_HOSTS = []
    settings.MARKET_FEEDS = ["x", "simulated"]
    settings.START_BALANCE = settings.TRADE_FEE_RATE = Decimal(-1)
    settings.REDIS_URL = settings.SNS_TOPIC_ARN = settings.AWS_ENDPOINT_URL = "x"

    found = findings(deploy=True)

    assert len(found) > 8
    assert all(one.hint and one.msg.endswith((".", "?", "!")) for one in found)


def test_ids_are_not_used_twice() -> None:
    folder = ROOT / "cryptopulse" / "checks"
    text = "".join(file.read_text() for file in folder.glob("*.py"))
    for kind in ("error", "warning"):
        numbers = re.findall(rf"yield {kind}\(\s*(\d+),", text)
        assert len(numbers) == len(set(numbers)) > 5


def test_djangos_own_checks_are_clean_for_a_production_too() -> None:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    production = {
        "READ_DOTENV": "0",
        "SECRET_KEY": "k9" + "abcdefghijklmnopqrstuvwxyz" * 2,
        "ALLOWED_HOSTS": "cryptopulse.example",
        "SITE_URL": "https://cryptopulse.example",
        "REDIS_URL": "redis://redis.internal:6379/0",
        "DATABASE_URL": "postgres://cryptopulse@database.internal/cryptopulse",
        "EMAIL_TRANSPORT": "ses",
        "DEFAULT_FROM_EMAIL": "noreply@cryptopulse.example",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"],
        cwd=ROOT,
        env=inherited | production,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = set(re.findall(r"\((\w+\.[EWC]\d+)\)", done.stderr))
    # W010: nobody need have collected the static files where the tests run.
    assert found <= {"cryptopulse.W001", "cryptopulse.W010"}


def test_a_production_without_its_static_files_is_told_so(production: Any) -> None:
    (production.STATIC_ROOT / "staticfiles.json").unlink()
    assert ids(deploy=True) == {"W010"}
    assert "collectstatic" in str(findings(deploy=True)[0].hint)
    assert ids() == set()


def test_a_production_for_any_host_is_warned(production: Any) -> None:
    production.ALLOWED_HOSTS = ["*"]
    assert ids(deploy=True) == {"W011"}


def test_pulse_does_not_start_without_static_files(production: Any) -> None:
    (production.STATIC_ROOT / "staticfiles.json").unlink()
    with pytest.raises(SystemExit, match=r"cannot start.*collectstatic"):
        pulse.Command()._check_settings()
