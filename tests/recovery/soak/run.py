"""The soak itself: what happens when."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.market.exchange_server import exchange as loopback

from . import verdicts
from .browsers import Crowd, Listener
from .exchange import PACE, Exchange
from .ledger import Ledger
from .logs import summary, unexpected
from .mailbox import Mailbox
from .production import Production, drop_database, own_database
from .script import FAST, OWNERS, SLOW, SLOW_HOLD, expected_events, price_of, wanted
from .verdicts import Verdict

#: Seconds after the last prices: a worker that dies while it fires many alerts is replaced within.
LONGEST_EVALUATION = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how hard."""

    seconds: float = 600
    clients: int = 500
    churn: float = 20  # connections a second

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
    def feed_ends(self) -> tuple[str, ...]:
        """How the feed ends, in turn. One that is killed leaves a lease of fifteen seconds."""
        return ("stopped", "cut") if self.is_short else ("stopped", "cut", "killed")

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
    def steps(self) -> dict[str, int]:
        """More than there can be."""
        longest = self.seconds + 120
        return {"fast": round(longest / PACE), "slow": round(longest / SLOW_HOLD)}


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

    def holds(self, at: float, lag: float = 0) -> bool:
        """Tell whether there was one at this moment, or so many seconds before."""
        return any(began <= at <= ended + lag for began, ended in self._windows)

    def held(self, at: float) -> bool:
        """Tell the same of a moment of the wall's clock."""
        return self.holds(at - time.time() + time.monotonic())

    def now(self) -> bool:
        return self.holds(time.monotonic())


@dataclass
class Soak:
    """One run."""

    plan: Plan
    production: Production
    mailbox: Mailbox
    exchange: Exchange
    crowd: Crowd
    outages: Outages
    ledger: Ledger
    kills: int = 0
    feeds: int = 0
    weights: dict[str, list[int]] = field(default_factory=dict)

    async def run(self) -> list[Verdict]:
        """Start everything, let it happen, stop it, and compare."""
        began = time.monotonic()
        production = self.production
        cookies = production.fill(**self.plan.steps)
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
        still = await self._stand_still()
        await asyncio.sleep(6)  # the schedule's deliveries
        for task in company:
            task.cancel()
        await self.crowd.close()
        return [still, *await self._compare(listeners)]

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
            self._tell(),
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
            how = self.plan.feed_ends[self.feeds % len(self.plan.feed_ends)]
            self.feeds += 1
            if how == "cut" and self.exchange.current is not None:
                self.exchange.current.cut()
            elif how != "cut":
                await asyncio.to_thread(self.production.end_feed, gently=how == "stopped")
                self.production.start_feed()
            self.crowd.published.forget()

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

    async def _tell(self) -> None:
        """Say once a minute how it goes."""
        for minute in count(1):
            await asyncio.sleep(60)
            print(
                f"{minute} min: {self.exchange.fast} fast and {self.exchange.slow} slow steps, "
                f"{self.mailbox.mails.total()} mails, {await self.ledger.waiting()} rows wait, "
                f"{self.crowd.frames} frames, "
                f"{self.crowd.worst_behind:.2f} s behind at most",
                flush=True,
            )

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self.production.supervise()

    async def _stand_still(self) -> Verdict:
        """Hold the prices and wait until the last ones are evaluated."""
        self.exchange.stands = True
        since, began = datetime.now(tz=UTC), time.monotonic()
        last = {coin: price_of(coin, self.exchange.fast) for coin in FAST}
        last |= {coin: price_of(coin, self.exchange.slow) for coin in SLOW}
        waiting = dict(last)
        while waiting and time.monotonic() - began < LONGEST_EVALUATION:
            await asyncio.sleep(0.2)
            for coin_id, price in list(waiting.items()):
                if await self.exchange.is_settled(coin_id, price, since):
                    del waiting[coin_id]
        return Verdict(
            what="the last prices are evaluated",
            figure=f"{time.monotonic() - began:.1f} s, but for {', '.join(waiting) or 'none'}",
            holds=not waiting,
        )

    async def _compare(self, listeners: list[Listener]) -> list[Verdict]:
        production, alerts = self.production, wanted(**self.plan.steps)
        steps = {"fast": self.exchange.fast, "slow": self.exchange.slow}
        codes = await asyncio.to_thread(production.stop)
        report: dict[str, Any] = await asyncio.to_thread(production.read)
        strange = unexpected(production.everything, is_outage=self.outages.holds)
        for line in summary(strange):
            print(f"unexpected: {line}")
        return [
            *verdicts.memory(self.weights),
            *verdicts.rows(report, alerts, **steps),
            *verdicts.mails(self.mailbox, expected_events(alerts, **steps), kills=self.kills),
            *verdicts.crowd(self.crowd),
            verdicts.pushes(report, listeners, is_outage=self.outages.held),
            verdicts.restarts(production.restarts, is_outage=self.outages.holds),
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
    mailbox, outages = Mailbox(), Outages()
    await mailbox.start()
    with tempfile.TemporaryDirectory(prefix="cryptopulse-soak-") as folder:
        url = own_database(Path(folder))
        print(f"database: {url.partition(':')[0]}", flush=True)
        crowd = Crowd(is_outage=outages.now)
        ledger = Ledger(url)
        exchange = Exchange(published=crowd.published.add, is_settled=ledger.is_settled)
        async with loopback(exchange.meet) as server:
            production = Production(Path(folder), url, mailbox.port, server.url)
            try:
                return await Soak(plan, production, mailbox, exchange, crowd, outages, ledger).run()
            finally:
                production.kill()
                drop_database(url)
                await mailbox.stop()
