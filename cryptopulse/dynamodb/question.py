"""What SQLite asks when it plans: which constraints it knows, which order it wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import apsw

from .plan import Path

EQUALS, IS, IS_NULL = (
    apsw.SQLITE_INDEX_CONSTRAINT_EQ,
    apsw.SQLITE_INDEX_CONSTRAINT_IS,
    apsw.SQLITE_INDEX_CONSTRAINT_ISNULL,
)
LOWER = (apsw.SQLITE_INDEX_CONSTRAINT_GT, apsw.SQLITE_INDEX_CONSTRAINT_GE)
UPPER = (apsw.SQLITE_INDEX_CONSTRAINT_LT, apsw.SQLITE_INDEX_CONSTRAINT_LE)
PAGING = (apsw.SQLITE_INDEX_CONSTRAINT_LIMIT, apsw.SQLITE_INDEX_CONSTRAINT_OFFSET)


@dataclass(slots=True)
class Question:
    """The constraints and the order that SQLite offers, by place of the column."""

    equal: dict[int, tuple[int, int]] = field(default_factory=dict)  # place: (number, operator)
    sets: dict[int, int] = field(default_factory=dict)
    low: dict[int, int] = field(default_factory=dict)
    high: dict[int, int] = field(default_factory=dict)
    limit: int | None = None
    order: tuple[tuple[int, bool], ...] = ()
    used: frozenset[int] = frozenset()  # places of the columns that the statement reads
    is_alone: bool = False  # no join asks again for each row of another table

    def is_equal(self, place: int) -> bool:
        """Tell whether the column must equal a value that is not NULL."""
        return place in self.equal and self.equal[place][1] == EQUALS

    def may_be_null(self, place: int) -> bool:
        """Tell whether NULL equals NULL here (IS, IS NULL)."""
        return self.equal[place][1] != EQUALS


def read_question(info: apsw.IndexInfo, collations: Sequence[str]) -> Question:
    """Return what SQLite offers as constraints that keys can serve."""
    question = Question(used=frozenset(info.colUsed))
    for number in range(info.nConstraint):
        if not info.get_aConstraint_usable(number):
            continue
        operator = info.get_aConstraint_op(number)
        if operator in PAGING:
            # Django writes LIMIT and OFFSET as literals; SQLite applies them itself in any case.
            value = info.get_aConstraint_rhs(number)
            if isinstance(value, int) and value > 0:
                question.limit = (question.limit or 0) + value
            continue
        place = info.get_aConstraint_iColumn(number)
        if place < 0 or info.get_aConstraint_collation(number).upper() != collations[place]:
            continue
        if operator == EQUALS and info.get_aConstraintUsage_in(number):
            question.sets.setdefault(place, number)
        elif operator in {EQUALS, IS, IS_NULL}:
            question.equal.setdefault(place, (number, operator))
        elif operator in LOWER:
            question.low.setdefault(place, number)
        elif operator in UPPER:
            question.high.setdefault(place, number)
    question.order = tuple(
        (info.get_aOrderBy_iColumn(number), bool(info.get_aOrderBy_desc(number)))
        for number in range(info.nOrderBy)
    )
    return question


def order_of(path: Path, equal: int, question: Question) -> tuple[bool, bool]:
    """Tell whether a Query returns the wanted order, and whether it must run backwards."""
    wanted = [term for term in question.order if term[0] not in question.equal]
    if not wanted:
        return True, False
    descending = wanted[0][1]
    left = (place for place in path.sort[equal:] if place not in question.equal)
    tail = list(dict.fromkeys(left))
    # Behind the whole primary key nothing is left to be ordered.
    for position, (place, backwards) in enumerate(wanted):
        if position >= len(tail):
            return True, descending
        if place != tail[position] or backwards != descending:
            return False, False
    return True, descending
