"""Which coins a page asks for: `?coins=bitcoin,ethereum`. No Django, no I/O."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qs

#: A set of more coins than this is the whole ticker.
MOST_COINS = 100
#: Of a name that is told back; a close reason has room for 123 bytes.
_SHOWN = 60


class CoinsRefused(ValueError):  # noqa: N818 (it is what happened, not a fault)
    """The coins cannot be watched; says why in a sentence of at most 123 bytes."""


def asked_coins(query: bytes, *, known: Collection[str]) -> frozenset[str] | None:
    """Return the set that a query string asks for, or None for all coins.

    In whatever order and however often they are named, equal sets are equal. Raises CoinsRefused.
    While no coin is known (the database is away), any are taken at their word.
    """
    try:
        values = parse_qs(query.decode(), keep_blank_values=True, max_num_fields=8).get("coins")
    except ValueError:
        raise CoinsRefused("The address cannot be read.") from None
    if values is None:
        return None
    coins = frozenset(each.strip() for value in values for each in value.split(","))
    if len(coins) > MOST_COINS:
        raise CoinsRefused(f"At most {MOST_COINS} coins; without `coins` you get all of them.")
    if "" in coins:
        raise CoinsRefused("Name coins by their ids: ?coins=bitcoin,ethereum")
    strangers = sorted(each for each in coins if each not in known) if known else []
    if strangers:
        raise CoinsRefused(f"No coin has the id {ascii(strangers[0])[:_SHOWN]}.")
    return coins
