"""How tests come in through the front door."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD


def log_in(client: Client, login: str, password: str = PASSWORD, **extra: Any) -> Any:
    """Fill in the log-in form."""
    return client.post(reverse("account_login"), {"login": login, "password": password, **extra})


def is_logged_in(client: Client) -> bool:
    """Ask for a page that only people with an account may see."""
    return client.get(reverse("accounts:security")).status_code == 200
