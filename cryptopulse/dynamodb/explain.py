"""What QuerySet.explain() prints: SQLite's plan with the engine's access paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

#: SQLite calls every way through a table a SCAN or a SEARCH; the planner's text says which it is.
_VIRTUAL = re.compile(r"^(?:SCAN|SEARCH) (.+?) VIRTUAL TABLE INDEX \d+:")


def readable(chunks: Iterable[Iterable[tuple[Any, ...]]]) -> Iterator[str]:
    """Yield a line for each step, indented under the step that it belongs to.

    Takes the rows of EXPLAIN QUERY PLAN (id, parent, unused, detail) in blocks. What follows the
    index number of a virtual table is the planner's own text.
    """
    depth = {0: 0}
    for block in chunks:
        for number, parent, _, detail in block:
            depth[number] = depth.get(parent, 0) + 1
            yield "  " * depth.get(parent, 0) + _VIRTUAL.sub(r"\1: ", detail)
