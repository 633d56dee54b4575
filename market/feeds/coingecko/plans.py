"""What CoinGecko's plans allow, and where and how each is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit

from market.feeds.base import FeedError

PUBLIC_ROOT = "https://api.coingecko.com/api/v3"
PRO_ROOT = "https://pro-api.coingecko.com/api/v3"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way of asking: which address, which header for the key, and how much."""

    name: str
    root: str
    header: str | None
    per_minute: int
    monthly: int | None  # calls; None where the plan publishes no limit
    history_days: int | None  # how far back; None is all there is
    interval: timedelta


PLANS = {
    plan.name: plan
    for plan in (
        # Keyless limits are shared by everybody behind an address and vary: 5 to 15 a minute.
        Plan(
            name="keyless",
            root=PUBLIC_ROOT,
            header=None,
            per_minute=10,
            monthly=None,
            history_days=365,
            interval=timedelta(seconds=60),
        ),
        Plan(
            name="demo",
            root=PUBLIC_ROOT,
            header="x-cg-demo-api-key",
            per_minute=30,
            monthly=10_000,
            history_days=365,
            interval=timedelta(seconds=300),
        ),
        # Basic, the smallest paid plan; larger ones set their numbers in the options.
        Plan(
            name="pro",
            root=PRO_ROOT,
            header="x-cg-pro-api-key",
            per_minute=250,
            monthly=100_000,
            history_days=None,
            interval=timedelta(seconds=60),
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A plan as configured here. `fault` is what is wrong with it, in a sentence, or empty."""

    plan: Plan
    root: str
    headers: dict[str, str] = field(repr=False)  # they hold the key
    fault: str = ""

    def check(self) -> None:
        """Raise FeedError for settings with which no call can succeed."""
        if self.fault:
            raise FeedError(self.fault, misconfigured=True)


def access(
    *, plan: str, api_key: str, base_url: str, monthly_calls: int, calls_per_minute: int
) -> Access:
    """Put together how CoinGecko is asked; 0 leaves a limit at what the plan says."""
    chosen = PLANS.get(plan, PLANS["keyless"])
    if monthly_calls > 0:
        chosen = replace(chosen, monthly=monthly_calls)
    if calls_per_minute > 0:
        chosen = replace(chosen, per_minute=calls_per_minute)
    root = (base_url or chosen.root).rstrip("/")
    headers = {chosen.header: api_key} if chosen.header else {}
    fault = _fault(plan, api_key, root, bool(headers))
    if min(monthly_calls, calls_per_minute) < 0:
        fault = (
            fault or "COINGECKO_MONTHLY_CALLS and COINGECKO_CALLS_PER_MINUTE cannot be negative."
        )
    return Access(plan=chosen, root=root, headers=headers, fault=fault)


def _fault(plan: str, api_key: str, root: str, sends_key: bool) -> str:
    if plan not in PLANS:
        return f"COINGECKO_PLAN is “{plan}”; it may be {', '.join(PLANS)}."
    if sends_key and not api_key:
        return f"COINGECKO_PLAN={plan} needs a key: set COINGECKO_API_KEY."
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        return "COINGECKO_API_KEY holds characters that no key has; copy it again, without spaces."
    return _fault_of_address(root, sends_key)


def _fault_of_address(root: str, sends_key: bool) -> str:
    try:
        parts = urlsplit(root)
    except ValueError:  # brackets around what is no IPv6 address
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"COINGECKO_URL is “{root}”; it must be an address such as {PUBLIC_ROOT}."
    if sends_key and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return f"COINGECKO_URL is “{root}”; the key is sent over https only."
    return ""
