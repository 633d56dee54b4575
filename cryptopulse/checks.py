"""What is wrong or missing in the settings, each with an id and with how to mend it.

E: the product would not work. W: it works, but not as a production should; most of these are
looked at by `check --deploy` alone. What cannot even be read is refused by `environment`; W001
is said by `finders`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.utils.http import is_same_domain
from django.utils.module_loading import import_string

CHANNEL_KINDS = frozenset({"in_app", "email", "console", "sms", "sns_email", "sns", "sns_ops"})
EMAIL_TRANSPORTS = frozenset({"console", "smtp", "ses"})
SIMULATED_FEEDS = frozenset({"simulated", "replay"})
LARGEST_BALANCE = Decimal(1000000000)
SHORTEST_KEY = 32
FEWEST_CHARACTERS = 5  # different ones in a key
LAST_PORT = 65535
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_ARN = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: Seconds between two fetches at best; feeds that are not here say so in their options.
_FETCH_EVERY = {"keyless": 60, "demo": 300, "pro": 60}

Findings = Iterator[CheckMessage]


def checked(
    *tags: str, deploy: bool = False
) -> Callable[[Callable[[], Findings]], Callable[..., list[CheckMessage]]]:
    """Register a generator of findings as a system check."""

    def decorate(find: Callable[[], Findings]) -> Callable[..., list[CheckMessage]]:
        def check(**_: Any) -> list[CheckMessage]:
            return list(find())

        check.__name__, check.__doc__ = find.__name__, find.__doc__
        return register(*tags, deploy=deploy)(check)

    return decorate


def error(number: int, sentence: str, hint: str) -> Error:
    return Error(sentence, hint=hint, id=f"cryptopulse.E{number:03}")


def warning(number: int, sentence: str, hint: str) -> Warning:
    return Warning(sentence, hint=hint, id=f"cryptopulse.W{number:03}")


# --- Who we are -------------------------------------------------------------------------------


@checked(Tags.security)
def check_identity() -> Findings:
    """The key that signs everything, the hosts we answer for, and our own address."""
    for name, key in [
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ]:
        if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
            yield error(
                1,
                f"{name} is too short or too simple to sign sessions with.",
                'Make one: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            )
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        yield error(
            2,
            "ALLOWED_HOSTS is empty, so every request would be refused.",
            "Name the hosts that people reach this by: ALLOWED_HOSTS=cryptopulse.example",
        )
    site = urlsplit(settings.SITE_URL)
    if site.scheme not in {"http", "https"} or not site.hostname or site.path:
        yield error(
            3,
            f"SITE_URL is {settings.SITE_URL!r}, which is not the address of a site.",
            "Give scheme and host without a path: SITE_URL=https://cryptopulse.example",
        )


@checked(Tags.security, deploy=True)
def check_site() -> Findings:
    """Links in messages lead to a site that is ours and encrypted."""
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https":
        yield warning(
            2,
            f"SITE_URL is {settings.SITE_URL}: links in messages would not be encrypted.",
            "Set SITE_URL=https://... to where people reach this installation.",
        )
    if site.hostname and not any(
        host == "*" or is_same_domain(site.hostname, host.lower())
        for host in settings.ALLOWED_HOSTS
    ):
        yield warning(
            3,
            f"SITE_URL names the host {site.hostname}, which ALLOWED_HOSTS refuses.",
            f"Add {site.hostname} to ALLOWED_HOSTS, or mend SITE_URL.",
        )


@checked(Tags.security)
def check_numbers() -> Findings:
    """Counts and ports are what they can be."""
    if not 0 < settings.PORT <= LAST_PORT:
        yield error(4, f"PORT is {settings.PORT}; ports go from 1 to 65535.", "Try PORT=8000.")
    if settings.TRUSTED_PROXY_COUNT < 0:
        yield error(
            5,
            f"TRUSTED_PROXY_COUNT is {settings.TRUSTED_PROXY_COUNT}; it cannot be negative.",
            "Set it to the number of proxies of yours that stand in front: 0 for none.",
        )
    if settings.SOCKETS_PER_ADDRESS < 1:
        yield error(
            6,
            f"SOCKETS_PER_ADDRESS is {settings.SOCKETS_PER_ADDRESS}: no page would be live.",
            "Leave it out for 50. Each open page takes two.",
        )


# --- Prices -----------------------------------------------------------------------------------


@checked()
def check_feeds() -> Findings:
    """The feeds exist, can be made, and are all real or all made up."""
    for alias in settings.MARKET_FEEDS:
        if alias not in settings.FEEDS:
            yield error(
                7,
                f"MARKET_FEEDS names {alias!r}, and there is no such feed.",
                f"Choose among: {', '.join(sorted(settings.FEEDS))}.",
            )
        elif sentence := _why_not_made(alias, settings.FEEDS[alias]):
            yield error(
                8, f"The feed {alias} cannot be used: {sentence}", "See its settings in the README."
            )
    kinds = {alias in SIMULATED_FEEDS for alias in settings.MARKET_FEEDS}
    if len(kinds) > 1:
        yield error(
            9,
            "MARKET_FEEDS mixes real and simulated prices, which may never meet.",
            "Name real feeds only, or simulated or replay alone.",
        )


def _why_not_made(alias: str, feed: dict[str, Any]) -> str | None:
    """Make the feed as the market will; it looks at its own options."""
    try:
        import_string(feed["BACKEND"])(name=alias, **feed.get("OPTIONS", {}))
    except Exception as problem:
        return f"{problem}"
    return None


@checked()
def check_staleness() -> Findings:
    """A price may not grow stale before the next one can come."""
    for alias in settings.MARKET_FEEDS or ["coingecko"]:
        options = settings.FEEDS.get(alias, {}).get("OPTIONS", {})
        seconds = _FETCH_EVERY.get(options.get("plan", ""), options.get("interval", 0))
        if timedelta(seconds=seconds) > settings.STALE_AFTER:
            yield error(
                10,
                f"STALE_AFTER_SECONDS is {settings.STALE_AFTER.total_seconds():.0f}, and {alias} "
                f"brings a price every {seconds:g} s: every price would grow stale.",
                f"Set it to {3 * seconds:.0f} or more, or leave it out.",
            )
        elif timedelta(seconds=3 * seconds) > settings.STALE_AFTER:
            yield warning(
                4,
                f"STALE_AFTER_SECONDS is less than three times the {seconds:g} s of {alias}: one "
                "failed fetch stops trading.",
                f"Set it to {3 * seconds:.0f} or more, or leave it out.",
            )


@checked()
def check_trading() -> Findings:
    """The balance is money, the fee a part of the amount."""
    balance: Decimal = settings.START_BALANCE
    if balance != balance.quantize(Decimal("0.01")) or not 0 < balance <= LARGEST_BALANCE:
        yield error(
            11,
            f"START_BALANCE is {balance}, which is not an amount to start with.",
            "Give a positive amount with at most two decimals, such as 10000.00.",
        )
    fee: Decimal = settings.TRADE_FEE_RATE
    if not 0 <= fee < 1:
        yield error(
            12,
            f"TRADE_FEE_RATE is {fee}; it is the part of an amount that a trade costs.",
            "Give a number from 0 to below 1: 0.001 is 0.1 %.",
        )


# --- Notifications ----------------------------------------------------------------------------


@checked()
def check_notifications() -> Findings:
    """Channels are known, e-mail has a way out, topics are topics."""
    for kind in settings.NOTIFICATION_CHANNELS.keys() - CHANNEL_KINDS:
        yield error(
            13,
            f"NOTIFICATION_CHANNELS has {kind!r}, and there is no such channel.",
            f"Choose among: {', '.join(sorted(CHANNEL_KINDS))}.",
        )
    transport = _email_transport()
    if transport not in EMAIL_TRANSPORTS:
        yield error(
            14,
            f"EMAIL_TRANSPORT is {transport!r}.",
            f"Choose among: {', '.join(sorted(EMAIL_TRANSPORTS))}.",
        )
    for name in ("SNS_TOPIC_ARN", "SNS_OPS_TOPIC_ARN"):
        arn = getattr(settings, name)
        if arn and not _ARN.fullmatch(arn):
            yield error(
                15,
                f"{name} is {arn!r}, which does not name an SNS topic.",
                "It looks like arn:aws:sns:us-east-1:123456789012:cryptopulse",
            )


def _email_transport() -> str:
    email = settings.NOTIFICATION_CHANNELS.get("email", {})
    return str(email.get("OPTIONS", {}).get("backend", "console"))


@checked(deploy=True)
def check_mail() -> Findings:
    """Password resets reach people, from an address that is ours."""
    if _email_transport() == "console":
        yield warning(
            5,
            "E-mail is printed on the console: nobody can reset a password.",
            "Set EMAIL_TRANSPORT=ses, or smtp with EMAIL_HOST.",
        )
    elif settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        yield warning(
            6,
            f"E-mail would be sent from {settings.DEFAULT_FROM_EMAIL}.",
            "Set DEFAULT_FROM_EMAIL to an address that your mail service may send from.",
        )


# --- Where things are kept --------------------------------------------------------------------


@checked()
def check_addresses() -> Findings:
    """Redis, AWS and S3 are named as they are reached."""
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        url = getattr(settings, name)
        if (name == "REDIS_URL" or url.startswith("redis")) and (sentence := _bad_redis_url(url)):
            yield error(16, f"{name} {sentence}", "It looks like redis://:password@host:6379/0")
    endpoint = settings.AWS_ENDPOINT_URL
    if endpoint and (
        urlsplit(endpoint).scheme not in {"http", "https"} or not urlsplit(endpoint).hostname
    ):
        yield error(
            17,
            f"AWS_ENDPOINT_URL is {endpoint!r}, which is not an address.",
            "Leave it out for AWS itself; a local server is http://127.0.0.1:5000",
        )
    for name in ("AWS_STORAGE_BUCKET_NAME", "AWS_MEDIA_BUCKET_NAME"):
        bucket = getattr(settings, name)
        if bucket and not _BUCKET.fullmatch(bucket):
            yield error(
                18,
                f"{name} is {bucket!r}, which S3 does not allow.",
                "Give the bucket's plain name: lower-case letters, digits, dots and hyphens.",
            )


def _bad_redis_url(url: str) -> str | None:
    """Say what is wrong, without the password that may be in it."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        return f"cannot be read: {problem}."
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or port == 0:
        return "does not name a Redis server."
    if not re.fullmatch(r"/?\d*/?", parts.path):
        return "ends in something that is not the number of a database."
    return None


@checked()
def check_files() -> Findings:
    """SQLite needs a folder that it may write in, not only a file."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3" or ":memory:" in str(database["NAME"]):
        return
    file = Path(database["NAME"])
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    blocked = next((path for path in (folder, file) if path.exists() and not _writable(path)), None)
    if blocked is not None:
        yield error(
            19,
            f"CryptoPulse keeps its database in {file.parent} and cannot write to {blocked}.",
            "Set LOCAL_DIR (or DATABASE_URL) to a folder of your own.",
        )


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


@checked(deploy=True)
def check_processes() -> Findings:
    """More than one process needs a database and a Redis that all of them reach."""
    if not settings.REDIS_URL:
        yield warning(
            7,
            "REDIS_URL is not set: prices, personal events, limits and tasks stay within one "
            "process, and a worker of its own would reach no browser.",
            "Set REDIS_URL=redis://host:6379/0, or run manage.py pulse alone.",
        )
    elif settings.CELERY_BROKER_URL.startswith("memory"):
        yield error(
            20,
            "CELERY_BROKER_URL is memory://: a task would never leave the web process.",
            "Leave it out to use REDIS_URL.",
        )
    elif urlsplit(settings.REDIS_URL).hostname in LOOPBACK_NAMES and _database_is_elsewhere():
        yield warning(
            8,
            "REDIS_URL is this machine and the database another: other machines would not share "
            "ticks with this one.",
            "Name a Redis that every machine reaches.",
        )
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        yield warning(
            9,
            "The database is SQLite, which is for one machine.",
            "Set DATABASE_URL to PostgreSQL or DynamoDB.",
        )


def _database_is_elsewhere() -> bool:
    host = settings.DATABASES["default"].get("HOST", "")
    return bool(host) and not host.startswith("/") and host not in LOOPBACK_NAMES
