"""Bringing stored tables in line with OPTIONS["TABLES"], which is read when a table is made.

Until then every process goes by what is stored: nothing depends on which settings it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import changes, tables
from .catalogue import BUILDING, READY, Index, TableDef
from .filling import requests_for_rows
from .options import TableOptions


@dataclass(frozen=True)
class Difference:
    """What TABLES says otherwise than the catalogue, of one table."""

    old: TableDef
    new: TableDef

    @property
    def must_copy(self) -> bool:
        """Tell whether the rows get other keys, so that nobody may write meanwhile."""
        return changes.needs_copy(self.old, self.new)

    @property
    def label(self) -> str:
        """What tells this change from others in the journal."""
        parts = [
            f"{i.name}:{i.shards if i.is_built else '-'}" for i in self.new.indexes if i.columns
        ]
        return f"{LABEL}{self.new.shards} {self.new.ttl} {' '.join(parts)}"

    def sentences(self) -> Iterator[str]:
        """Yield what differs, in words."""
        old, new = self.old, self.new
        if old.shards != new.shards:
            yield f"{_shards(old.shards)} -> {new.shards}"
        if old.ttl != new.ttl:
            yield f"time to live {old.ttl or 'none'} -> {new.ttl or 'none'}"
        known = {index.name: index for index in old.indexes}
        for index in new.indexes:
            before, after = _spread(known[index.name]), _spread(index)
            if before != after:
                yield f"index {index.name}: {before} -> {after}"

    def requests(self) -> Iterator[str]:
        """Yield what DynamoDB would be asked for."""
        new = self.new
        if self.must_copy:
            new = replace(new, physical=f"{self.old.physical} (the next free name)")
        yield from tables.requests_for(self.old, new)
        yield from requests_for_rows(self.old, new)


#: How the labels of such changes begin.
LABEL = "apply options "


def difference(table: TableDef, options: TableOptions) -> Difference | None:
    """Return what a stored table lacks of its options; None where they agree."""
    ttl = options.ttl if options.ttl in table.position else None
    indexes, slot = [], table.next_slot
    for index in table.indexes:
        wanted = _wanted(index, options)
        if wanted.is_built and (wanted.shards != index.shards or index.state == BUILDING):
            wanted, slot = replace(wanted, slot=slot, state=READY), slot + 1
        indexes.append(wanted)
    new = replace(table, shards=options.shards, ttl=ttl, indexes=tuple(indexes), next_slot=slot)
    new = changes.finished(table, new)
    return None if new == table else Difference(table, new)


def _wanted(index: Index, options: TableOptions) -> Index:
    if index.is_implied:
        return replace(index, is_wanted=index.columns[0] not in options.unbuilt)
    if not index.columns:
        return index
    return replace(
        index,
        shards=options.ordered.get(index.name, 0),
        is_wanted=index.name not in options.unbuilt,
    )


def _spread(index: Index) -> str:
    if not index.is_built:
        return "not built"
    state = " (unfinished)" if index.state == BUILDING else ""
    return f"ordered over {_shards(index.shards)}{state}" if index.shards else f"built{state}"


def _shards(number: int) -> str:
    return f"{number} shard{'' if number == 1 else 's'}"
