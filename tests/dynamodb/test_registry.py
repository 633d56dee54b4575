"""The catalogue: what is saved is what every process reads, and what SQLite cannot read is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from cryptopulse.dynamodb.catalogue import Check, Column, Index, TableDef, Unique
from cryptopulse.dynamodb.options import Options
from cryptopulse.dynamodb.registry import Registry, table_from_text, table_to_text
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb.tables import physical_name

COIN = TableDef(
    name="coin",
    physical="p-coin",
    columns=(
        Column(name="id", type="integer", attribute="id", null=False),
        Column(name="logo", type="blob", attribute="logo@2", null=True, absent=b"\x00png"),
    ),
    key=("id",),
    auto="id",
    indexes=(Index(name="by_logo", columns=("logo",), slot=1, condition='"id" > 3'),),
    uniques=(Unique(name="one", slot=2, expressions=('LOWER("logo")',), nulls_distinct=False),),
    checks=(Check(name="positive", sql='"id" > 0'),),
    next_slot=3,
    retired=("logo",),
)


@pytest.fixture
def registry(store: Store) -> Registry:
    store.registry.ensure()
    return store.registry


def another(store: Store) -> Registry:
    """Return the registry as another process would have it."""
    registry = Registry(store)
    registry.ensure()
    return registry


def test_a_definition_survives_as_text_bytes_included() -> None:
    assert table_from_text(table_to_text(COIN)) == COIN


def test_another_process_reads_what_was_saved(store: Store, registry: Registry) -> None:
    registry.save(COIN)
    assert another(store).tables == {"coin": COIN}


def test_a_change_is_seen_once_the_catalogue_is_asked(store: Store, registry: Registry) -> None:
    other = another(store)
    seen = other.generation
    registry.save(COIN)
    assert other.tables == {}
    other.refresh()
    assert other.tables == {"coin": COIN}
    assert other.generation > seen


def test_two_processes_that_save_do_not_undo_each_other(store: Store, registry: Registry) -> None:
    other = another(store)
    registry.save(COIN)
    other.save(replace(COIN, name="user", physical="p-user"))
    registry.refresh()
    assert set(registry.tables) == set(other.tables) == {"coin", "user"}


def test_a_rename_leaves_one_entry(store: Store, registry: Registry) -> None:
    registry.save(COIN)
    registry.rename("coin", replace(COIN, name="asset"))
    assert set(another(store).tables) == {"asset"}


def test_a_removed_table_is_gone(store: Store, registry: Registry) -> None:
    registry.save(COIN)
    registry.remove("coin")
    assert another(store).tables == registry.tables == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": (replace(COIN.columns[0], type="integer)"),), "key": ("id",)},
        {"checks": (Check(name="broken", sql='"nowhere" > 0'),)},
        {"indexes": (replace(COIN.indexes[0], condition="RAND() > 0.5"),)},
        {"columns": (*COIN.columns, replace(COIN.columns[1], name="x", generated="nothing(1)"))},
    ],
    ids=["type", "column", "chance", "function"],
)
def test_a_definition_that_sqlite_cannot_read_is_refused(
    store: Store, registry: Registry, changes: dict[str, Any]
) -> None:
    with pytest.raises(OperationalError):
        registry.save(replace(COIN, **changes))
    assert another(store).tables == {}


def test_wiping_drops_every_table_of_the_prefix_and_no_other(
    store: Store, registry: Registry, options: Options
) -> None:
    store.registry.ddl.create(f"{options.prefix}-coin")
    neighbour = f"{options.prefix}x-coin"
    store.registry.ddl.create(neighbour)
    registry.wipe()
    assert list(registry.ddl.names(f"{options.prefix}-")) == []
    assert registry.ddl.exists(neighbour)
    registry.ddl.drop(neighbour)


def test_physical_names_are_legal_and_never_shared() -> None:
    assert physical_name("cp", "auth_user", ()) == "cp-auth_user"
    assert physical_name("cp", "auth_user", {"cp-auth_user"}) == "cp-auth_user-2"
    odd, other = physical_name("cp", "prix €", ()), physical_name("cp", "prix £", ())
    assert odd != other
    assert odd.isascii()
    assert len(physical_name("cp", "x" * 300, {"cp-" + "x" * 300})) <= 255
