"""Numbers for automatic primary keys, taken from a counter in the catalogue table."""

from __future__ import annotations

import threading

from .actions import Item
from .catalogue import TableDef
from .errors import OutcomeUnknown, Unreachable
from .metering import Meter
from .transport import Refused, Transport


class Sequences:
    """The sequences of one database, and the blocks of numbers this process holds."""

    def __init__(self, transport: Transport, catalogue: str, block: int) -> None:
        self.transport = transport
        self.catalogue = catalogue  # the physical table
        self.block = block
        #: Physical table -> what its numbers are waited for with: a table whose numbers come slowly
        #: keeps nobody from those of another.
        self._locks: dict[str, threading.Lock] = {}
        #: Physical table -> (next number, last number) of the block that this process holds.
        self._held: dict[str, tuple[int, int]] = {}

    def take(self, meter: Meter, table: TableDef, count: int) -> int:
        """Return the first of `count` numbers in a row that nobody else gets. At most 1 request."""
        with self._lock_of(table):
            first, last = self._held.get(table.physical, (1, 0))
            if first + count - 1 > last:
                size = max(self.block, count)
                last = self._advance(meter, table, size)
                first = last - size + 1
            self._held[table.physical] = (first + count, last)
            return first

    def _lock_of(self, table: TableDef) -> threading.Lock:
        return self._locks.setdefault(table.physical, threading.Lock())

    def _advance(self, meter: Meter, table: TableDef, size: int) -> int:
        # Carried out twice, after a lost answer, it leaves a gap and no more.
        try:
            answer = self.transport.call(
                meter,
                "UpdateItem",
                TableName=self.catalogue,
                Key=self._key(table),
                UpdateExpression="ADD n :size",
                ExpressionAttributeValues={":size": {"N": str(size)}},
                ReturnValues="UPDATED_NEW",
            )
        except OutcomeUnknown as error:
            raise Unreachable("DynamoDB gave no number for a new row; none was written.") from error
        return int(answer["Attributes"]["n"]["N"])

    def raise_to(self, meter: Meter, table: TableDef, number: int) -> None:
        """Let the next number be greater than `number`; never less than it would have been."""
        with self._lock_of(table):
            self._held.pop(table.physical, None)
            try:
                self.transport.call(
                    meter,
                    "UpdateItem",
                    TableName=self.catalogue,
                    Key=self._key(table),
                    UpdateExpression="SET n = :n",
                    ConditionExpression="attribute_not_exists(n) OR n < :n",
                    ExpressionAttributeValues={":n": {"N": str(number)}},
                )
            except Refused as refused:
                if refused.code != "ConditionalCheckFailedException":
                    raise

    def reset(self, meter: Meter, table: TableDef) -> None:
        """Begin again with 1."""
        with self._lock_of(table):
            self._held.pop(table.physical, None)
            self.transport.call(meter, "DeleteItem", TableName=self.catalogue, Key=self._key(table))

    @staticmethod
    def _key(table: TableDef) -> Item:
        return {"@s": {"S": f"sequence:{table.physical}"}, "@k": {"S": "-"}}
