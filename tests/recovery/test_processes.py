"""Many processes: two webs, a worker and a beat, with a Redis between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from .parts import BEAT, WEB, WORKER, Redis, eventually, is_alive
from .product import Person, Process, environment, free_port, listen, receive_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    redis = Redis(tmp_path)
    redis.start()
    yield redis
    redis.stop()


class Installation:
    """The processes of a small production."""

    def __init__(self, folder: Path, redis: Redis, processes: list[Process]) -> None:
        self._env = environment(folder, REDIS_URL=redis.url)
        self._processes = processes
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.shell("from market import services as m; m.seed_demo_coins()")
        self.ports = [free_port(), free_port()]
        self.webs = [self._start([*WEB, str(port)]) for port in self.ports]
        self.worker = self._start(WORKER)
        self.beat = self._start(BEAT)
        for port in self.ports:
            eventually(lambda port=port: is_alive(port))  # type: ignore[misc]

    def _start(self, arguments: list[str]) -> Process:
        process = Process(arguments, self._env)
        self._processes.append(process)
        return process

    def supervise(self) -> None:
        """Start what ended by itself again, as systemd does: Celery may not survive its broker."""
        if self.worker.has_ended:
            self.worker = self._start(WORKER)
        if self.beat.has_ended:
            self.beat = self._start(BEAT)

    def run(self, *arguments: str) -> str:
        process = self._start(list(arguments))
        assert process.end(seconds=60) == 0, process.output
        return process.output

    def shell(self, code: str) -> str:
        """Run code in yet another process of the product."""
        return self.run("manage.py", "shell", "--no-imports", "-c", code)


@pytest.fixture
def installation(tmp_path: Path, redis: Redis, processes: list[Process]) -> Installation:
    return Installation(tmp_path, redis, processes)


def close_code(browser: ClientConnection) -> int | None:
    """Read until the server closes and return its code."""
    try:
        while True:
            browser.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def newest(frame: dict[str, Any]) -> int:
    return max((coin["at"] for coin in frame.get("coins", [])), default=0)


def test_a_tick_that_the_worker_fetched_reaches_browsers_of_every_web_process(
    installation: Installation,
) -> None:
    first, second = (listen(port, "/ws/ticker/") for port in installation.ports)
    with first, second:
        one = receive_until(first, lambda frame: frame["type"] == "tick", seconds=60)
        two = receive_until(second, lambda frame: newest(frame) >= newest(one))

    assert {coin["id"] for coin in one["coins"]} == {coin["id"] for coin in two["coins"]}
    assert (
        requests.get(f"http://127.0.0.1:{installation.ports[0]}/readyz", timeout=5).json()["broker"]
        == "ok"
    )


def test_a_suspended_person_is_out_on_every_web_process(installation: Installation) -> None:
    carla = Person(installation.ports[0], "carla")
    carla.sign_up()
    first = carla.listen("/ws/me/")
    carla.move_to(installation.ports[1])
    second = carla.listen("/ws/me/")
    with first, second:
        tell(installation, "carla")
        for browser in (first, second):
            assert receive_until(browser, lambda event: event["type"] == "notification")

        installation.shell(
            "from accounts import services as a; from accounts.models import User; "
            "root = a.create_admin(username='boss', email='boss@example.com', "
            "password='correct horse battery staple'); "
            "a.suspend(user=User.objects.get(username='carla'), by=root, reason='spam')"
        )

        assert close_code(first) == 4403
        assert close_code(second) == 4403
    assert carla.get("/portfolio/").url.endswith("/accounts/login/?next=/portfolio/")


def tell(installation: Installation, username: str) -> None:
    """Send a personal event from another process."""
    installation.shell(
        "from accounts.models import User; from cryptopulse.live.personal import send_personal; "
        f"send_personal(User.objects.get(username='{username}').pk, "
        "{'type': 'notification', 'id': '1'})"
    )


def test_ticks_and_events_go_on_after_redis_was_away(
    installation: Installation, redis: Redis
) -> None:
    dora = Person(installation.ports[0], "doris")
    dora.sign_up()
    with listen(installation.ports[0], "/ws/ticker/") as ticker, dora.listen("/ws/me/") as me:
        before = receive_until(ticker, lambda frame: frame["type"] == "tick", seconds=60)
        redis.stop()
        ready = requests.get(f"http://127.0.0.1:{installation.ports[0]}/readyz", timeout=20)
        assert (ready.status_code, ready.json()["broker"]) == (503, "does not answer")
        assert is_alive(installation.ports[0])
        time.sleep(3)
        redis.start()

        wait_for_news(installation, ticker, after=newest(before))
        for _ in range(10):
            tell(installation, "doris")
            try:
                event = receive_until(me, lambda event: True, seconds=3)
            except TimeoutError:
                continue
            assert event["type"] == "notification"
            break
        else:
            pytest.fail("no personal event arrived after the outage")


def wait_for_news(installation: Installation, ticker: ClientConnection, *, after: int) -> None:
    for _ in range(30):
        installation.supervise()
        try:
            receive_until(ticker, lambda frame: newest(frame) > after, seconds=3)
        except TimeoutError:
            continue
        return
    pytest.fail("no tick arrived after the outage")
