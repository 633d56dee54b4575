"""/ws/me/ over a real server: a person's own events, for as long as they may have them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client as HttpClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from accounts import services as accounts
from accounts.models import User
from accounts.roles import Role
from cryptopulse.live import consumers, visitors
from cryptopulse.live.personal import close_personal, send_personal
from cryptopulse.live.protocol import HubProtocol
from cryptopulse.live.routing import websocket_application
from tests.conftest import confirm, make_person

from .conftest import eventually, served
from .test_ticker_socket import close_code, frame

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = {"type": "alert", "id": "1", "title": "Bitcoin", "body": "", "url": "/alerts/", "at": "x"}


@pytest_asyncio.fixture
async def port(transactional_db: None) -> AsyncIterator[int]:
    async with served(websocket_application(), ws=HubProtocol) as port:
        yield port


@sync_to_async
def person(username: str, role: Role = Role.USER) -> User:
    return make_person(username, role)


@sync_to_async
def session_of(user: User) -> str:
    """Log in and return the session's key."""
    browser = HttpClient()
    browser.force_login(user)
    return str(browser.cookies["sessionid"].value)


def me(port: int, session: str | None) -> connect:
    headers = {"Cookie": f"sessionid={session}"} if session else {}
    return connect(
        f"ws://127.0.0.1:{port}/ws/me/",
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        additional_headers=headers,
        proxy=None,
    )


async def settled(browser: ClientConnection, user: User) -> None:
    """Wait until the socket hears what is sent to the person."""
    for _ in range(200):
        await sync_to_async(send_personal, thread_sensitive=False)(user.pk, {"ready": True})
        try:
            await asyncio.wait_for(browser.recv(), 0.05)
        except TimeoutError:
            continue
        return
    raise AssertionError("no event arrived")


async def next_event(browser: ClientConnection) -> dict[str, Any]:
    """Return the next event that is not one of `settled`."""
    while "ready" in (event := await frame(browser)):
        pass
    return event


async def test_an_event_reaches_every_open_page_of_the_person_and_nobody_else(port: int) -> None:
    alice, bob = await person("alice"), await person("bob")
    phone, laptop = await session_of(alice), await session_of(alice)
    async with (
        me(port, phone) as first,
        me(port, laptop) as second,
        me(port, await session_of(bob)) as other,
    ):
        for browser, user in ((first, alice), (second, alice), (other, bob)):
            await settled(browser, user)
        await sync_to_async(send_personal, thread_sensitive=False)(alice.pk, EVENT)

        assert await next_event(first) == EVENT
        assert await next_event(second) == EVENT
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(next_event(other), 0.1)


async def test_an_event_from_the_servers_own_loop_arrives_too(port: int) -> None:
    alice = await person("alice")
    async with me(port, await session_of(alice)) as browser:
        await settled(browser, alice)
        send_personal(alice.pk, EVENT)

        assert await next_event(browser) == EVENT


@pytest.mark.parametrize("session", [None, "", "x" * 32, "../../etc", "ü"])
async def test_without_a_session_it_is_closed_with_4401(port: int, session: str | None) -> None:
    async with me(port, session) as browser:
        assert await close_code(browser) == 4401


async def test_a_session_of_nobody_is_closed_with_4401(port: int) -> None:
    alice = await person("alice")
    session = await session_of(alice)
    await sync_to_async(alice.delete)()

    async with me(port, session) as browser:
        assert await close_code(browser) == 4401


async def test_a_session_from_before_a_new_password_is_closed_with_4401(port: int) -> None:
    alice = await person("alice")
    session = await session_of(alice)
    alice.set_password("another long passphrase")
    await alice.asave()

    async with me(port, session) as browser:
        assert await close_code(browser) == 4401
    assert await sync_to_async(SessionStore(session).exists)(session)  # reading ends no session


async def test_a_session_signed_with_the_previous_secret_key_still_stands(
    port: int, settings: Any
) -> None:
    alice = await person("alice")
    session = await session_of(alice)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key after the rotation " + "y" * 40

    async with me(port, session) as browser:
        await settled(browser, alice)


async def test_a_suspended_person_cannot_connect(port: int) -> None:
    alice = await person("alice")
    session = await session_of(alice)
    alice.is_active = False
    await alice.asave()

    async with me(port, session) as browser:
        assert await close_code(browser) == 4403


async def test_a_person_who_is_suspended_is_out_at_once(port: int) -> None:
    alice, root = await person("alice"), await person("root", Role.ADMIN)
    async with me(port, await session_of(alice)) as browser:
        await settled(browser, alice)
        await sync_to_async(accounts.suspend)(user=alice, by=root, reason="spam")

        assert await close_code(browser) == 4403


async def test_a_person_with_a_new_role_has_to_connect_again(port: int) -> None:
    alice, root = await person("alice"), await person("root", Role.ADMIN)
    async with me(port, await session_of(alice)) as browser:
        await settled(browser, alice)
        await sync_to_async(confirm)(alice)
        await sync_to_async(accounts.change_role)(user=alice, role=Role.ANALYST, by=root)

        assert await close_code(browser) == 4401


async def test_suspending_while_the_page_connects_leaves_no_gap(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suspension comes after the session was looked at and before the group is joined."""
    alice = await person("alice")
    session = await session_of(alice)
    looked_up = visitors.listener_of

    def then_suspend(session_key: str | None) -> Any:
        found = looked_up(session_key)
        User.objects.filter(pk=alice.pk).update(is_active=False)
        return found

    monkeypatch.setattr(consumers, "listener_of", then_suspend)
    async with me(port, session) as browser:
        assert await close_code(browser) == 4403


async def test_logging_out_closes_the_pages_of_that_session_only(port: int) -> None:
    alice = await person("alice")
    phone, laptop = await session_of(alice), await session_of(alice)
    async with me(port, phone) as first, me(port, laptop) as second:
        await settled(first, alice)
        await settled(second, alice)
        await sync_to_async(log_out)(phone, alice)

        assert await close_code(first) == 4401
        await settled(second, alice)


async def test_a_session_that_is_ended_from_another_one_loses_its_pages(port: int) -> None:
    alice = await person("alice")
    phone, laptop = await session_of(alice), await session_of(alice)
    async with me(port, phone) as first, me(port, laptop) as second:
        await settled(first, alice)
        await settled(second, alice)
        await sync_to_async(accounts.end_other_sessions)(user=alice, session_key=laptop)

        assert await close_code(first) == 4401
        await settled(second, alice)


def log_out(session: str, user: User) -> None:
    request = HttpRequest()
    request.session = SessionStore(session)
    request.user = user
    logout(request)


async def test_what_ended_without_a_word_is_noticed(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_EVERY", 0.05)
    alice = await person("alice")
    session = await session_of(alice)
    async with me(port, session) as browser:
        await settled(browser, alice)
        await sync_to_async(SessionStore(session).delete)()

        assert await close_code(browser) == 4401


async def test_a_closed_page_is_forgotten(port: int) -> None:
    alice = await person("alice")
    async with me(port, await session_of(alice)) as browser:
        await settled(browser, alice)
    await eventually(lambda: not visitors.seats._taken)

    send_personal(alice.pk, EVENT)
    close_personal(alice.pk, code=4403)


async def test_an_event_for_somebody_without_an_open_page_is_no_error(port: int) -> None:
    send_personal(uuid.uuid4(), EVENT)


def test_the_mark_of_a_session_does_not_hold_its_key() -> None:
    assert visitors.mark_of_session("abc") == visitors.mark_of_session("abc")
    assert visitors.mark_of_session("abc") != visitors.mark_of_session("abd")


async def test_a_page_at_another_port_of_this_machine_is_refused(port: int) -> None:
    """It gets the person's cookies, so its word is all that tells it from ours."""
    session = await session_of(await person("alice"))
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(
            f"ws://127.0.0.1:{port}/ws/me/",
            origin=f"http://127.0.0.1:{port + 1}",  # type: ignore[arg-type]
            additional_headers={"Cookie": f"sessionid={session}"},
            proxy=None,
        ):
            pass
    assert refusal.value.response.status_code == 403
