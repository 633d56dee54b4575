"""Whose pages may open a person's own websocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from cryptopulse.live.origins import OwnPages, is_own_page


def own(origin: str, *, host: str = "localhost:8000", is_secure: bool = False) -> bool:
    return is_own_page(origin, host=host, is_secure=is_secure)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.SITE_URL = "https://cryptopulse.example"
    settings.CSRF_TRUSTED_ORIGINS = []


def test_a_page_of_the_address_that_was_asked_is_ours() -> None:
    assert own("http://localhost:8000")
    assert own("http://LOCALHOST:8000")
    assert own("http://shop.example:80", host="shop.example")
    assert own("https://shop.example", host="shop.example:443", is_secure=True)
    assert own("http://[::1]:8000", host="[::1]:8000")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:9000", "http://localhost", "https://localhost:8000",
        "http://127.0.0.1:8000", "http://evil.example", "http://localhost:8000.evil.example",
        "null", "", "http://", "http://localhost:99999", "localhost:8000", "http://[",
    ],
)  # fmt: skip
def test_a_neighbour_at_another_port_scheme_or_host_is_not(origin: str) -> None:
    assert not own(origin)


def test_the_sites_own_address_counts_behind_a_proxy_that_ends_tls() -> None:
    assert own("https://cryptopulse.example", host="cryptopulse.example")
    assert own("https://cryptopulse.example:443", host="10.0.0.7:8000")
    assert not own("https://cryptopulse.example:8443", host="10.0.0.7:8000")


def test_trusted_origins_are_read_as_for_forms(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org", "http://pages.example:8080"]
    assert own("https://www.example.org")
    assert own("http://pages.example:8080")
    assert not own("http://www.example.org")
    assert not own("https://www.example.org:8443")
    assert not own("https://wwwexample.org")
    assert not own("http://pages.example")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proxies", "proto", "is_let_in"),
    [(1, "https", True), (1, "http", False), (0, "https", False), (1, "", False)],
)
async def test_a_proxy_is_believed_about_tls_only_where_one_is_ours(
    settings: Any, proxies: int, proto: str, is_let_in: bool
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert await let_in("https://inside.example", proto=proto) is is_let_in


@pytest.mark.django_db
async def test_two_origins_are_none() -> None:
    assert await let_in("http://inside.example")
    assert not await let_in("http://inside.example", "http://inside.example")


async def let_in(*origins: str, proto: str = "") -> bool:
    """Ask as inside.example, and tell whether it was accepted."""

    async def accepting(scope: Any, receive: Callable[[], Any], send: Callable[..., Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    headers = [(b"host", b"inside.example"), *((b"origin", each.encode()) for each in origins)]
    if proto:
        headers.append((b"x-forwarded-proto", proto.encode()))
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws/me/", "headers": headers}
    browser = ApplicationCommunicator(OwnPages(accepting), scope)
    await browser.send_input({"type": "websocket.connect"})
    answer = await browser.receive_output()
    return bool(answer["type"] == "websocket.accept")
