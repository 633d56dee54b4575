"""Random writes: what one does to a database, and what the database says to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Case, F, Q, Value, When
from hypothesis import strategies as st

from . import data
from .models import Animal, Keeper, Visit

Row = dict[str, Any]
Do = Callable[[str], Any]


@dataclass(frozen=True)
class Write:
    """One operation; `how` names it and `what` is what it needs."""

    how: str
    what: tuple[Any, ...]

    def run(self, using: str) -> Any:
        """Do it whole or not at all; return its result or the class of its error."""
        return self._outcome(WRITES[self.how], using)

    def _outcome(self, do: Callable[..., Any], using: str) -> Any:
        if not transaction.get_connection(using).in_atomic_block:
            return _said(lambda: do(using, *self.what))
        return _said(lambda: _in_savepoint(do, using, self.what))


@dataclass(frozen=True)
class Block:
    """An atomic block, which ends in an error when `fails`."""

    steps: tuple[Write | Block, ...]
    fails: bool

    def run(self, using: str) -> Any:
        """Run the steps; return the outcome of each."""
        said: list[Any] = []

        def steps() -> None:
            with transaction.atomic(using=using):
                said.extend(step.run(using) for step in self.steps)
                if self.fails:
                    raise Failure

        return said, _said(steps)


class Failure(Exception):  # noqa: N818 - meant, not an error
    """What ends a block that is to be rolled back."""


def _in_savepoint(do: Callable[..., Any], using: str, what: Sequence[Any]) -> Any:
    with transaction.atomic(using=using):
        return do(using, *what)


def _said(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (DatabaseError, Failure, Animal.DoesNotExist) as error:
        return type(error).__name__


# --- the operations ---------------------------------------------------------------------------


def _create(using: str, model: Any, row: Row) -> None:
    model.objects.using(using).create(**row)


def _save(using: str, row: Row) -> None:
    Animal(**row).save(using=using)


def _update(using: str, where: Q, values: Row) -> Any:
    return Animal.objects.using(using).filter(where).update(**values)


def _renumber(using: str, old: int, new: int) -> Any:
    return Animal.objects.using(using).filter(pk=old).update(id=new)


def _delete(using: str, where: Q) -> Any:
    return Animal.objects.using(using).filter(where).delete()[1].get("zoo.Animal", 0)


def _swap_codes(using: str, one: str, other: str) -> Any:
    swapped = Case(When(code=one, then=Value(other)), default=Value(one))
    return Animal.objects.using(using).filter(code__in=[one, other]).update(code=swapped)


def _swap_slowly(using: str, one: str, other: str) -> list[int]:
    animals = Animal.objects.using(using)
    with transaction.atomic(using=using):
        return [
            animals.filter(code=old).update(code=new)
            for old, new in ((one, "free"), (other, one), ("free", other))
        ]


def _bulk_create(using: str, rows: Sequence[Row]) -> None:
    Animal.objects.using(using).bulk_create([Animal(**row) for row in rows])


def _bulk_ignore(using: str, rows: Sequence[Row]) -> None:
    animals = [Animal(**row) for row in rows]
    Animal.objects.using(using).bulk_create(animals, ignore_conflicts=True)


def _bulk_upsert(using: str, rows: Sequence[Row], target: Sequence[str], fields: Any) -> None:
    Animal.objects.using(using).bulk_create(
        [Animal(**row) for row in rows],
        update_conflicts=True,
        unique_fields=target,
        update_fields=fields,
    )


def _bulk_update(using: str, values: dict[int, Row]) -> Any:
    animals = list(Animal.objects.using(using).filter(pk__in=values).order_by("pk"))
    for animal in animals:
        animal.legs, animal.price = values[animal.pk]["legs"], values[animal.pk]["price"]
        animal.story = values[animal.pk]["story"]
    if not animals:
        return 0
    return Animal.objects.using(using).bulk_update(animals, ["legs", "price", "story"])


def _get_or_create(using: str, code: str, row: Row) -> tuple[int, bool]:
    defaults = {name: value for name, value in row.items() if name != "code"}
    animal, is_new = Animal.objects.using(using).get_or_create(code=code, defaults=defaults)
    return animal.pk, is_new


def _update_or_create(using: str, code: str, row: Row) -> tuple[int, bool]:
    fields = ("cage", "spot", "kind", "legs", "tame", "mass")
    animal, is_new = Animal.objects.using(using).update_or_create(
        code=code,
        defaults={name: row[name] for name in fields},
        create_defaults={name: value for name, value in row.items() if name != "code"},
    )
    return animal.pk, is_new


def _visit(using: str, row: Row) -> Any:
    visits = Visit.objects.using(using)
    changed = visits.filter(guest=row["guest"]).update(paid=F("paid") + row["paid"])
    return changed + visits.filter(animal_id=row["animal_id"]).delete()[0]


def _pay(using: str, name: str, pay: Decimal) -> Any:
    return Keeper.objects.using(using).filter(name=name).update(pay=F("pay") - pay)


WRITES: dict[str, Callable[..., Any]] = {
    "create": _create,
    "save": _save,
    "update": _update,
    "renumber": _renumber,
    "delete": _delete,
    "swap codes": _swap_codes,
    "swap codes slowly": _swap_slowly,
    "bulk create": _bulk_create,
    "bulk ignore": _bulk_ignore,
    "bulk upsert": _bulk_upsert,
    "bulk update": _bulk_update,
    "get or create": _get_or_create,
    "update or create": _update_or_create,
    "visit": _visit,
    "pay": _pay,
}

# --- drawing them -----------------------------------------------------------------------------

_ids, _codes = st.sampled_from(data.IDS), st.sampled_from(data.CODES)
_where = st.one_of(
    _ids.map(lambda one: Q(pk=one)),
    st.lists(_ids, max_size=4).map(lambda some: Q(pk__in=some)),
    _codes.map(lambda code: Q(code=code)),
    st.sampled_from(data.KINDS).map(lambda kind: Q(kind=kind)),
    st.sampled_from(data.NUMBERS).map(lambda legs: Q(legs__gte=legs)),
    st.sampled_from([Q(cage=1, spot=1), Q(tame=True), Q(code=None), Q()]),
)
_new_values = st.one_of(
    st.sampled_from(sorted(data.ANIMAL)).flatmap(
        lambda name: st.fixed_dictionaries({name: data.ANIMAL[name]})
    ),
    st.fixed_dictionaries({"cage": data.ANIMAL["cage"], "spot": data.ANIMAL["spot"]}),
    st.fixed_dictionaries({"tame": data.ANIMAL["tame"], "mass": data.ANIMAL["mass"]}),
    st.sampled_from(
        [
            {"legs": F("legs") - 2},
            {"legs": F("legs") + F("id"), "story": F("kind")},
            {"price": F("price") + Decimal("0.00000001")},
            {"price": F("price") - F("legs")},
            {"code": F("code")},
            {"kind": None},
        ]
    ),
)
_some = st.lists(data.animals, min_size=1, max_size=5)
#: Rows that collide in their codes alone: which other collision counts depends on the database.
_coded = st.lists(
    st.builds(
        lambda row, code, number: {
            **row, "id": 100 + number, "code": code, "cage": None, "tame": None
        },
        data.animals, _codes, st.integers(0, 50),
    ),
    min_size=1, max_size=5, unique_by=(lambda row: row["id"], lambda row: row["code"]),
)  # fmt: skip
_updated = st.sampled_from([("legs", "price"), ("story", "kind"), ("born", "keeper")])


def _write(how: str, *what: Any) -> st.SearchStrategy[Write]:
    return st.tuples(*what).map(lambda drawn: Write(how, drawn))


_writes: st.SearchStrategy[Write] = st.one_of(
    _write("create", st.just(Animal), data.animals),
    _write("create", st.just(Keeper), data.keepers),
    _write("create", st.just(Visit), data.visits),
    _write("save", data.animals),
    _write("update", _where, _new_values),
    _write("update", _where, _new_values),
    _write("renumber", _ids, _ids),
    _write("delete", _where),
    _write("swap codes", _codes, _codes),
    _write("swap codes slowly", _codes, _codes),
    _write("bulk create", _some),
    _write("bulk ignore", _some),
    _write("bulk upsert", _coded, st.just(["code"]), _updated),
    _write(
        "bulk upsert",
        _some.map(lambda rows: [{**row, "code": None, "cage": None, "tame": None} for row in rows]),
        st.just(["id"]),
        _updated,
    ),
    _write("bulk update", st.dictionaries(_ids, data.animals, max_size=4)),
    _write("get or create", _codes, data.animals),
    _write("update or create", _codes, data.animals),
    _write("visit", data.visits),
    _write("pay", st.sampled_from(data.NAMES), st.sampled_from(data.PRICES)),
)


@st.composite
def writes(draw: Callable[[st.SearchStrategy[Write]], Write]) -> Write:
    """Draw a write."""
    return draw(_writes)


blocks: st.SearchStrategy[Block] = st.recursive(
    st.builds(Block, st.lists(writes(), min_size=1, max_size=4).map(tuple), st.booleans()),
    lambda inner: st.builds(
        Block, st.lists(writes() | inner, min_size=1, max_size=4).map(tuple), st.booleans()
    ),
    max_leaves=3,
)
Step = Write | Block
steps: st.SearchStrategy[Step] = writes() | blocks
