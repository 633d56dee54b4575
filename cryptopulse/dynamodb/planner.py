"""How a table will be read: SQLite asks for each join order, the planner answers with a plan.

SQLite checks every row again, so a plan can be slow but never wrong. The costs are in units of
a single read; what matters is their order: one item, one unique value, a batch, a Query, a
whole table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import apsw

from .catalogue import Index, TableDef
from .guards import guards_of
from .plan import Path, Plan, describe
from .question import EQUALS, Question, order_of, read_question

#: SQLite tells of 63 columns whether they are used; the last stands for all behind it.
COUNTED_COLUMNS = 62
#: More rows than this are fetched in pages of DynamoDB's own size.
LONGEST_FIRST_PAGE = 1000

# What one plan costs, in reads of one item; what it is expected to return, in rows.
ITEM, SENTINEL, BATCH, QUERY, HASH, TABLE = 1.0, 2.0, 12.0, 4.0, 30_000.0, 60_000.0
SMALL_TABLE = 60.0
#: One row of so many has a given value of a column.
EQUAL_SELECTS = 8
TABLE_ROWS, SMALL_ROWS, PARTITION_ROWS, BATCH_ROWS = 5_000, 50, 200, 20


@dataclass(slots=True)
class Offer:
    """A plan with what it costs, and the numbers of the constraints that become arguments."""

    cost: float
    rows: float
    plan: Plan
    arguments: list[int]
    as_set: int | None = None
    is_single: bool = False


class Planner:
    """Plans for one table. Plans are numbered: SQLite remembers a number, not an object."""

    def __init__(self, table: TableDef, *, small: bool = False) -> None:
        self.table = table
        self.small = small
        self.plans: list[Plan] = []
        self._numbers: dict[Plan, int] = {}

    @cached_property
    def base(self) -> Path:
        """The table itself, in order of the primary key."""
        return Path(None, None, self.table.shards, self.table.key_places)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The base key first, then each index that is ready."""
        return (self.base, *(self._path(index) for index in self.table.ready_indexes))

    def _path(self, index: Index) -> Path:
        places = self.table.places(index.columns)
        guards = tuple(guards_of(index.condition, self.table)) if index.condition else ()
        if index.shards:
            return Path(index, None, index.shards, (*places, *self.table.key_places), guards)
        return Path(index, places[0], 0, (*places[1:], *self.table.key_places), guards)

    @cached_property
    def _collations(self) -> tuple[str, ...]:
        """How each column compares, and so its keys: any other comparison is left to SQLite."""
        return tuple(
            "DECIMAL" if column.kind == "decimal" else (column.collation or "BINARY").upper()
            for column in self.table.columns
        )

    # --- SQLite asks ------------------------------------------------------------------------

    def best_index(self, info: apsw.IndexInfo, *, counting: bool, alone: bool = False) -> bool:
        """Answer xBestIndex: choose a plan, say what it costs and which arguments it wants.

        `alone`: the statement reads no other table, so that what is asked is asked once.
        """
        question = read_question(info, self._collations)
        question.is_alone = alone
        offer = min(self._offers(question), key=lambda offer: offer.cost)
        plan = offer.plan
        if counting and self._is_countable(plan, question):
            plan = replace(plan, counted=True)
        numbers = list(dict.fromkeys(offer.arguments))
        if len(numbers) < len(offer.arguments):
            plan = replace(plan, spread=tuple(numbers.index(each) for each in offer.arguments))
        plan = replace(plan, text=describe(plan, self.table))
        for position, number in enumerate(numbers, 1):
            info.set_aConstraintUsage_argvIndex(number, position)
        if offer.as_set is not None:
            info.set_aConstraintUsage_in(offer.as_set, True)
        info.estimatedCost = offer.cost
        info.estimatedRows = max(int(offer.rows), 1)
        info.orderByConsumed = plan.ordered or (offer.is_single and bool(question.order))
        if offer.is_single:
            info.idxFlags = apsw.SQLITE_INDEX_SCAN_UNIQUE
        info.idxNum = self._number(plan)
        info.idxStr = plan.text
        return True

    def _number(self, plan: Plan) -> int:
        if plan not in self._numbers:
            self._numbers[plan] = len(self.plans)
            self.plans.append(plan)
        return self._numbers[plan]

    # --- offers -----------------------------------------------------------------------------

    def _offers(self, question: Question) -> Iterator[Offer]:
        key = self.table.key_places
        if all(place in question.equal for place in key):
            arguments = [question.equal[place][0] for place in key]
            yield Offer(ITEM, 1, Plan("item"), arguments, is_single=True)
            return
        for unique in self.table.uniques:
            places = self.table.places(unique.columns)
            # Any number of rows may have NULL, so that IS and IS NULL are not for a sentinel.
            if unique.is_plain and all(question.is_equal(place) for place in places):
                arguments = [question.equal[place][0] for place in places]
                yield Offer(SENTINEL, 1, Plan("unique", unique=unique), arguments, is_single=True)
        if len(key) == 1 and key[0] in question.sets:
            number = question.sets[key[0]]
            yield Offer(BATCH, BATCH_ROWS, Plan("batch"), [number], as_set=number)
        for path in self.paths:
            if offer := self._range(path, question):
                yield offer
        yield from self._whole(question)

    def _whole(self, question: Question) -> Iterator[Offer]:
        """Offer to read the whole table: once for each statement, however often it is asked."""
        rows = SMALL_ROWS if self.small else TABLE_ROWS
        cost = SMALL_TABLE if self.small else TABLE
        for place, (number, operator) in question.equal.items():
            if operator == EQUALS:
                plan = Plan("hash", column=place)
                yield Offer(cost * HASH / TABLE, BATCH_ROWS, plan, [number])
                break
        yield Offer(cost, rows, Plan("table"), [])

    def _range(self, path: Path, question: Question) -> Offer | None:
        """Offer a Query: a partition, equal values of the next columns, a range, an order."""
        many = False
        arguments: list[int] = []
        place = path.partition
        if place is not None:
            many = place not in question.equal
            if many and place not in question.sets:
                return None
            arguments.append(question.sets[place] if many else question.equal[place][0])
        if not all(place in question.equal for place, _ in path.guards):
            return None
        equal = self._prefix(path, question)
        arguments += [question.equal[place][0] for place, _ in equal]
        next_place = path.sort[len(equal)] if len(equal) < len(path.sort) else None
        low, high = question.low.get(next_place), question.high.get(next_place)  # type: ignore[arg-type]
        arguments += [number for number in (low, high) if number is not None]
        ordered, descending = (False, False) if many else order_of(path, len(equal), question)
        is_bound = place is not None or bool(equal) or low is not None or high is not None
        is_paged = question.limit is not None and path.index is None
        if not is_bound and not is_paged and not (ordered and question.order):
            return None
        guarded = tuple(place for place, _ in path.guards)
        arguments += [question.equal[place][0] for place in guarded]
        limit = question.limit if ordered or not question.order else None
        plan = Plan(
            "range",
            path,
            many_partitions=many,
            equal=equal,
            partition_may_be_null=place is not None and not many and question.may_be_null(place),
            has_low=low is not None,
            has_high=high is not None,
            descending=descending,
            ordered=ordered and bool(question.order),
            limit=min(limit, LONGEST_FIRST_PAGE) if limit else None,
            guarded=guarded,
            order=question.order if guarded else (),
        )
        cost, rows = self._cost(plan, question)
        as_set = question.sets[place] if many and place is not None else None
        return Offer(cost, rows, plan, arguments, as_set=as_set)

    def _prefix(self, path: Path, question: Question) -> tuple[tuple[int, bool], ...]:
        equal = []
        for place in path.sort:
            if place not in question.equal:
                break
            equal.append((place, question.may_be_null(place)))
        return tuple(equal)

    def _cost(self, plan: Plan, question: Question) -> tuple[float, float]:
        path = plan.path
        assert path is not None  # noqa: S101 (a range has one)
        rows: float = PARTITION_ROWS
        if path.partition is None:
            rows = SMALL_ROWS if self.small else TABLE_ROWS
        elif self.small and question.is_alone:
            # Half of what reading all costs, or less; in a join, all of it is read only once.
            rows = SMALL_ROWS / EQUAL_SELECTS
        rows /= EQUAL_SELECTS ** len(plan.equal)
        rows /= 2 ** (plan.has_low + plan.has_high)
        if path.guards:
            rows /= 2  # a partial index holds less
        if plan.limit and (plan.ordered or not question.order):
            # What the keys do not select is read and thrown away until the page is full.
            served = {path.partition, *plan.guarded, *(place for place, _ in plan.equal)}
            unserved = len(question.equal.keys() - served)
            rows = min(rows, float(plan.limit) * EQUAL_SELECTS**unserved)
        sorting = 1.0 if plan.ordered or not question.order else 1.15
        requests = max(path.shards, 1) * (5 if plan.many_partitions else 1)
        per_row = 5.0 if plan.many_partitions else 1.0
        return QUERY * requests + rows * per_row * sorting, rows

    def _is_countable(self, plan: Plan, question: Question) -> bool:
        """Tell whether every column that the statement reads has one value, which is known."""
        if plan.kind not in {"range", "table"} or plan.many_partitions or plan.has_low:
            return False
        if plan.has_high or len(self.table.columns) > COUNTED_COLUMNS:
            return False
        known = {place for place, _ in plan.equal} | set(plan.guarded)
        if plan.path and plan.path.partition is not None:
            known.add(plan.path.partition)
        return question.used <= known
