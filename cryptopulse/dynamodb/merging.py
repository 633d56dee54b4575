"""Stored rows and what a transaction knows better of them, in one order.

A row that a transaction has read or written stays for it as it was then, wherever others have
moved it meanwhile: it is taken from memory at the place which that version has in the order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from operator import itemgetter
from typing import TypeAlias

from . import keys
from .row import Row
from .unit_of_work import TableWrites

Pages: TypeAlias = Iterator[list[Row]]
#: Where a row stands: its sort key in the path, and its own.
Place: TypeAlias = tuple[str, str]


class ReadRows:
    """The rows that a transaction has read, in the order of one path; it grows when asked."""

    def __init__(self, partition: Callable[[Row], str], sort_key: Callable[[Row], str]) -> None:
        self._partition, self._sort_key = partition, sort_key
        self._forget({})

    def _forget(self, seen: dict[str, Row]) -> None:
        self._seen, self._known = seen, 0
        self._places: dict[str, list[Place]] = {}

    def within(
        self, seen: dict[str, Row], partitions: Collection[str] | None, low: str, high: str | None
    ) -> Iterator[Place]:
        """Yield the places of the rows in a range of these partitions, or of all."""
        if self._seen is not seen or len(seen) < self._known:
            self._forget(seen)
        if len(seen) > self._known:
            for row in islice(seen.values(), self._known, None):
                places = self._places.setdefault(self._partition(row), [])
                insort(places, (self._sort_key(row), row.key))
            self._known = len(seen)
        for partition in self._places if partitions is None else partitions:
            places = self._places.get(partition, [])
            begin = bisect_left(places, (low, ""))
            end = len(places) if high is None else bisect_right(places, (high, keys.HIGH))
            yield from places[begin:end]


class Merge:
    """One pass over a range: the stored rows as the transaction sees them, its own among them.

    Rows that it changes meanwhile come as they are when their turn comes.
    """

    def __init__(
        self,
        writes: TableWrites,
        own: Collection[Place],
        sort_key: Callable[[Row], str],
        *,
        ordered: bool,
        descending: bool = False,
        divided: bool = False,
        movable: bool = True,
        reread: Callable[[list[Row]], dict[str, Row]] | None = None,
    ) -> None:
        # Those of this transaction: a cursor may be read on after its end.
        self._overlay, self._seen = writes.overlay, writes.seen
        self._own = sorted(own)  # those whose turn is still to come
        #: Rows that are not to come from the stream: they have another place, or have come.
        self._placed = {key for _, key in own}
        self._sort_key = sort_key
        self._ordered, self._descending = ordered, descending
        self._divided = divided  # several partitions one after the other: in no order
        self._movable = movable  # by others, as the keys of the table itself are not
        self._reread = reread  # asks the table for rows, where an index may be behind
        self._last: Row | None = None

    def pages(self, stored: Pages) -> Pages:
        """Yield the rows of the pages, and the transaction's own."""
        note = self._seen.setdefault
        for page in stored:
            rows = page
            if self._overlay or self._placed or self._reread is not None:
                rows = self._woven(page) if page else page
            elif [note(row.key, row) for row in page] != page:
                rows = self._woven(page)
            yield rows
            if page:
                self._last = page[-1]
                if self._movable:  # others may move them to where we have not been yet
                    self._placed.update(row.key for row in rows)
        own = reversed(self._own) if self._descending else self._own
        yield [row for _, row in self._current(own)]

    def _woven(self, page: list[Row]) -> list[Row]:
        fresh = None if self._reread is None else self._reread(page)
        pairs = [(row, known) for row in page if (known := self._known(row, fresh)) is not None]
        due = self._due(page[-1])
        if not due:
            return [known for _, known in pairs]
        merged = [(self._sort_key(row), known) for row, known in pairs]
        merged += self._current(due)
        merged.sort(key=itemgetter(0), reverse=self._descending)
        return [row for _, row in merged]

    def _known(self, row: Row, fresh: dict[str, Row] | None) -> Row | None:
        """Return what to yield in place of a stored row; None where it has another place."""
        key = row.key
        if key in self._placed:
            return None
        is_new = False
        known: Row | None
        if key in self._overlay:
            known = self._overlay[key]
        elif key in self._seen:
            known = self._seen[key]
        else:
            is_new = True
            known = row if fresh is None else fresh.get(key)  # None: deleted behind the index
            if known is not None:
                self._seen[key] = known
        if known is None or known is row or not self._ordered:
            return known
        return self._in_order(row, known, is_new=is_new)

    def _in_order(self, row: Row, known: Row, *, is_new: bool) -> Row | None:
        """Return what to yield in place of a stored row; put off what belongs elsewhere."""
        place, key = self._sort_key(known), row.key
        if place == self._sort_key(row):
            return known
        if self._is_ahead(place):
            self._placed.add(key)
            insort(self._own, (place, key))
            return None
        if is_new:  # too late for the order: as the index has it, which a commit will refuse
            self._seen[key] = row
            return row
        # What was changed meanwhile comes late; what was only read has had its turn.
        return known if key in self._overlay else None

    def _is_ahead(self, place: str) -> bool:
        if self._last is None:
            return True
        front = self._sort_key(self._last)
        return place < front if self._descending else place > front

    def _due(self, last: Row) -> list[Place]:
        """Take the rows of our own that stand before the end of a page."""
        if self._divided or not self._own:
            return []
        end = self._sort_key(last)
        if self._descending:
            at = bisect_left(self._own, (end, ""))
            due, self._own = self._own[at:], self._own[:at]
        else:
            at = bisect_right(self._own, (end, keys.HIGH))
            due, self._own = self._own[:at], self._own[at:]
        return due

    def _current(self, places: Iterator[Place] | list[Place]) -> list[tuple[str, Row]]:
        overlay, seen = self._overlay, self._seen
        return [
            (place, row)
            for place, key in places
            if (row := overlay[key] if key in overlay else seen.get(key)) is not None
        ]
