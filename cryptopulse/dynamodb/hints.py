"""What the compiler says of a statement in its trailing comment, and what its text tells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

HINT = re.compile(r"/\*dynamodb:(\{.*\})\*/\s*$", re.DOTALL)
LIMIT = re.compile(r"\bLIMIT (\d+)(?: OFFSET (\d+))?\s*(?:/\*.*\*/)?\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Upsert:
    """What INSERT does with a row that is there: which columns it changes, found by which."""

    update: tuple[str, ...]
    target: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hints:
    """What the compiler says of a statement in its trailing comment, and what its text tells."""

    for_update: bool = False
    rows: int = 1
    count: bool = False
    upsert: Upsert | None = None
    limit: int | None = None
    is_sorted: bool = False
    is_alone: bool = False  # one table, read once


#: Longer texts seldom come twice (an IN with thousands of values), and would fill the memory.
LONGEST_REMEMBERED = 4_000  # characters


def hints_of(sql: str) -> Hints:
    """Return the hints of a statement."""
    return _remembered(sql) if len(sql) <= LONGEST_REMEMBERED else _read(sql)


def _read(sql: str) -> Hints:
    found = HINT.search(sql)
    given: dict[str, Any] = json.loads(found[1]) if found else {}
    if upsert := given.pop("upsert", None):
        given["upsert"] = Upsert(tuple(upsert["update"]), tuple(upsert["target"]))
    if limit := LIMIT.search(sql):
        given["limit"] = int(limit[1]) + int(limit[2] or 0)
    is_alone = sql.count("SELECT") <= 1 and " JOIN " not in sql
    return Hints(**given, is_sorted="ORDER BY" in sql, is_alone=is_alone)


_remembered = lru_cache(maxsize=2048)(_read)
