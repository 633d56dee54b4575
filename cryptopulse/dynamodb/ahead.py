"""Queries that a join or a correlated subquery will ask for next, made at the same time.

SQLite asks for what belongs to one outer row after the other, and each would wait for its own
answer. The rows that come next in the outer page are known, and so are the partitions of an index
that their keys name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from .row import Row
from .store import KeyRange

if TYPE_CHECKING:
    from .executor import Executor
    from .plan import Path

Pages: TypeAlias = Iterator[list[Row]]

#: Queries made besides the first, second and later one that SQLite asks for: a statement that
#: ends after some rows shall not have paid for many that it never wanted.
AHEAD = (0, 4, 16, 32)


class LookAhead:
    """First pages of one statement that were fetched before SQLite asked for them."""

    def __init__(self, cursors: list[Any]) -> None:
        self._cursors = cursors  # open ones, outermost first
        self._fetched: dict[tuple[str, int | None, KeyRange], tuple[list[Row], Pages]] = {}
        self._asked: Counter[tuple[str, int | None, KeyRange]] = Counter()

    def pages(self, executor: Executor, path: Path, wanted: KeyRange, first: int | None) -> Pages:
        """Yield the pages of one partition of an index."""
        name = executor.table.name
        if (name, first, wanted) not in self._fetched:
            shape = name, first, replace(wanted, partition="")
            most = AHEAD[min(self._asked[shape], len(AHEAD) - 1)]
            self._asked[shape] += 1
            others = (replace(wanted, partition=one) for one in self._next(executor, path, wanted))
            fresh = (one for one in others if (name, first, one) not in self._fetched)
            self._fetch(executor, [wanted, *islice(fresh, most)], first)
        page, rest = self._fetched.pop((name, first, wanted))
        yield page
        yield from rest

    def _fetch(self, executor: Executor, ranges: list[KeyRange], first: int | None) -> None:
        store, meter, table = executor.store, executor.session.meter, executor.table
        streams = [store.pages(meter, table, one, first) for one in ranges]
        pages = store.each([partial(next, stream, list[Row]()) for stream in streams])
        for one, page, rest in zip(ranges, pages, streams, strict=True):
            self._fetched[table.name, first, one] = page, rest

    def _next(self, executor: Executor, path: Path, wanted: KeyRange) -> Iterator[str]:
        """Yield the partitions of the rows that follow in the page of the table referred to."""
        assert path.index is not None  # noqa: S101 (only an index has partitions by column)
        assert path.partition is not None  # noqa: S101
        references = executor.table.columns[path.partition].references
        for cursor in self._cursors:
            table = cursor.table.table
            if cursor.row is None or references is None or table.name != references[0]:
                continue
            place = table.position.get(references[1])
            if place is None or cursor.executor is executor:
                continue
            encode = partial(executor.codec.partition, path.index)
            if encode(cursor.row.values[place]) == wanted.partition:
                rows = islice(cursor.page, cursor.position + 1, None)
                values = dict.fromkeys(row.values[place] for row in rows)
                yield from (encode(value) for value in values if value is not None)
                return
