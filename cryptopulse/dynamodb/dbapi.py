"""A DB-API connection over apsw, with what Django's SQLite backend asks of the standard library's.

apsw names things otherwise, has no commit(), and keeps no description of an empty result.
"""

from __future__ import annotations

import datetime as dt
import decimal
import random
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import apsw
import apsw.ext
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from .conversions import UNKNOWN, conversion_of, locking
from .errors import Conflict
from .prepared import Prepared, with_parameters, without_parameters

if TYPE_CHECKING:
    from .catalogue import TableDef, Value
    from .pool import Lease
    from .session import Session
    from .statement import Statement

Parameters = Sequence[Any] | Mapping[str, Any] | None
SQLRow = tuple[Any, ...]

#: How often a statement that is its own transaction is run again after a conflict.
RETRIES = 4
FIRST_PAUSE = 0.01  # seconds at most before the first retry; it doubles


def adapt(_cursor: apsw.Cursor, _position: int, value: Any) -> str:
    """Return a value that SQLite knows in place of one that it does not; apsw asks for it."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    raise sqlite3.ProgrammingError(
        f"Error binding parameter: type {type(value).__name__!r} is not supported"
    )


def translate(error: apsw.Error) -> sqlite3.Error:
    """Return the DB-API error that the standard library would raise."""
    if isinstance(error, (apsw.ConstraintError, apsw.MismatchError)):
        return sqlite3.IntegrityError(str(error))
    if isinstance(error, apsw.CursorClosedError):
        return sqlite3.ProgrammingError("Cannot operate on a closed cursor.")
    if isinstance(error, apsw.ConnectionClosedError):
        return sqlite3.ProgrammingError("Cannot operate on a closed database.")
    if isinstance(error, (apsw.BindingsError, apsw.MisuseError, apsw.ThreadingViolationError)):
        return sqlite3.ProgrammingError(str(error))
    if isinstance(error, apsw.TooBigError):
        return sqlite3.DataError(str(error))
    return sqlite3.OperationalError(str(error))


def _raise(error: apsw.Error) -> NoReturn:
    raise translate(error) from error


class Connection:
    """One connection, on a handle that the pool lends until close() or the collector's visit."""

    def __init__(self, lease: Lease) -> None:
        self.handle: apsw.Connection | None = lease.handle
        self.session: Session = lease.session
        #: Cursors with rows still to come, by id; a pooled handle must not keep them open.
        #: apsw's own cursors: with ours there would be a cycle through them, which can hang
        #: several threads that close connections at once.
        self.reading: dict[int, apsw.Cursor] = lease.reading
        self._isolation_level: str | None = None
        self._lease = lease
        self._abandon = weakref.finalize(self, lease.abandon)

    @property
    def open_handle(self) -> apsw.Connection:
        """The handle; ProgrammingError after close()."""
        if self.handle is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return self.handle

    @property
    def in_transaction(self) -> bool:
        """Tell whether BEGIN was run and neither COMMIT nor ROLLBACK followed."""
        return self.handle is not None and self.handle.in_transaction

    @property
    def isolation_level(self) -> str | None:
        """None: every statement is its own transaction; else a change of rows opens one."""
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        if level is None:
            self.commit()  # as the standard library does
        self._isolation_level = level

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self)

    def execute(self, sql: str, parameters: Parameters = None) -> Cursor:
        """Run a statement on a cursor of its own."""
        return Cursor(self).execute(sql, parameters)

    def commit(self) -> None:
        """Write what the transaction changed. On an error nothing is written and it is over."""
        if self.in_transaction:
            self._run("COMMIT")

    def rollback(self) -> None:
        """Forget what the transaction changed."""
        if self.in_transaction:
            self._run("ROLLBACK")
        if self.handle is not None:
            self.session.reset()

    def _run(self, sql: str) -> None:
        handle, session = self.open_handle, self.session
        session.begin_statement(sql, in_transaction=True)
        try:
            handle.execute(sql)
        except apsw.Error as error:
            _raise(error)
        finally:
            session.end_statement()

    def close(self) -> None:
        """Give the handle back to the pool; what was not committed is forgotten."""
        if self.handle is not None:
            self.handle = None
            self._abandon.detach()
            self._lease.give_back()


class Cursor:
    """A DB-API cursor. `returned` holds the rows that the last statement inserted."""

    __slots__ = (
        "__weakref__", "_cursor", "_is_converting", "_reading", "_sql", "arraysize", "connection",
        "lastrowid", "returned", "rowcount",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self._reading: Statement | None = None  # while rows may still come
        self.connection = connection
        try:
            self._cursor = connection.open_handle.cursor()
        except apsw.Error as error:
            _raise(error)
        self._sql: str | None = None
        self._is_converting = False
        self.arraysize = 1
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.returned: list[tuple[TableDef, tuple[Value, ...]]] | None = None

    @property
    def description(self) -> Sequence[SQLRow] | None:
        """Names of the result's columns. SQLite is asked only when somebody reads this."""
        if self._sql is None:
            return None
        try:
            return self._cursor.description or None
        except apsw.ExecutionCompleteError:
            columns = apsw.ext.query_info(self.connection.open_handle, self._sql).description
            return tuple((name, None, None, None, None, None, None) for name, _ in columns) or None
        except apsw.Error as error:
            _raise(error)

    # --- running ----------------------------------------------------------------------------

    def execute(self, query: str, params: Parameters = None) -> Cursor:
        """Run one statement; placeholders are %s, or %(name)s with a mapping."""
        if params is None:
            statement = without_parameters[query]
        elif isinstance(params, (tuple, list)) or not isinstance(params, Mapping):
            statement = with_parameters[query]
        else:
            statement = Prepared(
                SQLiteCursorWrapper.convert_query(None, query, param_names=list(params))  # type: ignore[arg-type]
            )
        if self._reading is not None:
            self._finish()
        self.returned = None
        self.rowcount = -1
        self._sql = statement.sql
        if statement.changes_rows:
            self._change(statement.sql, params)
        else:
            self._read(statement.sql, params)
            if statement.is_read:
                self._convert_rows(statement.sql)
            else:
                self._finish()
        return self

    def _read(self, sql: str, params: Parameters) -> None:
        connection = self.connection
        handle = connection.handle or connection.open_handle
        connection.session.begin_statement(sql, in_transaction=handle.in_transaction)
        self._reading = connection.session.statement
        connection.reading[id(self)] = self._cursor
        try:
            self._cursor.execute(sql, params)
        except BaseException as error:
            self._finish()
            if isinstance(error, apsw.Error):
                _raise(error)
            raise

    def _convert_rows(self, sql: str) -> None:
        """Let columns that are declared as dates, times and truths be such in the rows."""
        conversion = self.connection.session.conversions.get(sql, UNKNOWN)
        if conversion is UNKNOWN:
            try:
                columns = self._cursor.get_description()
            except apsw.ExecutionCompleteError:  # no rows, so nothing to convert
                return
            conversion = self.connection.session.conversions.keep(sql, conversion_of(columns))
        if self._reading is not None and self._reading.is_locking:
            conversion = locking(self._reading, conversion)
        if conversion is not None or self._is_converting:
            self._cursor.row_trace = conversion
            self._is_converting = conversion is not None

    def _change(self, sql: str, params: Parameters) -> None:
        connection = self.connection
        handle, session = connection.open_handle, connection.session
        if connection.isolation_level is not None and not handle.in_transaction:
            Cursor(connection).execute("BEGIN").close()
        retries = 0 if handle.in_transaction else RETRIES
        while True:
            try:
                session.begin_statement(sql, in_transaction=handle.in_transaction)
                self._cursor.execute(sql, params)
            except Conflict:
                if not retries:
                    raise
            except apsw.Error as error:
                _raise(error)
            else:
                break
            finally:
                session.end_statement()
            pause(RETRIES - retries)
            retries -= 1
        self.rowcount = handle.changes()
        self.lastrowid = handle.last_insert_rowid()
        self.returned = session.returned

    def executemany(self, query: str, param_list: Iterable[Parameters]) -> Cursor:
        """Run a statement once for each set of parameters."""
        total = 0
        for params in param_list:
            total += max(self.execute(query, params).rowcount, 0)
        self.rowcount = total
        return self

    # --- reading ----------------------------------------------------------------------------

    def fetchone(self) -> SQLRow | None:
        """Return the next row, or None."""
        return next(self, None)

    def fetchmany(self, size: int | None = None) -> list[SQLRow]:
        """Return the next rows, `size` at most."""
        wanted = size or self.arraysize
        self._resume()
        try:
            rows = list(islice(self._cursor, wanted))
        except apsw.Error as error:
            self._fail(error)
        if len(rows) < wanted and self._reading is not None:
            self._finish()
        return rows

    def fetchall(self) -> list[SQLRow]:
        """Return all rows that are left."""
        self._resume()
        try:
            rows = self._cursor.fetchall()
        except apsw.Error as error:
            self._fail(error)
        if self._reading is not None:
            self._finish()
        return rows

    def __iter__(self) -> Iterator[SQLRow]:
        return self

    def __next__(self) -> SQLRow:
        self._resume()
        try:
            return next(self._cursor)
        except StopIteration:
            if self._reading is not None:
                self._finish()
            raise
        except apsw.Error as error:
            self._fail(error)

    def _fail(self, error: apsw.Error) -> NoReturn:
        if self._reading is not None:
            self._finish()
        _raise(error)

    def _resume(self) -> None:
        """Make this cursor's statement the session's again: another may have run since."""
        session, statement = self.connection.session, self._reading
        if statement is None or session.statement is statement:
            return
        if self.connection.handle is not None:  # else the session is another connection's now
            session.statement = statement
            session.meter.current = statement.record

    def _finish(self) -> None:
        """Tell the session that the statement is over."""
        connection = self.connection
        # After close() the handle may serve another connection already.
        if connection.reading.pop(id(self), None) is not None and connection.handle is not None:
            self._resume()
            self._reading = None
            connection.session.end_statement()
        self._reading = None

    def close(self) -> None:
        """Let go of the statement. SQLite's cursors are closed by hand, never by the collector."""
        if self._reading is not None:
            self._finish()
        self._cursor.close(True)

    def __del__(self) -> None:
        # A generator that nobody finished. The session is another thread's business by now.
        if self._reading is not None:
            self.connection.reading.pop(id(self), None)
            self._cursor.close(True)


def pause(retry: int) -> None:
    """Sleep a random while before a retry, longer each time, so that rivals fall out of step."""
    time.sleep(random.uniform(0, FIRST_PAUSE * 2**retry))  # noqa: S311 - no secret
