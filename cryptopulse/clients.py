"""Clients of AWS. boto3 is loaded by whoever first needs it, never by an installation without."""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

CONNECT_TIMEOUT = 3  # seconds
READ_TIMEOUT = 10  # seconds
#: The first try included. Whoever calls has a longer patience of its own (the outbox).
ATTEMPTS = 3

_clients: dict[str, Any] = {}
_lock = Lock()


def aws(service: str) -> Any:
    """Return this process's client of an AWS service ("sns", "sesv2", "s3", ...).

    Clients may be shared between threads; sessions may not, hence one of its own for each.
    Credentials come from where boto3 looks for them: the environment, a profile, the role of the
    machine.
    """
    with _lock:
        if service not in _clients:
            _clients[service] = _connect(service)
        return _clients[service]


def _connect(service: str) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    return Session().client(
        service,
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL or None,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        ),
    )


@receiver(setting_changed)
def forget_clients(*, setting: str, **_: Any) -> None:
    """Let the next call connect anew after a setting it depends on has changed (in tests)."""
    if setting.startswith("AWS_"):
        with _lock:
            _clients.clear()
