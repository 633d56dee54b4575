"""Random rows of the zoo, from pools so small that they collide."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

LONG = "once upon a time " * 32  # longer than a value may be in any key
KINDS = ("cat", "cat", "cat", "ant", "ant", "Cat", "", "ölm", "\U0001f40d", "\ue000", "a%t", "a_t")
CODES = ("a", "A", "b", "ab", "ä", "\U0001f600", "1", "01")
STORIES = ("", "a", "once upon a time", LONG, LONG + "a", LONG + "b", LONG + "\U0001f600", "\x01")
NAMES = ("ana", "Ana", "bo", "", LONG + "x", LONG + "y", "\U0010ffff")
GUESTS = ("al", "Al", "bob", "ö")
MOMENTS = (
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
)
#: No more than 15 digits, beyond which SQLite itself rounds.
PRICES = tuple(
    map(Decimal, ("-1000000", "-2.5", "-0.00000001", "0", "0.1", "2.5", "10", "1234567.12345678"))
)
MASSES = (-1.5, 0.0, 0.1, 2.0, 1e300, 5e-324)
NUMBERS = (-3, 0, 1, 2, 4, 10)
IDS = tuple(range(1, 17))


def maybe(values: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of these values and None."""
    return st.sampled_from((None, *values))


#: What each field is given and asked for.
ANIMAL: dict[str, st.SearchStrategy[Any]] = {
    "keeper_id": maybe(NAMES),
    "code": st.none() | maybe(CODES),
    "cage": st.none() | maybe((1, 2)),
    "spot": maybe((1, 2)),
    "kind": st.sampled_from(KINDS),
    "legs": st.sampled_from(NUMBERS[1:]),
    "tame": maybe((True, False)),
    "born": maybe(MOMENTS),
    "mass": maybe(MASSES),
    "price": maybe(PRICES),
    "story": st.sampled_from(STORIES),
}
animals = st.fixed_dictionaries({"id": st.sampled_from(IDS), **ANIMAL})
keepers = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES), "boss_id": maybe(NAMES), "pay": maybe(PRICES)}
)
visits = st.fixed_dictionaries(
    {
        "guest": st.sampled_from(GUESTS),
        "day": st.sampled_from(NUMBERS),
        "animal_id": maybe(IDS),
        "paid": st.sampled_from(PRICES),
    }
)


def _without_collisions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that no constraint of the animals refuses, in order."""
    taken: set[Any] = set()
    kept = []
    for row in rows:
        claims = {("id", row["id"]), ("code", row["code"]), ("at", row["cage"], row["spot"])}
        if row["tame"]:
            claims.add(("tame", row["kind"], row["mass"]))
        claims = {claim for claim in claims if None not in claim}
        if not claims & taken:
            taken |= claims
            kept.append(row)
    return kept


#: Rows for each model, all of which can be stored.
contents = st.fixed_dictionaries(
    {
        "Keeper": st.lists(keepers, max_size=6, unique_by=lambda row: row["name"]),
        "Animal": st.lists(animals, min_size=1, max_size=20, unique_by=lambda row: row["id"]).map(
            _without_collisions
        ),
        "Visit": st.lists(
            visits, min_size=1, max_size=10, unique_by=lambda row: (row["guest"], row["day"])
        ),
    }
)
