"""Reads CoinGecko's answers: is it JSON, is it an error, and of which kind.

Errors come in four shapes: `{"status": {"error_code", "error_message"}}`, `{"error": "text"}`,
`{"error": {"status": {…}}}`, and a web page of the network in front (Cloudflare). Some arrive with
HTTP 200.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from market.feeds.base import FeedError
from market.feeds.figures import LONGEST_RETRY_AFTER, retry_after

from .plans import Plan

RETRY_AFTER_UNSAID = timedelta(seconds=60)  # their window is a minute

# CoinGecko's own codes (docs.coingecko.com, "Errors and rate limits").
HISTORY_RANGE = 10012
KEY_FAULTS = {
    10002: "says that the key is missing. Set COINGECKO_API_KEY.",
    10005: "says that the plan does not include this. Set COINGECKO_PLAN to the plan of the key.",
    10010: "got a Pro key at the public address. Set COINGECKO_PLAN=pro.",
    10011: "got a Demo key at the Pro address. Set COINGECKO_PLAN=demo.",
}
BLOCKED = 1020


class RetryableError(FeedError):
    """The same call may well succeed a moment later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP, before anything of it is believed."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes

    @property
    def is_json(self) -> bool:
        return "json" in self.content_type.lower()


def read(answer: Answer, *, plan: Plan, now: datetime) -> Any:
    """Return the JSON of an answer, its fractions as Decimal; raises FeedError for all else."""
    code, message = None, ""
    body: Any = None
    if answer.is_json:
        body = _parse(answer)
        code, message = _error_in(body)
    elif match := re.search(rb"error code:?\s*(1\d{3})\b", answer.body[:4000], re.IGNORECASE):
        code = int(match[1])
    if answer.status != HTTPStatus.OK or code is not None or message:
        raise _error(answer, code=code, message=message, plan=plan, now=now)
    if not answer.is_json:
        raise FeedError(
            f"CoinGecko answered with “{answer.content_type or 'no content type'}” in place of "
            "JSON; a firewall, a captive portal or COINGECKO_URL may stand in between.",
            retry_after=RETRY_AFTER_UNSAID,
        )
    return body


def _parse(answer: Answer) -> Any:
    try:
        return json.loads(answer.body, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:  # also what is not UTF-8, or endless digits
        if answer.status != HTTPStatus.OK:
            return None
        raise RetryableError("CoinGecko's answer was cut off or is not valid JSON.") from error


def _error_in(body: Any) -> tuple[int | None, str]:
    """Return code and message of an error in any of the three JSON shapes, or (None, "")."""
    if not isinstance(body, dict):
        return None, ""
    error = body.get("error")
    if isinstance(error, str):
        return None, error
    status = error.get("status") if isinstance(error, dict) else body.get("status")
    if not isinstance(status, dict):
        return None, str(error) if error else ""
    code = str(status.get("error_code") or "")
    return (
        int(code) if re.fullmatch(r"[0-9]{1,6}", code) else None,
        str(status.get("error_message") or ("unknown error" if error else "")),
    )


def _error(
    answer: Answer, *, code: int | None, message: str, plan: Plan, now: datetime
) -> FeedError:
    status = code if answer.status == HTTPStatus.OK and code is not None else answer.status
    said = " ".join(message.split())[:140]
    said = f" It said: {said}" if said else ""
    if code == HISTORY_RANGE:
        return history_too_long(plan)
    if code in KEY_FAULTS:
        return FeedError(f"CoinGecko {KEY_FAULTS[code]}{said}", misconfigured=True)
    if HTTPStatus.TOO_MANY_REQUESTS in {code, status}:
        wait = retry_after(answer.retry_after, now=now) or RETRY_AFTER_UNSAID
        return RetryableError(
            f"CoinGecko's rate limit is reached; it asks to wait {wait.total_seconds():.0f} s.",
            retry_after=wait,
        )
    if code == BLOCKED or status == HTTPStatus.FORBIDDEN:
        return FeedError(
            "CoinGecko's network blocks this address for now (1020/403). If it lasts, "
            f"use a key (COINGECKO_API_KEY) or another address.{said}",
            retry_after=LONGEST_RETRY_AFTER,
        )
    return _by_status(answer, status=status, said=said, now=now)


def _by_status(answer: Answer, *, status: int, said: str, now: datetime) -> FeedError:
    if status == HTTPStatus.UNAUTHORIZED:
        return FeedError(
            f"CoinGecko refuses the key. Check COINGECKO_API_KEY and COINGECKO_PLAN.{said}",
            misconfigured=True,
        )
    if status == HTTPStatus.NOT_FOUND:
        return FeedError(f"CoinGecko does not know this coin or address.{said}", permanent=True)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RetryableError(
            f"CoinGecko has trouble of its own (HTTP {status}).{said}",
            retry_after=retry_after(answer.retry_after, now=now),
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return FeedError(
            "CoinGecko's address sends us elsewhere, and we do not follow with the key. "
            f"Check COINGECKO_URL and the network (HTTP {status}).",
            misconfigured=True,
        )
    return FeedError(f"CoinGecko did not accept the call (HTTP {status}).{said}", permanent=True)


def history_too_long(plan: Plan) -> FeedError:
    """Return the error for history that lies further back than the plan reaches."""
    days = plan.history_days or 365
    return FeedError(
        f"CoinGecko's {plan.name} plan reaches {days} days back and no further. Ask for a later "
        "start, use a paid plan (COINGECKO_PLAN=pro), or load older prices from a CSV file.",
        permanent=True,
    )
