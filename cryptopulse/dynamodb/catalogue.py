"""What is known of each table: its columns, key, indexes and constraints, and where they live.

A `TableDef` is immutable and derived from one JSON document, which `registry.py` keeps in
DynamoDB. Nothing in it depends on the models of the process that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

Kind = Literal["integer", "real", "decimal", "blob", "text"]
#: What SQLite hands to a virtual table and takes from it. Decimals travel as text.
Value = int | float | str | bytes | None

BUILDING, READY = "building", "ready"
#: Rows expire by the column's text, which Django writes in UTC.
MAX_INDEXES = 20


def kind_of(declared: str) -> Kind:
    """Return how values of a column of this declared type are stored and compared."""
    name = declared.lower()
    if "decimal" in name:
        return "decimal"
    if "int" in name or name == "bool":
        return "integer"
    if "blob" in name:
        return "blob"
    return "real" if name in {"real", "double", "float"} else "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `attribute` is its name in the items, which renaming leaves alone."""

    name: str
    type: str  # as Django's SQLite backend declares it: "varchar(30)"
    attribute: str
    null: bool
    scale: int | None = None  # decimal places, which values are rounded to when written
    collation: str | None = None
    is_json: bool = False
    #: (table, column) that a foreign key names; for introspection, joins read ahead and checks.
    references: tuple[str, str] | None = None
    is_constrained: bool = False  # the foreign key is one of the database (db_constraint)
    #: What a row without the attribute has: the default at the time the column was added.
    absent: Value = None
    #: What a stored NULL reads as, once the column no longer takes NULL.
    filler: Value = None
    #: SQL that gives a value to a row written without one (Django's db_default).
    db_default: str | None = None
    #: SQL over the other columns (GeneratedField): evaluated when a row is written.
    generated: str | None = None
    is_virtual: bool = False  # a GeneratedField with db_persist=False

    @property
    def kind(self) -> Kind:
        """How values are stored and compared."""
        return kind_of(self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A global secondary index. Its attributes in an item are `@<slot>p` and `@<slot>s`."""

    name: str
    columns: tuple[str, ...]
    slot: int  # never used twice in a table, so that leftovers of a dropped index mean nothing
    #: 0: partition = first column, sort = the others. n: partition = one of n shards of the
    #: row's key, sort = all columns.
    shards: int = 0
    condition: str | None = None  # SQL; rows for which it does not hold are not in the index
    #: From a ForeignKey or db_index rather than from Meta.indexes.
    is_implied: bool = False
    state: str = READY
    descending: tuple[bool, ...] = ()  # as declared; only introspection asks
    #: False: accepted and left out, because it is one of expressions, because a declared index
    #: serves as well as this implied one, or because a table may have no more.
    is_built: bool = True
    expressions: tuple[str, ...] = ()  # SQL, instead of columns; only introspection asks
    is_wanted: bool = True  # False: TABLES names it as unbuilt

    @property
    def partition_attribute(self) -> str:
        """Name of the attribute that holds the index's partition key."""
        return f"@{self.slot}p"

    @property
    def sort_attribute(self) -> str:
        """Name of the attribute that holds the index's sort key."""
        return f"@{self.slot}s"

    @property
    def physical(self) -> str:
        """Name of the index in DynamoDB."""
        return f"index-{self.slot}"  # DynamoDB wants three characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A unique constraint, kept by one sentinel item for each set of values."""

    name: str
    slot: int
    columns: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()  # SQL, instead of columns
    condition: str | None = None
    nulls_distinct: bool = True
    is_implied: bool = False  # from unique=True or unique_together

    @property
    def is_plain(self) -> bool:
        """Tell whether a row can be found by the sentinel of its columns' values."""
        return bool(self.columns) and self.condition is None and self.nulls_distinct


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A CHECK constraint; SQL over the table's columns, evaluated when a row is written."""

    name: str
    sql: str
    #: The column whose type brings the check (PositiveIntegerField), else None.
    column: str | None = None


@dataclass(frozen=True, kw_only=True)
class TableDef:
    """One table, as one version of the catalogue describes it."""

    name: str  # Django's db_table
    physical: str  # the table's name in DynamoDB, prefix and all
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # the primary key's columns
    #: A migration took the primary key away and has not yet named another. The rows keep theirs.
    is_keyless: bool = False
    auto: str | None = None  # the column that a sequence fills
    shards: int = 1
    ttl: str | None = None
    indexes: tuple[Index, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    next_slot: int = 1
    #: Attribute names of dropped columns, which items may still carry.
    retired: tuple[str, ...] = ()

    # --- JSON -------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return the document that the registry keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableDef:
        """Return the table that a document describes."""
        parts = {
            "columns": tuple(_column(column) for column in document["columns"]),
            "indexes": tuple(_with_tuples(Index, index) for index in document["indexes"]),
            "uniques": tuple(_with_tuples(Unique, unique) for unique in document["uniques"]),
            "checks": tuple(Check(**check) for check in document["checks"]),
            "key": tuple(document["key"]),
            "retired": tuple(document["retired"]),
        }
        return cls(**{**document, **parts})

    # --- positions --------------------------------------------------------------------------

    @cached_property
    def position(self) -> dict[str, int]:
        """Column name -> its place in a row's values."""
        return {column.name: place for place, column in enumerate(self.columns)}

    def places(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the places of columns in a row's values."""
        return tuple(self.position[name] for name in names)

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Places of the primary key's columns."""
        return self.places(self.key)

    @cached_property
    def has_integer_key(self) -> bool:
        """Tell whether a row's key can serve as SQLite's rowid."""
        return len(self.key) == 1 and self.columns[self.key_places[0]].kind == "integer"

    @cached_property
    def built_indexes(self) -> tuple[Index, ...]:
        """Indexes whose attributes are written with each row."""
        return tuple(index for index in self.indexes if index.is_built)

    @cached_property
    def ready_indexes(self) -> tuple[Index, ...]:
        """Indexes that the planner may use."""
        return tuple(index for index in self.built_indexes if index.state == READY)

    def columns_of(self, names: Sequence[str]) -> Iterator[Column]:
        """Yield the columns of these names."""
        return (self.columns[self.position[name]] for name in names)

    # --- SQLite -----------------------------------------------------------------------------

    @cached_property
    def declaration(self) -> str:
        """The CREATE TABLE that tells SQLite the columns and how they compare."""
        return f"CREATE TABLE x({', '.join(self._declare(column) for column in self.columns)})"

    def _declare(self, column: Column) -> str:
        # A column of type DECIMAL would make SQLite turn exact text into a double.
        declared = "text_decimal COLLATE DECIMAL" if column.kind == "decimal" else column.type
        if column.collation:
            declared += f" COLLATE {column.collation}"
        is_key = len(self.key) == 1 and column.name == self.key[0]
        name = column.name.replace('"', '""')
        return f'"{name}" {declared}{" PRIMARY KEY" if is_key else ""}'


def _column(document: Mapping[str, Any]) -> Column:
    references = document.get("references")
    return Column(**{**document, "references": tuple(references) if references else None})


def _with_tuples(kind: type[Any], document: Mapping[str, Any]) -> Any:
    return kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.items()
        }
    )
