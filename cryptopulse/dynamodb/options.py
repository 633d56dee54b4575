"""OPTIONS of the database setting, read once and checked with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SCAN_POLICIES = ("allow", "warn", "forbid")
MAX_SHARDS = 64
#: What DynamoDB takes in a table's name, with room for the table's own.
PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,100}")
REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a model's Meta cannot say about its table."""

    #: Partitions that the rows are spread over; one takes 1,000 writes and 3,000 reads a second.
    shards: int = 1
    #: The column with the moment after which a row no longer exists, for DynamoDB's time to live.
    ttl: str | None = None
    #: Index name -> shards: an index that orders the whole table instead of one partition per
    #: value of its first column.
    ordered: Mapping[str, int] = field(default_factory=dict)
    #: The table is small and reading all of it is meant: never reported as a scan.
    small: bool = False
    #: Indexes by name, and implied ones by column, that only SQL needs: each costs its writes.
    #: Read when an index is made; a later change wants a migration that makes it anew.
    unbuilt: tuple[str, ...] = ()
    #: Foreign key columns whose target must exist when a row is written (one action more each).
    check_references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that `DATABASES[alias]` says about a DynamoDB database."""

    prefix: str
    region: str
    #: A local server's address; None is AWS itself.
    endpoint: str | None = None
    tables: Mapping[str, TableOptions] = field(default_factory=dict)
    #: What to do about a statement that reads a whole table.
    scans: str = "warn"
    #: Connections kept warm in one process, and the most that may be open at once.
    pool_size: int = 64
    #: Seconds to wait for a connection when all are taken.
    pool_timeout: float = 30.0
    #: Seconds after which a process asks whether the catalogue has changed.
    catalogue_ttl: float = 5.0
    #: Primary keys that a process takes from a sequence at once; more leaves gaps.
    sequence_block: int = 1
    #: "refuse" or "chunk" what does not fit one transaction; "chunk" is not atomic.
    large_transactions: str = "refuse"
    #: Requests to DynamoDB in all, the first included.
    attempts: int = 6
    #: botocore's: "adaptive" holds new requests back after throttling, "standard" does not.
    #: Adaptive relieves tables that are not warm yet, at the first throttled answer; but it knows
    #: one rate for all tables of a process, so where one is hot for long, standard spares the rest.
    retry_mode: str = "adaptive"
    connect_timeout: float = 3.0  # seconds
    read_timeout: float = 10.0  # seconds

    def table(self, name: str) -> TableOptions:
        """Return the options of a table; the defaults for one that is not named."""
        return self.tables.get(name) or TableOptions()


def read_options(settings_dict: Mapping[str, Any]) -> Options:
    """Return the checked options of one entry of DATABASES.

    Names may be written in either case, because a DATABASE_URL's query string carries them too.
    """
    given = {name.lower(): value for name, value in settings_dict.get("OPTIONS", {}).items()}
    prefix = settings_dict.get("NAME") or ""
    if not prefix:
        raise ImproperlyConfigured(
            "A DynamoDB database needs a NAME, the prefix of its tables: dynamodb://region/prefix."
        )
    if not PREFIX.fullmatch(str(prefix)):
        raise ImproperlyConfigured(
            f"The prefix of the DynamoDB tables is {str(prefix)!r}; it may have letters, digits, "
            "and the characters _ - . and at most 100 of them."
        )
    tables = {
        name: _table_options(name, values) for name, values in (given.pop("tables", {})).items()
    }
    known = set(Options.__dataclass_fields__) - {"prefix", "region", "tables"}
    if unknown := sorted(set(given) - known):
        raise ImproperlyConfigured(
            f"The DynamoDB engine has no option {unknown[0]!r}. It has {', '.join(sorted(known))}."
        )
    options = Options(
        prefix=str(prefix),
        region=str(settings_dict.get("HOST") or "us-east-1"),
        tables=tables,
        **{name: _number(name, value) for name, value in given.items()},
    )
    _check(options)
    return options


def _number(name: str, value: Any) -> Any:
    wanted = Options.__dataclass_fields__[name].type
    if wanted not in {"int", "float"}:
        return value or None if name == "endpoint" else value
    try:
        return int(value) if wanted == "int" else float(value)
    except (TypeError, ValueError):
        raise ImproperlyConfigured(
            f"The DynamoDB option {name} is {value!r}; it must be a number."
        ) from None


def _check(options: Options) -> None:
    _check_place(options)
    _check_numbers(options)
    if options.scans not in SCAN_POLICIES:
        raise ImproperlyConfigured(
            f"The DynamoDB option scans is {options.scans!r}. Use one of "
            f"{', '.join(SCAN_POLICIES)}."
        )
    if options.retry_mode not in {"adaptive", "standard"}:
        raise ImproperlyConfigured(
            f"The DynamoDB option retry_mode is {options.retry_mode!r}. Use adaptive or standard."
        )
    if options.large_transactions not in {"refuse", "chunk"}:
        raise ImproperlyConfigured(
            f"The DynamoDB option large_transactions is {options.large_transactions!r}. "
            "Use refuse or chunk."
        )


def _check_place(options: Options) -> None:
    if not REGION.fullmatch(options.region):
        raise ImproperlyConfigured(
            f"{options.region!r} is no AWS region. It is the host of the URL: "
            "dynamodb://eu-central-1/prefix."
        )
    if options.endpoint and not _is_address(options.endpoint):
        raise ImproperlyConfigured(
            f"The DynamoDB option endpoint is {options.endpoint!r}; it must be an address such as "
            "http://127.0.0.1:8001."
        )


def _check_numbers(options: Options) -> None:
    for name in ("pool_size", "sequence_block", "attempts"):
        if getattr(options, name) < 1:
            raise ImproperlyConfigured(f"The DynamoDB option {name} must be at least 1.")
    for name in ("pool_timeout", "catalogue_ttl"):
        if getattr(options, name) < 0:
            raise ImproperlyConfigured(f"The DynamoDB option {name} must not be negative.")
    for name in ("connect_timeout", "read_timeout"):
        if getattr(options, name) <= 0:
            raise ImproperlyConfigured(f"The DynamoDB option {name} must be more than 0 seconds.")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0  # a ValueError beyond 65535
    except ValueError:
        return False
    return has_port and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _table_options(name: str, values: Mapping[str, Any]) -> TableOptions:
    known = set(TableOptions.__dataclass_fields__)
    if unknown := sorted(set(values) - known):
        raise ImproperlyConfigured(
            f"TABLES[{name!r}] has no option {unknown[0]!r}. It has {', '.join(sorted(known))}."
        )
    shards = [values.get("shards", 1), *values.get("ordered", {}).values()]
    if not all(isinstance(number, int) and 1 <= number <= MAX_SHARDS for number in shards):
        raise ImproperlyConfigured(
            f"TABLES[{name!r}]: a number of shards must lie between 1 and {MAX_SHARDS}."
        )
    lists = {each: tuple(values.get(each, ())) for each in ("unbuilt", "check_references")}
    return TableOptions(**{**values, **lists})
