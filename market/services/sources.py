"""Which feeds serve this database, and how long anyone waits for one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import connections

from market.feeds import FeedError, StreamFeed, feed

from .origin import SIMULATED, origin

Answer = TypeVar("Answer")


def active_feeds() -> list[str]:
    """Return the aliases of the feeds to ask, best first; streams speak without being asked.

    Those of MARKET_FEEDS; where that is empty, what the kind of this database's prices needs. A
    database without prices asks a real feed: it becomes simulated only by `choose_origin`.
    """
    if settings.MARKET_FEEDS:
        streams = set(stream_feeds())
        return [alias for alias in dict.fromkeys(settings.MARKET_FEEDS) if alias not in streams]
    return ["simulated" if origin() == SIMULATED else "coingecko"]


def stream_feeds() -> list[str]:
    """Return the aliases of the streams that MARKET_FEEDS names, best first.

    One that cannot be made is none; a system check and whoever asks it say why.
    """
    return [alias for alias in dict.fromkeys(settings.MARKET_FEEDS) if _is_stream(alias)]


def _is_stream(alias: str) -> bool:
    try:
        return isinstance(feed(alias), StreamFeed)
    except FeedError:
        return False


def answer_within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` returns, or raise TimeoutError when it takes longer than this.

    It runs in a thread that is left behind when it hangs: looking up a name or reading headers
    byte by byte has no time limit of its own. What it raises is raised here.
    """
    box: queue.Queue[tuple[Answer | None, BaseException | None]] = queue.Queue(maxsize=1)

    def run() -> None:
        try:
            box.put((ask(), None))
        except BaseException as error:  # handed over, not swallowed
            box.put((None, error))
        finally:
            connections.close_all()

    threading.Thread(target=run, name="ask-a-feed", daemon=True).start()
    try:
        answer, error = box.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"No answer within {seconds:g} s.") from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]
