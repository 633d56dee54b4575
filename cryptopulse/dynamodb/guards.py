"""What a query must ask for so that a partial index holds every row it wants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .catalogue import TableDef

LITERAL = re.compile(
    r"""^\(*\s*"(?P<column>[^"]+)"\s*(?:
        =\s*(?P<value>'(?:[^']|'')*'|-?\d+)
        | IN\s*\((?P<values>[^()]*)\)
        | (?P<null>IS\s+NULL)
    )\s*\)*$""",
    re.VERBOSE,
)
#: A list is read whole or not at all: of `IN (1.5, 2)` no part may be taken for an integer.
ITEM = r"(?:'(?:[^']|'')*'|-?\d+)"
ITEMS = re.compile(rf"\s*{ITEM}\s*(?:,\s*{ITEM}\s*)*")


def guards_of(condition: str, table: TableDef) -> Iterator[tuple[int, frozenset[Any]]]:
    """Yield what a query must ask for so that a partial index holds every row it wants.

    Understood are comparisons of a column with literals, joined by AND; a condition that says
    anything else is guarded by a value that no query has, so that its index is never used.
    """
    for part in re.split(r"\s+AND\s+", condition.strip()):
        match = LITERAL.match(part)
        listed = match and match["values"]
        if (
            match is None
            or match["column"] not in table.position
            or (listed is not None and not ITEMS.fullmatch(listed.strip()))
        ):
            yield table.key_places[0], frozenset()
            return
        place = table.position[match["column"]]
        if match["null"]:
            yield place, frozenset([None])
        else:
            text = match["value"] or match["values"] or ""
            yield place, frozenset(_literal(item) for item in re.findall(ITEM, text))


def _literal(text: str) -> Any:
    return text[1:-1].replace("''", "'") if text.startswith("'") else int(text)
