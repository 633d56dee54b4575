"""The soak itself: what happens when."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import verdicts
from .browsers import Crowd, Listener
from .logs import summary, unexpected
from .mailbox import Mailbox
from .production import Production, drop_database, own_database
from .script import OWNERS, expected_events, wanted
from .verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how hard."""

    seconds: float = 600
    clients: int = 500
    churn: float = 20  # connections a second
    pace: float = 0.5  # seconds for each step of the script

    @property
    def is_short(self) -> bool:
        return self.seconds < 120

    @property
    def kill_every(self) -> float:
        return 9 if self.is_short else 30

    @property
    def feed_every(self) -> float:
        return 11 if self.is_short else 60

    @property
    def redis_at(self) -> tuple[float, float]:
        return self.seconds * 0.3, self.seconds * 0.7

    @property
    def redis_away(self) -> float:
        return 1 if self.is_short else 3

    @property
    def warm_up(self) -> float:
        return self.seconds / 3 if self.is_short else 60

    @property
    def steps(self) -> int:
        """More than there can be."""
        return round(self.seconds / self.pace) + 100


class Outages:
    """When Redis was away, with the time that the product takes to come back.

    It tries again after pauses that double, so the last one may be twice as long as the outage.
    """

    def __init__(self) -> None:
        self._windows: list[tuple[float, float]] = []

    def begin(self) -> None:
        self._windows.append((time.monotonic(), float("inf")))

    def end(self) -> None:
        began, _ = self._windows[-1]
        away = time.monotonic() - began
        self._windows[-1] = (began, time.monotonic() + 2 * away + 1)

    def holds(self, at: float) -> bool:
        return any(began <= at <= ended for began, ended in self._windows)

    def now(self) -> bool:
        return self.holds(time.monotonic())


@dataclass
class Soak:
    """One run."""

    plan: Plan
    production: Production
    mailbox: Mailbox
    outages: Outages = field(default_factory=Outages)
    step: int = 0  # the last one that the feed has stored
    kills: int = 0
    feeds: int = 0
    weights: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.production.heard = self._hear
        self._loop = asyncio.get_running_loop()

    def _hear(self, line: str) -> None:
        """Take what the feed says, in the thread that reads it."""
        if line.startswith("stored "):
            _, step, moment = line.split()
            self._loop.call_soon_threadsafe(self._stored, int(step), int(moment))

    def _stored(self, step: int, moment: int) -> None:
        self.step = step
        self.crowd.published.add(moment)

    async def run(self) -> list[Verdict]:
        """Start everything, let it happen, stop it, and compare."""
        began = time.monotonic()
        production = self.production
        cookies = production.fill(self.plan.steps)
        self.crowd = Crowd(production.ports, is_outage=self.outages.now)
        # Not in a thread: what is started here ends with the thread that started it.
        production.start()
        self.crowd.ports = production.ports
        listeners = [
            Listener(production.ports[place % 2], cookies[name])
            for place, name in enumerate(OWNERS)
        ]
        company = [asyncio.create_task(listener.run()) for listener in listeners]
        await self.crowd.fill(self.plan.clients)
        print(f"started in {time.monotonic() - began:.1f} s", flush=True)
        await self._happen()
        for task in company:
            task.cancel()
        return await self._compare(listeners)

    async def _happen(self) -> None:
        """Let the time pass, with everything that happens in it."""
        plan = self.plan
        jobs: list[Coroutine[Any, Any, None]] = [
            self.crowd.churn(plan.churn),
            self.crowd.watch(),
            self._kill_workers(),
            self._restart_feed(),
            self._restart_redis(),
            self._weigh(),
            self._supervise(),
        ]
        tasks = [asyncio.create_task(job) for job in jobs]
        done, _ = await asyncio.wait(
            tasks, timeout=plan.seconds, return_when=asyncio.FIRST_EXCEPTION
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _kill_workers(self) -> None:
        while True:
            await asyncio.sleep(self.plan.kill_every)
            self.production.kill_worker(self.kills % 2)
            self.kills += 1

    async def _restart_feed(self) -> None:
        while True:
            await asyncio.sleep(self.plan.feed_every)
            gently = self.feeds % 2 == 0
            await asyncio.to_thread(self.production.end_feed, gently=gently)
            await asyncio.sleep(0.1)  # what it said last is being read
            self.production.start_feed(step=self.step + 1)
            self.feeds += 1

    async def _restart_redis(self) -> None:
        passed = 0.0
        for moment in self.plan.redis_at:
            await asyncio.sleep(moment - passed)
            self.outages.begin()
            self.production.redis.stop()
            await asyncio.sleep(self.plan.redis_away)
            self.production.redis.start()
            self.outages.end()
            passed = moment + self.plan.redis_away
        await asyncio.Event().wait()

    async def _weigh(self) -> None:
        await asyncio.sleep(self.plan.warm_up)
        while True:
            for process in [*self.production.webs, self.production.beat]:
                self.weights.setdefault(process.name, []).append(process.rss())
            await asyncio.sleep(max(0.5, self.plan.seconds / 200))

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self.production.supervise()

    async def _compare(self, listeners: list[Listener]) -> list[Verdict]:
        production = self.production
        await asyncio.to_thread(production.end_feed, gently=True)
        await asyncio.sleep(0.5)
        await self.crowd.close()
        alerts = wanted(self.plan.steps)
        await asyncio.sleep(6)  # the schedule's deliveries
        codes = await asyncio.to_thread(production.stop)
        report: dict[str, Any] = await asyncio.to_thread(production.read)
        strange = unexpected(production.everything, is_outage=self.outages.holds)
        for line in summary(strange):
            print(f"unexpected: {line}")
        return [
            *verdicts.memory(self.weights),
            *verdicts.rows(report, alerts, self.step),
            *verdicts.mails(self.mailbox, expected_events(alerts, self.step), kills=self.kills),
            *verdicts.crowd(self.crowd),
            verdicts.pushes(listeners),
            Verdict(
                what="everything ends when asked to",
                figure=", ".join(f"{name} {code}" for name, code in codes.items()),
                # uvicorn hands the signal that it has obeyed on to its own process.
                holds=all(
                    code == 0 or (name.startswith("web") and code == -signal.SIGTERM)
                    for name, code in codes.items()
                ),
            ),
            Verdict(
                what="nothing in the logs but what happened",
                figure=f"{len(strange)} unexpected entries",
                holds=not strange,
            ),
        ]


async def soak(plan: Plan) -> list[Verdict]:
    """Run it in a folder and a database of its own; nothing stays behind."""
    mailbox = Mailbox()
    await mailbox.start()
    with tempfile.TemporaryDirectory(prefix="cryptopulse-soak-") as folder:
        url = own_database(Path(folder))
        print(f"database: {url.partition(':')[0]}", flush=True)
        production = Production(Path(folder), url, mailbox.port, plan.pace)
        try:
            return await Soak(plan, production, mailbox).run()
        finally:
            production.kill()
            drop_database(url)
            await mailbox.stop()
