"""What is read late is left alone by a start, and there when somebody asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
from django.core.checks.registry import registry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cryptopulse.checks.dynamodb import check_dynamodb
from cryptopulse.management.commands.pulse import ABOUT_CODE

pytestmark = pytest.mark.once

#: Code that only the admin, the API, the news or AWS need; each costs a start 30 ms and more.
HEAVY = ("unfold.admin", "ninja", "pydantic", "feedparser", "boto3", "apsw", "django.test")


def python(code: str, folder: Path) -> str:
    """Run code in a process of its own, with the settings of a laptop; return what it prints."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
        "READ_DOTENV": "0",
        "DEBUG": "1",
        "LOCAL_DIR": str(folder),
        "DATABASE_URL": "sqlite:///:memory:",
        "MARKET_FEEDS": "simulated",
    }
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return ended.stdout


def test_a_start_reads_nothing_that_only_the_admin_and_the_api_need(tmp_path: Path) -> None:
    code = (
        "import sys, django; django.setup()\n"
        "import cryptopulse.asgi, cryptopulse.management.commands.pulse\n"
        "from django.urls import reverse\n"
        "assert reverse('portals:landing') == '/'\n"
        "print(*sys.modules)"
    )
    loaded = set(python(code, tmp_path).split())
    assert "cryptopulse.urls" in loaded
    assert not loaded.intersection(HEAVY)


def test_their_names_are_found_by_who_asks_first(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.urls import resolve, reverse\n"
        "print(reverse('admin:market_coin_changelist'), reverse('admin:index'))\n"
        "print(resolve('/api/buy_coin').namespace)\n"
    )
    assert python(code, tmp_path).split() == ["/admin/market/coin/", "/admin/", "api"]


def test_a_check_looks_at_the_admin_of_every_app(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.contrib import admin\n"
        "from django.core.checks import run_checks\n"
        "assert not admin.site._registry\n"
        "run_checks(tags=['admin'])\n"
        "print(len(admin.site._registry))\n"
    )
    assert int(python(code, tmp_path)) > 10


@pytest.mark.django_db
def test_the_admin_is_served(client: Client, root: User) -> None:
    client.force_login(root)
    assert client.get(reverse("admin:index")).status_code == HTTPStatus.OK


def test_a_start_runs_every_check_of_our_settings() -> None:
    ours = [
        check
        for check in registry.get_checks()
        if check.__module__.startswith("cryptopulse.checks")
    ]
    assert len(ours) > 5
    left_out = [check for check in ours if not ABOUT_CODE.isdisjoint(check.tags)]
    assert left_out == [check_dynamodb]  # looks at models; what its options say is another's
