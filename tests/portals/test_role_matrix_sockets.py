"""The role matrix at the websockets' doors."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from accounts.roles import Role
from cryptopulse.live.routing import websocket_application

from .conftest import person_of
from .matrix import MATRIX, ROLES, VISITOR, allowed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

NOT_LOGGED_IN, SUSPENDED = 4401, 4403


@sync_to_async
def session_of(role: str, *, suspended: bool = False) -> SimpleCookie:
    client = Client()
    person = person_of(Role(role))
    client.force_login(person)
    if suspended:
        person.is_active = False
        person.save()
    return client.cookies


async def knock(path: str, cookies: SimpleCookie | None = None) -> int | None:
    """Open a socket, listen for a moment, leave; return the code if it was closed."""
    headers = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
    if cookies:
        headers.append((b"cookie", cookies.output(header="", sep=";").strip().encode()))
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
        "client": ("127.0.0.1", 40000),
    }
    socket = ApplicationCommunicator(websocket_application(), scope)
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(timeout=5))["type"] == "websocket.accept"
    code = None
    while not await socket.receive_nothing(timeout=0.5, interval=0.02):
        message = await socket.receive_output(timeout=1)
        if message["type"] == "websocket.close":
            code = message["code"]
            break
    await socket.send_input({"type": "websocket.disconnect", "code": code or 1000})
    await socket.wait(timeout=5)
    return code


@pytest.mark.parametrize("role", [*ROLES, VISITOR])
async def test_personal_events_are_for_everybody_who_is_logged_in(role: str) -> None:
    cookies = None if role == VISITOR else await session_of(role)
    code = await knock("/ws/me/", cookies)
    assert code == (None if allowed("personal events", role) else NOT_LOGGED_IN)


@pytest.mark.parametrize("role", ROLES)
async def test_a_suspended_person_is_shown_out(role: str) -> None:
    code = await knock("/ws/me/", await session_of(role, suspended=True))
    assert code in {SUSPENDED, NOT_LOGGED_IN}


async def test_a_made_up_session_is_nobodys() -> None:
    code = await knock("/ws/me/", SimpleCookie({"sessionid": "0" * 32}))
    assert code == NOT_LOGGED_IN


async def test_prices_are_for_visitors_too() -> None:
    assert MATRIX["markets and a coin"][1]
    code = await knock("/ws/ticker/")
    assert code is None
