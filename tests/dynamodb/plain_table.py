"""A table made without the schema editor, for tests of what lies below it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from cryptopulse.dynamodb.catalogue import Column, Index, TableDef, Unique
from cryptopulse.dynamodb.codec import codec_of
from cryptopulse.dynamodb.errors import Conflict, Duplicate
from cryptopulse.dynamodb.metering import Meter
from cryptopulse.dynamodb.row import Row
from cryptopulse.dynamodb.store import Action, KeyRange, Store

NAME = Unique(name="account_name", slot=2, columns=("name",))
BY_OWNER = Index(name="account_owner", columns=("owner",), slot=1)


def account_table(prefix: str, *, ttl: str | None = None) -> TableDef:
    """Return a table of accounts: id, owner (indexed), name (unique), balance, until."""
    return TableDef(
        name="account",
        physical=f"{prefix}-account",
        columns=(
            Column(name="id", type="integer", attribute="id", null=False),
            Column(name="owner", type="varchar(30)", attribute="owner", null=True),
            Column(name="name", type="text", attribute="name", null=True),
            Column(name="balance", type="decimal", attribute="balance", null=True, scale=2),
            Column(name="until", type="datetime", attribute="until", null=True),
        ),
        key=("id",),
        auto="id",
        ttl=ttl,
        indexes=(BY_OWNER,),
        uniques=(NAME,),
        next_slot=3,
    )


def make_table(store: Store, table: TableDef) -> None:
    """Create a physical table with its indexes, and the catalogue's."""
    key_names = ["@s", "@k"]
    indexes = []
    for index in table.indexes:
        key_names += [index.partition_attribute, index.sort_attribute]
        indexes.append(
            {
                "IndexName": index.physical,
                "KeySchema": _schema(index.partition_attribute, index.sort_attribute),
                "Projection": {"ProjectionType": "ALL"},
            }
        )
    more = {"GlobalSecondaryIndexes": indexes} if indexes else {}
    _create(store, table.physical, key_names, **more)
    _create(store, store.catalogue, ["@s", "@k"])


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _create(store: Store, name: str, key_names: list[str], **more: object) -> None:
    store.call(
        store.housekeeping,
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in key_names],
        KeySchema=_schema("@s", "@k"),
        **more,
    )


@dataclass
class Accounts:
    """Reads and writes accounts as the unit of work does."""

    store: Store
    table: TableDef
    meter: Meter

    def key(self, number: int) -> str:
        return codec_of(self.table).encode_key((number,))

    def sentinel(self, name: str) -> str:
        return codec_of(self.table).sentinel(NAME, (name,))

    def get(self, number: int) -> Row | None:
        return self.store.get(self.meter, self.table, self.key(number))

    def balance(self, number: int) -> float | None:
        row = self.get(number)
        return None if row is None else float(str(row.values[3]))

    def put(
        self,
        number: int,
        token: str,
        *,
        balance: str = "10.00",
        owner: str = "alice",
        name: str | None = None,
        until: str | None = None,
        expected: str | None = None,
    ) -> Action:
        codec = codec_of(self.table)
        values = (number, owner, name, balance, until)
        item = codec.encode(self.key(number), values, token, None)
        failure = Duplicate("account.id") if expected is None else Conflict("account was changed")
        return Action("Put", self.table, item, expected, failure, group=self.key(number))

    def claim(self, name: str, number: int, token: str, owner: str | None = None) -> Action:
        item = codec_of(self.table).sentinel_item(self.sentinel(name), self.key(number), token)
        failure = Duplicate("account.name")
        return Action("Put", self.table, item, None, failure, group=self.key(number), owner=owner)

    def delete(self, number: int, expected: str) -> Action:
        item = codec_of(self.table).item_key(self.key(number))
        conflict = Conflict("account was changed")
        return Action("Delete", self.table, item, expected, conflict, group=self.key(number))

    def check(self, number: int, expected: str | None) -> Action:
        item = codec_of(self.table).item_key(self.key(number))
        failure = Conflict("account was changed")
        return Action("ConditionCheck", self.table, item, expected, failure)

    def commit(self, *actions: Action, token: str) -> None:
        self.store.commit(self.meter, actions, token)

    def create(self, *numbers: int, name: str | None = None, balance: str = "10.00") -> str:
        """Store accounts and return their version."""
        token = new_token()
        actions = [self.put(number, token, name=name, balance=balance) for number in numbers]
        if name is not None:
            actions.append(self.claim(name, numbers[0], token))
        self.commit(*actions, token=token)
        return token

    def update(self, number: int, expected: str, balance: str) -> str:
        token = new_token()
        self.commit(self.put(number, token, balance=balance, expected=expected), token=token)
        return token

    def ids(self, bounds: KeyRange, first: int | None = None) -> list[int]:
        pages = self.store.pages(self.meter, self.table, bounds, first)
        return [int(str(row.values[0])) for page in pages for row in page]


def new_token() -> str:
    """Return what a commit is known by."""
    return uuid4().hex
