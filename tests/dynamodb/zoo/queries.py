"""Random queries: what one asks for, and what a database answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from hypothesis import strategies as st

from . import data
from .models import Animal, Keeper, Visit

COMPARISONS = ("exact", "gt", "gte", "lt", "lte")


def _on(name: str, values: st.SearchStrategy[Any], *, is_text: bool = False) -> Any:
    """Return a strategy of conditions on one field."""
    known = values.filter(lambda value: value is not None)
    lookups = [
        st.tuples(st.sampled_from(COMPARISONS), known),
        st.tuples(st.just("exact"), values),
        st.tuples(st.just("in"), st.lists(values, max_size=4)),
        st.tuples(st.just("range"), st.tuples(known, known)),
        st.tuples(st.just("isnull"), st.booleans()),
    ]
    if is_text:
        texts = ("startswith", "istartswith", "contains", "endswith", "iexact")
        lookups.append(st.tuples(st.sampled_from(texts), known))
    return st.one_of(lookups).map(lambda pair: Q(**{f"{name}__{pair[0]}": pair[1]}))


def _trees(leaves: st.SearchStrategy[Q]) -> st.SearchStrategy[Q]:
    """Return a strategy of conditions that are joined and negated."""
    conjunctions = st.lists(leaves, max_size=3).map(lambda parts: Q(*parts))
    return conjunctions | st.recursive(
        leaves,
        lambda inner: (
            st.builds(lambda one: ~one, inner)
            | st.builds(lambda one, other: one & other, inner, inner)
            | st.builds(lambda one, other: one | other, inner, inner)
        ),
        max_leaves=4,
    )


_TEXTS = {"code", "kind", "story", "keeper_id"}
_PATHS = {
    "keeper_id": "keeper__name",
    "keeper": "keeper__name",
    "boss": "boss__name",
    "animal": "animal__id",
}  # a foreign key's own name takes few lookups
_ids = st.sampled_from(data.IDS)
_on_animal = st.one_of(
    _on("id", _ids),
    *(
        _on(_PATHS.get(name, name), values, is_text=name in _TEXTS)
        for name, values in data.ANIMAL.items()
    ),
    st.builds(
        lambda one, lookup, other: Q(**{f"{one}__{lookup}": F(other)}),
        st.sampled_from(["legs", "cage", "spot"]),
        st.sampled_from(COMPARISONS),
        st.sampled_from(["id", "spot", "legs"]),
    ),
    _on("keeper__pay", data.maybe(data.PRICES)),
    _on("keeper__boss__name", st.sampled_from(data.NAMES), is_text=True),
)
_on_keeper = st.one_of(
    _on("name", st.sampled_from(data.NAMES), is_text=True),
    _on("boss__name", data.maybe(data.NAMES), is_text=True),
    _on("pay", data.maybe(data.PRICES)),
    _on("animals__kind", st.sampled_from(data.KINDS)),
)
_guests = st.sampled_from(data.GUESTS)
_pairs = st.tuples(_guests, st.sampled_from(data.NUMBERS))
_on_visit = st.one_of(
    _on("guest", _guests, is_text=True),
    _on("day", st.sampled_from(data.NUMBERS)),
    _on("paid", st.sampled_from(data.PRICES)),
    _on("animal__id", data.maybe(data.IDS)),
    _on("animal__kind", st.sampled_from(data.KINDS)),
    _pairs.map(lambda pair: Q(pk=pair)),
    st.lists(_pairs, min_size=1, max_size=3).map(lambda pairs: Q(pk__in=pairs)),
)
#: model, conditions, fields to order by
_MODELS: tuple[tuple[Any, st.SearchStrategy[Q], tuple[str, ...]], ...] = (
    (Animal, _trees(_on_animal), ("id", *data.ANIMAL, "keeper__pay")),
    (Animal, _trees(_on_animal), ("kind", "price", "story", "born", "legs")),
    (Keeper, _trees(_on_keeper), ("name", "boss_id", "pay")),
    (Visit, _trees(_on_visit), ("guest", "day", "paid", "animal_id")),
)


#: model, columns of an index, what else it asks for
_INDEXES: tuple[tuple[Any, tuple[str, ...], dict[str, Any]], ...] = (
    (Animal, ("keeper", "born", "pk"), {}),
    (Animal, ("kind", "legs", "price", "pk"), {}),
    (Animal, ("kind", "story", "pk"), {}),
    (Animal, ("price", "pk"), {}),
    (Animal, ("story", "pk"), {}),
    (Animal, ("legs", "mass", "pk"), {"kind": "cat"}),
    (Animal, ("born", "pk"), {"kind": "cat", "cage": None}),
    (Animal, ("code", "cage", "spot"), {}),
    (Animal, ("pk", "price"), {}),
    (Keeper, ("boss", "name"), {}),
    (Keeper, ("name", "pay"), {}),
    (Visit, ("paid", "day", "guest"), {}),
    (Visit, ("guest", "day"), {}),
    (Visit, ("animal", "guest", "day"), {}),
)
_POOLS = {
    **data.ANIMAL,
    "keeper": data.maybe(data.NAMES),
    "boss": data.maybe(data.NAMES),
    "animal": data.maybe(data.IDS),
    "pk": _ids,
    "name": st.sampled_from(data.NAMES),
    "pay": data.maybe(data.PRICES),
    "paid": st.sampled_from(data.PRICES),
    "guest": _guests,
    "day": st.sampled_from(data.NUMBERS),
}


@dataclass(frozen=True)
class Query:
    """A query: everything that it needs to be asked of any database."""

    model: Any
    where: Q
    order: tuple[str, ...]
    window: slice
    shape: str
    other: Q
    is_total: bool = False  # the order leaves nothing open

    def answer(self, using: str) -> Any:
        """Return what a database says; rows in their order only where the query has one."""
        rows = self.model.objects.using(using).filter(self.where)
        answer = SHAPES[self.shape](self, rows)
        return answer if self.order or not isinstance(answer, list) else sorted(answer, key=repr)

    def ordered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows in the wanted order, a total one, and the wanted part of them."""
        if not self.order:
            return rows
        keys = ("guest", "day") if self.model is Visit else ("pk",)
        return rows.order_by(*self.order, *(() if self.is_total else keys))[self.window]


def _values(query: Query, rows: QuerySet[Any]) -> list[Any]:
    return list(query.ordered(rows).values_list())


def _distinct(query: Query, rows: QuerySet[Any]) -> list[Any]:
    name = query.order[0].lstrip("-") if query.order else _number(query)
    rows = rows.order_by(query.order[0]) if query.order else rows.order_by()
    return list(rows.values_list(name, flat=True).distinct())


def _related(query: Query, rows: QuerySet[Any]) -> list[Any]:
    if query.model is Animal:
        rows = rows.select_related("keeper__boss")
        names: tuple[str, ...] = ("pk", "keeper__name", "keeper__boss__pay")
    elif query.model is Visit:
        rows, names = rows.select_related("animal__keeper"), ("paid", "animal__keeper__name")
    else:
        rows, names = rows.select_related("boss"), ("pk", "boss__pay")
    return [tuple(_reach(row, name) for name in names) for row in query.ordered(rows)]


def _reach(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name, None)
    return row


def _number(query: Query) -> str:
    return {Animal: "legs", Keeper: "boss_id", Visit: "day"}[query.model]


def _aggregate(query: Query, rows: QuerySet[Any]) -> Any:
    number = {Animal: "price", Keeper: "pay", Visit: "paid"}[query.model]
    found = rows.aggregate(
        n=Count("pk"),
        low=Min(number),
        high=Max(number),
        different=Count(_number(query), distinct=True),
    )
    return (
        found,
        rows.aggregate(n=Sum(number))["n"],
        rows.aggregate(n=Avg("pk"))["n"] if (query.model is Animal) else None,
    )


def _groups(query: Query, rows: QuerySet[Any]) -> list[Any]:
    name = _number(query)
    groups = rows.order_by(name).values(name).annotate(n=Count("pk")).filter(n__gte=1)
    return list(groups.values_list(name, "n"))


def _reverse(query: Query, rows: QuerySet[Any]) -> list[Any]:
    name = {Animal: "visits", Keeper: "animals", Visit: "animal"}[query.model]
    return [(row.pk, row.n) for row in query.ordered(rows.annotate(n=Count(name)))]


def _subquery(query: Query, rows: QuerySet[Any]) -> list[Any]:
    latest = Visit.objects.filter(day=OuterRef(_number(query))).order_by("-paid", "guest")
    if query.model is Keeper:
        latest = Visit.objects.filter(animal__keeper=OuterRef("pk")).order_by(
            "-day", "-paid", "guest"
        )
    rows = rows.annotate(latest=Subquery(latest.values("paid")[:1]))
    return [(row.pk, row.latest) for row in query.ordered(rows)]


def _within(query: Query, rows: QuerySet[Any]) -> list[Any]:
    """Ask for what a subquery names."""
    other = query.model.objects.using(rows.db)
    name = _number(query)
    inner = rows.exclude(**{f"{name}__isnull": True}).values(name)
    return _values(query, other.filter(query.other, **{f"{name}__in": inner}))


def _union(query: Query, rows: QuerySet[Any]) -> list[Any]:
    others = query.model.objects.using(rows.db).filter(query.other)
    name = _number(query)
    both = rows.values_list(name).union(others.values_list(name), all=bool(query.window.start))
    return list(both.order_by(name))


def _except(query: Query, rows: QuerySet[Any]) -> list[Any]:
    others = query.model.objects.using(rows.db).filter(query.other)
    return sorted(rows.values_list("pk").difference(others.values_list("pk")), key=repr)


SHAPES: dict[str, Callable[[Query, QuerySet[Any]], Any]] = {
    "values": _values,
    "related": _related,
    "distinct": _distinct,
    "rows once": lambda query, rows: _values(query, rows.distinct()),
    "count": lambda _, rows: rows.count(),
    "counted part": lambda query, rows: query.ordered(rows).count(),
    "exists": lambda query, rows: query.ordered(rows).exists(),
    "aggregate": _aggregate,
    "groups": _groups,
    "reverse": _reverse,
    "subquery": _subquery,
    "within": _within,
    "union": _union,
    "except": _except,
}


Draw = Callable[[st.SearchStrategy[Any]], Any]
WINDOWS = ((0, None), (0, 1), (0, 3), (2, 3), (1, None))


@st.composite
def indexed(draw: Draw) -> Query:
    """Draw a query that an index answers, or almost."""
    model, columns, demands = draw(st.sampled_from(_INDEXES))
    where = Q(**demands)
    equal = draw(st.integers(0, len(columns) - 1))
    for name in columns[:equal]:
        where &= Q(**{name: draw(_POOLS[name])})
    known = _POOLS[columns[equal]].filter(lambda value: value is not None)
    bounds = draw(st.sampled_from([(), ("gt",), ("lte",), ("gte", "lt"), ("range",), ("in",)]))
    for bound in bounds:
        several = {"range": st.tuples(known, known), "in": st.lists(known, max_size=3)}
        name = _PATHS.get(columns[equal], columns[equal])
        where &= Q(**{f"{name}__{bound}": draw(several.get(bound, known))})
    sign = draw(st.sampled_from(["", "-"]))
    first = draw(st.sampled_from([0, equal, len(columns)]))
    return Query(
        model=model,
        where=where,
        order=tuple(sign + name for name in columns[first:]),
        window=_window(draw),
        shape=draw(st.sampled_from(["values", "values", "counted part", "count", "related"])),
        other=Q(),
        is_total=columns[-1] in {"pk", "name", "day"},
    )


def _window(draw: Draw) -> slice:
    start, size = draw(st.sampled_from(WINDOWS))
    return slice(start, size and start + size)


@st.composite
def free(draw: Draw) -> Query:
    """Draw a query of any shape."""
    model, conditions, fields = draw(st.sampled_from(_MODELS))
    orders = st.builds(
        lambda sign, name: sign + name, st.sampled_from(["", "-"]), st.sampled_from(fields)
    )
    return Query(
        model=model,
        where=draw(conditions),
        order=tuple(draw(st.lists(orders, max_size=3, unique_by=lambda name: name.lstrip("-")))),
        window=_window(draw),
        shape=draw(st.sampled_from(sorted(SHAPES))),
        other=draw(conditions),
    )


queries = indexed() | free()
