"""Calls CoinGecko over HTTP: counted, bounded in time and size, retried where that helps."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import requests
import urllib3

from market import budget
from market.feeds.base import FeedError
from market.feeds.figures import LONGEST_RETRY_AFTER

from .answers import Answer, RetryableError, read
from .plans import Access

logger = logging.getLogger(__name__)

#: A missing or made-up user agent is answered with 403.
USER_AGENT = "CryptoPulse/0.1 (python-requests; virtual trading, self-hosted)"
CONNECT_TIMEOUT = 3.05  # seconds; just over TCP's first retransmission
ANSWER_TIMEOUT = 15.0  # seconds from asking to the last byte
LARGEST_ANSWER = 20_000_000  # bytes; 250 coins with a week of sparkline are about 1.2 million
LONGEST_PAUSE = timedelta(seconds=5)  # what a retry may wait in place; longer is the scheduler's
FIRST_PAUSE = 0.5  # seconds; doubles with each attempt, with jitter


class Client:
    """One configured way to CoinGecko. May be used from several threads."""

    def __init__(
        self,
        *,
        name: str,
        access: Access,
        attempts: int,
        deadline: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.access = access
        self._attempts = attempts
        self._deadline = deadline
        self._sleep = sleep
        self._threads = threading.local()  # requests does not promise thread-safe sessions

    def get(self, path: str, params: Mapping[str, str] | None = None, *, now: datetime) -> Any:
        """Return the JSON that CoinGecko answers with. Each attempt is one call of the budget.

        Raises FeedError; nothing is sent while the circuit is open or the budget is spent.
        """
        self.access.check()
        # A source that is down is probed once a turn: a long outage, or a laptop without a
        # network, must not use up the month's calls.
        is_down = budget.failures_in_a_row(name=self.name, now=now) > 0
        attempts = 1 if is_down else self._attempts
        began = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                return self._once(path, params or {}, now=now, ends=began + self._deadline)
            except RetryableError as error:
                pause = _pause_before_next(error, attempt)
                is_over = time.monotonic() - began + pause.total_seconds() >= self._deadline
                if attempt == attempts or pause > LONGEST_PAUSE or is_over:
                    raise
                logger.info("%s %s: %s Attempt %d failed.", self.name, path, error, attempt)
            self._sleep(pause.total_seconds())
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, path: str, params: Mapping[str, str], *, now: datetime, ends: float) -> Any:
        plan = self.access.plan
        budget.take_turn(name=self.name, per_minute=plan.per_minute, now=now)
        budget.spend_call(name=self.name, monthly=plan.monthly, now=now)
        answer = self._fetch(path, params, ends=min(ends, time.monotonic() + ANSWER_TIMEOUT))
        try:
            return read(answer, plan=plan, now=now)
        except FeedError as error:
            if error.retry_after and error.retry_after > LONGEST_PAUSE:
                budget.pause(name=self.name, until=now + error.retry_after)
            raise

    def _fetch(self, path: str, params: Mapping[str, str], *, ends: float) -> Answer:
        left = max(0.1, ends - time.monotonic())
        try:
            with self._session().get(
                self.access.root + path,
                params=params,
                timeout=(min(CONNECT_TIMEOUT, left), left),
                allow_redirects=False,  # a redirect would carry the key to wherever it points
                stream=True,
            ) as response:
                return Answer(
                    status=response.status_code,
                    content_type=response.headers.get("Content-Type", ""),
                    retry_after=response.headers.get("Retry-After"),
                    body=_body(response, ends=ends),
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _unreachable(error) from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = requests.Session()
            session.headers.update(
                {"User-Agent": USER_AGENT, "Accept": "application/json", **self.access.headers}
            )
            session.auth = _no_credentials
            self._threads.session = session
        return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from adding a password that ~/.netrc may hold for the host."""
    return request


def _body(response: requests.Response, *, ends: float) -> bytes:
    """Read the body as it arrives.

    A read timeout starts anew with every byte: without a look at the clock after each piece, a
    server that sends one now and then would hold the worker for as long as it likes.
    """
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read1(65_536, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise FeedError("CoinGecko's answer is far larger than any it should give.")
        if time.monotonic() > ends:
            raise RetryableError("CoinGecko's answer did not arrive in time.")
    return b"".join(parts)


def _pause_before_next(error: FeedError, attempt: int) -> timedelta:
    backoff = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 (jitter)
    asked = error.retry_after or timedelta(0)
    return min(max(asked, timedelta(seconds=backoff)), LONGEST_RETRY_AFTER)


def _unreachable(error: Exception) -> FeedError:
    """Say in our own words why there was no answer; theirs hold addresses of objects."""
    if isinstance(error, requests.exceptions.SSLError):
        return FeedError(
            "CoinGecko's certificate could not be verified; a proxy may be in between, or this "
            "machine's clock or certificates are wrong."
        )
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return RetryableError("CoinGecko did not answer in time.")
    if isinstance(error, requests.exceptions.ProxyError):
        return RetryableError("The proxy on the way to CoinGecko does not let us through.")
    if isinstance(error, requests.ConnectionError):
        return RetryableError("CoinGecko could not be reached; is this machine online?")
    if isinstance(error, urllib3.exceptions.HTTPError):
        return RetryableError("CoinGecko's answer was cut off on the way.")
    return FeedError(f"CoinGecko could not be asked: {type(error).__name__}.")
