"""Which address a request comes from, and what a client can make us believe."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Activity, User
from accounts.services import client_address
from tests.accounts.logging_in import log_in

PEER = "192.0.2.1"


def request(forwarded: str | None = None, peer: str = PEER) -> Any:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory(REMOTE_ADDR=peer).get("/", headers=headers)


def scope(*forwarded: str, peer: str = PEER) -> dict[str, Any]:
    headers = [(b"X-Forwarded-For", value.encode()) for value in forwarded]
    return {"type": "websocket", "headers": headers, "client": (peer, 4711)}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, PEER),
        (0, "203.0.113.7", PEER),  # without proxies of ours nobody forwards anything
        (1, None, PEER),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the left part is the client's own claim
        (1, "6.6.6.6,7.7.7.7,8.8.8.8,203.0.113.7", "203.0.113.7"),
        (2, "203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", PEER),  # did not come through both
        (3, "6.6.6.6, 10.0.0.1", PEER),
        (1, "", PEER),
        (1, "nonsense", PEER),
        (1, "203.0.113.7,", PEER),
        (1, "6.6.6.6, <script>", PEER),
        (1, "203.0.113.7:51234", "203.0.113.7"),
        (1, "[2001:db8::7]:443", "2001:db8::7"),
        (1, "2001:DB8::7", "2001:db8::7"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(
    settings: Settings, proxies: int, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert client_address(request(forwarded)) == expected
    headers = [] if forwarded is None else [forwarded]
    assert client_address(scope(*headers)) == expected


def test_a_header_that_is_sent_twice_is_read_as_one(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert client_address(scope("6.6.6.6", "203.0.113.7")) == "203.0.113.7"


@pytest.mark.parametrize("peer", ["", "unix:/run/app.sock"])
def test_a_connection_without_an_address_has_none(peer: str) -> None:
    assert client_address(request(peer=peer)) is None
    assert client_address({"type": "http", "headers": [], "client": None}) is None


@given(claim=st.text(st.characters(codec="latin-1")))
def test_no_claim_changes_what_the_proxy_wrote(claim: str) -> None:
    from django.test import override_settings

    with override_settings(TRUSTED_PROXY_COUNT=1):
        assert client_address(request(f"{claim},203.0.113.7")) == "203.0.113.7"


@pytest.mark.django_db
def test_log_ins_behind_a_proxy_are_recorded_with_the_clients_address(
    alice: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    log_in(Client(headers={"x-forwarded-for": "6.6.6.6, 203.0.113.7"}), "alice")
    assert Activity.objects.get(kind="logged_in").address == "203.0.113.7"


@pytest.mark.django_db
def test_a_header_that_is_too_short_is_no_server_error(alice: User, settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 3
    client = Client(headers={"x-forwarded-for": "x"})
    assert log_in(client, "alice").status_code == 302
    assert client.get(reverse("account_login")).status_code == 302
