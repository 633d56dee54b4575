"""Which lines may appear in the product's logs, and why. Any other fails the soak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .production import Recorded

#: A line that belongs to the entry before it: indented, or a part of a traceback.
_GOES_ON = re.compile(
    r"\s|Traceback |During handling of |The above exception |[\w.]*(Error|Exception|Exit)\b"
)


#: Tells whether there was an outage at a moment, or so many seconds before.
IsOutage = Callable[[float, float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a line may say, in whose log, for which reason; perhaps only during an outage."""

    who: str
    says: str
    reason: str
    outage: bool = False
    #: Seconds after an outage for which it may still be said.
    lag: float = 0


#: What the libraries call a Redis that is away.
_AWAY = (
    r"(Error 111 connecting|Connection closed by server|Connection reset by peer|ConnectionError)"
)

EXPECTED = (
    Expected(who="feed", says=r"^Streaming prices from coinbase", reason="it has started"),
    Expected(who="filling", says=r'^\{"alice"', reason="people's cookies, for us"),
    Expected(who="reading", says=r'^\{"waiting"', reason="what the database holds, for us"),
    Expected(
        who="",
        says=r"celery/platforms.py:\d+: SecurityWarning: You're running the worker with superuser",
        reason="in a container one often is",
    ),
    Expected(
        who="",
        says=r"^(absolutely not recommended|Please specify a different user|User information)",
        reason="the rest of it",
    ),
    Expected(
        who="worker",
        says=r"^worker: Warm shutdown",
        reason="the end that was asked for",
    ),
    Expected(
        who="feed",
        says=r"market.services.listening: prices stream from coinbase: \d+ of \d+ coins",
        reason="the stream has begun, at the start and after each end of it",
    ),
    Expected(
        who="worker",
        says=r"CoinGecko could not be reached; is this machine online",
        reason="the feed that is asked beside the stream is not there",
    ),
    Expected(
        who="",
        says=r"alerts.services.evaluation: ripple has crossed more than \d+ alerts: a worker",
        reason="a cliff",
    ),
    Expected(
        who="feed",
        says=r"market.services.listening: feed coinbase: The connection to Coinbase broke off",
        reason="the exchange cuts the line now and then",
    ),
    Expected(
        who="feed",
        says=r"market.budget: feed coinbase delivers again after \d+ failures",
        reason="and takes us back",
    ),
    Expected(
        who="feed",
        says=r"market.services.streaming: another process runs the streams; this one waits",
        reason="one that was killed has left its lease",
    ),
    # --- While Redis is away, and a moment longer --------------------------------------------
    Expected(
        who="web",
        says=rf"channels_redis.pubsub: Unexpected exception in receive task(.|\n)*{_AWAY}",
        reason="the channel layer's library, once a second until it is connected again",
        outage=True,
    ),
    Expected(
        who="web",
        says=r"cryptopulse.live.transport: (no ticks from Redis, trying again|Redis answers again)",
        reason="the hub, once when it goes and once when it is back",
        outage=True,
    ),
    Expected(
        who="web",
        says=r"cryptopulse.live.consumers: sockets are not limited now",
        reason="connections are counted in Redis",
        outage=True,
    ),
    Expected(
        who="feed",
        says=r"cryptopulse.live.transport: a tick did not reach Redis",
        reason="browsers get the next one, or what is stored",
        outage=True,
    ),
    Expected(
        who="",
        says=r"alerts.services.outbox: no broker \(.*the beat will run",
        reason="a hint to a worker that nobody took",
        outage=True,
    ),
    Expected(
        who="",
        says=rf"(alerts.services.underway: no cache|alerts.channels.in_app: no push) .*{_AWAY}",
        reason="hints and pushes are lost, rows are not",
        outage=True,
    ),
    Expected(
        who="worker",
        says=rf"alerts.services.operations: how [\w.]+ ended could not be noted(.|\n)*{_AWAY}",
        reason="how jobs do is counted in Redis",
        outage=True,
    ),
    Expected(
        who="worker",
        says=rf"cryptopulse.portals.workers: a worker could not say that it is here: .*{_AWAY}",
        reason="the list of workers is in Redis",
        outage=True,
    ),
    Expected(
        who="worker",
        says=rf"celery.worker.request: Couldn't ack .*{_AWAY}",
        reason="a task that ended while its broker was away; tasks may run twice",
        outage=True,
    ),
    Expected(
        who="worker",
        says=r"celery.worker.consumer.consumer: consumer: (Connection to broker|Cannot connect)",
        reason="Celery connects again",
        outage=True,
    ),
    Expected(who="worker", says=r"^Trying again in", reason="the rest of it", outage=True),
    Expected(
        who="worker",
        says=(
            r"celery.worker: Unrecoverable error: AttributeError\(\"'NoneType' object has no"
            r"|celery.bootsteps: Error on (stopping|restarting) (Hub|Gossip): AttributeError"
        ),
        reason="Celery's worker may end when its broker goes, as the README says; it is restarted",
        outage=True,
        lag=60,  # it first waits for the tasks that it has
    ),
    Expected(
        who="worker",
        says=r"py.warnings: .*CPendingDeprecationWarning",
        reason="Celery says at each loss of its broker that its next version has another default",
        outage=True,
    ),
    Expected(
        who="worker",
        says=(
            r"^(In Celery 5.1 we introduced|on connection loss cancels|These tasks cannot be"
            r"|back to the queue|setting. In Celery)"
        ),
        reason="the rest of it",
        outage=True,
    ),
    Expected(
        who="beat",
        says=rf"celery.beat: Message Error: Couldn't apply scheduled task .*{_AWAY}",
        reason="what is due runs with the next beat",
        outage=True,
    ),
    Expected(
        who="beat",
        says=r"^\[('  File |'Traceback)",
        reason="the rest of it: a traceback",
        outage=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    who: str
    at: float
    text: str


def entries(process: Recorded) -> Iterable[Entry]:
    """Put lines together into what was logged at once."""
    text, at = "", 0.0
    for moment, line in process.stamped:
        if text and _GOES_ON.match(line):
            text += line
            continue
        if text:
            yield Entry(who=process.name, at=at, text=text)
        text, at = line, moment
    if text:
        yield Entry(who=process.name, at=at, text=text)


def unexpected(processes: Iterable[Recorded], *, is_outage: IsOutage) -> list[Entry]:
    """Return what nobody has foreseen."""
    return [
        entry
        for process in processes
        for entry in entries(process)
        if not any(_fits(expected, entry, is_outage) for expected in EXPECTED)
    ]


def _fits(expected: Expected, entry: Entry, is_outage: IsOutage) -> bool:
    return (
        entry.who.startswith(expected.who)
        and (not expected.outage or is_outage(entry.at, expected.lag))
        and re.search(expected.says, entry.text) is not None
    )


def summary(found: Iterable[Entry]) -> list[str]:
    """Return what was said how often, times and numbers left out, with its last line."""
    alike: Counter[tuple[str, str]] = Counter()
    samples: dict[tuple[str, str], str] = {}
    for entry in found:
        first, *rest = entry.text.strip().splitlines()
        key = entry.who, re.sub(r"\d+", "0", first)
        alike[key] += 1
        samples.setdefault(key, " ... ".join([first, *rest[-1:]]))
    return [f"{times} x {who}: {samples[who, text]}" for (who, text), times in alike.items()]
