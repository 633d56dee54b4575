"""Settings that cannot be read are one sentence that names the setting."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from cryptopulse.environment import Environment, local_secret_key

ROOT = Path(__file__).resolve().parent.parent
env = Environment()


def run_check(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "READ_DOTENV": "0", "LOCAL_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=base | environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("START_BALANCE", "lots"),
        ("START_BALANCE", "NaN"),
        ("TRADE_FEE_RATE", "1/1000"),
        ("DATABASE_URL", "hello"),
        ("STALE_AFTER_SECONDS", ""),
        ("LOG_LEVEL", "CHATTY"),
        ("LOG_LEVEL", ""),
    ],
)
def test_a_setting_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    result = run_check(tmp_path, SECRET_KEY="x" * 60, **{name: value})

    assert result.returncode == 1
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_secret_key_nothing_starts(tmp_path: Path) -> None:
    result = run_check(tmp_path)

    assert result.returncode == 1
    assert "SECRET_KEY is not set" in result.stderr


def test_the_development_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = local_secret_key(tmp_path / "new")

    assert local_secret_key(tmp_path / "new") == first
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    monkeypatch.setenv("SOME_SECRET_FILE", str(secret))

    assert env.str("SOME_SECRET") == "from the file"


def test_a_dynamodb_url_names_our_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "dynamodb://us-east-1/cryptopulse")

    parsed = env.database("DATABASE_URL", default="")

    assert parsed["ENGINE"] == "cryptopulse.dynamodb"
    assert (parsed["HOST"], parsed["NAME"]) == ("us-east-1", "cryptopulse")


def test_decimals_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "0.1")

    assert env.decimal("RATE", default="0") == Decimal("0.1")


def test_a_decimal_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "Infinity")

    with pytest.raises(ImproperlyConfigured, match="RATE is 'Infinity'"):
        env.decimal("RATE", default="0")


def test_a_log_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")

    assert env.log_level("LOG_LEVEL", default="INFO") == "DEBUG"


def test_the_folder_that_we_make_is_closed_to_others(tmp_path: Path) -> None:
    local_secret_key(tmp_path / "deep" / "new")

    assert stat.S_IMODE((tmp_path / "deep" / "new").stat().st_mode) == 0o700


def test_a_folder_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o750)
    local_secret_key(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
