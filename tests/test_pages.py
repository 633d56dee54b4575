"""How pages share the threads of a process (`cryptopulse.pages`)."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils.translation import get_language

from cryptopulse.csv_export import csv_response
from cryptopulse.pages import PageHandler

pytestmark = pytest.mark.once

worked: list[str] = []
gate = threading.Event()


def told(request: HttpRequest) -> HttpResponse:
    """Say which thread this is, and what was sent."""
    return HttpResponse(f"{threading.current_thread().name} {request.body.decode()}")


def slow(request: HttpRequest) -> HttpResponse:
    worked.append(request.GET["who"])
    gate.wait(5)
    return HttpResponse("at last")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("this view is broken")


def table(request: HttpRequest) -> HttpResponseBase:
    def rows() -> Iterator[list[int]]:
        for number in range(1000):
            worked.append(str(number))
            yield [number]

    return csv_response("numbers.csv", ["number"], rows())


async def language(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"{get_language()} {threading.current_thread().name}")


urlpatterns = [
    path("told/", told),
    path("slow/", slow),
    path("broken/", broken),
    path("table/", table),
    path("language/", language),
]

Ask = Callable[..., Awaitable[ApplicationCommunicator]]


@pytest.fixture
async def ask(settings: Any) -> AsyncIterator[Ask]:
    """Return what sends a request to a handler with a single thread."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SECURE_SSL_REDIRECT = False
    settings.PAGE_THREADS = 1
    handler = PageHandler()
    worked.clear()
    gate.clear()

    async def send(where: str, *, body: bytes = b"", **headers: str) -> ApplicationCommunicator:
        page, _, query = where.partition("?")
        scope = {
            "type": "http", "method": "POST" if body else "GET", "path": page,
            "query_string": query.encode(), "http_version": "1.1",
            "headers": [
                (b"host", b"localhost"),
                *((name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()),
            ],
        }  # fmt: skip
        asked = ApplicationCommunicator(handler, scope)
        await asked.send_input({"type": "http.request", "body": body})
        return asked

    yield send
    gate.set()


async def answer(asked: ApplicationCommunicator) -> tuple[int, bytes]:
    """Return status and body, once all of it is there."""
    start = await asked.receive_output(5)
    parts = b""
    while True:
        part = await asked.receive_output(5)
        parts += part.get("body", b"")
        if not part.get("more_body", False):
            await asked.wait(5)
            return start["status"], parts


async def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_page_is_made_in_a_thread_that_stays(ask: Ask) -> None:
    first = await answer(await ask("/told/"))
    second = await answer(await ask("/told/"))

    assert first == second == (200, b"page_0 ")


async def test_what_was_sent_is_there_to_be_read(ask: Ask) -> None:
    # A form without the CSRF token is refused by the middleware, which runs here too.
    assert (await answer(await ask("/told/", body=b"some words")))[0] == 403


async def test_who_finds_no_free_thread_waits_in_line(ask: Ask) -> None:
    alice, bob = await ask("/slow/?who=alice"), await ask("/slow/?who=bob")
    await until(lambda: worked == ["alice"])
    await asyncio.sleep(0.05)
    assert worked == ["alice"]

    gate.set()

    assert await answer(alice) == (200, b"at last")
    assert await answer(bob) == (200, b"at last")
    assert worked == ["alice", "bob"]


async def test_nothing_is_done_for_who_has_left_the_line(ask: Ask) -> None:
    alice, bob = await ask("/slow/?who=alice"), await ask("/slow/?who=bob")
    await until(lambda: worked == ["alice"])
    await bob.send_input({"type": "http.disconnect"})
    await bob.wait(5)

    gate.set()

    assert await answer(alice) == (200, b"at last")
    assert await answer(await ask("/told/")) == (200, b"page_0 ")
    assert worked == ["alice"]


async def test_a_table_is_not_read_to_its_end_for_who_has_left(ask: Ask) -> None:
    asked = await ask("/table/")
    await asked.receive_output(5)
    await asked.receive_output(5)
    await asked.send_input({"type": "http.disconnect"})
    await asked.wait(5)
    assert len(worked) < 1000

    status, body = await answer(await ask("/table/"))

    assert (status, len(body.splitlines())) == (200, 1001)


async def test_a_broken_view_is_a_page_that_says_so(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, "django.request"):
        status, _body = await answer(await ask("/broken/"))

    assert status == 500
    assert (await answer(await ask("/told/")))[0] == 200


async def test_one_persons_language_is_not_the_next_ones(ask: Ask) -> None:
    german = await answer(await ask("/language/", accept_language="de"))
    unknown = await answer(await ask("/language/"))

    assert german[1].startswith(b"de ")
    assert unknown[1].startswith(b"en ")


async def test_files_are_served_on_the_loop(settings: Any) -> None:
    from cryptopulse import asgi  # sets the whole application up

    settings.SERVESTATIC_USE_FINDERS = settings.SERVESTATIC_AUTOREFRESH = True
    where = {"type": "http", "method": "GET", "headers": [], "path": "/static/js/live.js"}
    asked = ApplicationCommunicator(ASGIHandler(), where)
    await asked.send_input({"type": "http.request"})

    assert type(asgi._files) is ASGIHandler
    assert (await answer(asked))[0] == 200


def test_pages_are_made_without_the_middleware_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("cryptopulse.middleware.ServeStaticMiddleware", made.append)

    PageHandler()

    assert made == []
