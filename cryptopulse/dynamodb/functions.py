"""SQL functions of a connection: those of Django's SQLite backend, exact decimals, sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import apsw
from django.db.backends.sqlite3 import _functions  # type: ignore[attr-defined] # not in the stubs

from . import decimals

if TYPE_CHECKING:
    from .store import Store

#: Django's functions that calculate and that SQLite lacks: a decimal reaches them as text.
NUMERIC = frozenset({"COT", "SIGN", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"})


def register(handle: apsw.Connection) -> None:
    """Give a connection every function and collation that Django's SQL and ours use."""
    _functions.register(_Registrar(handle))
    decimals.register(handle)


def register_sequences(handle: apsw.Connection, store: Store) -> None:
    """Let SQL set the sequences of tables, for `sqlsequencereset` and flush."""

    def raise_sequence(*values: Any) -> None:
        name, number = values
        table = store.registry.tables.get(name)
        if number is not None and table is not None:
            store.raise_sequence(table, number)

    def reset_sequence(*values: Any) -> None:
        (name,) = values
        table = store.registry.tables.get(name)
        if table is not None:
            store.reset_sequence(table)

    handle.create_scalar_function("dynamodb_raise_sequence", raise_sequence, 2)
    handle.create_scalar_function("dynamodb_reset_sequence", reset_sequence, 1)


class _Registrar:
    """What Django's `register()` expects of a connection of the standard library."""

    def __init__(self, handle: apsw.Connection) -> None:
        self.execute = handle.execute
        self._handle = handle

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], deterministic: bool = False
    ) -> None:
        is_numeric = name in NUMERIC

        def guarded(*values: Any) -> Any:
            try:
                return function(*map(_as_number, values) if is_numeric else values)
            except Exception as error:
                # The standard library's message, which Django's own tests know.
                raise apsw.SQLError("user-defined function raised exception") from error

        self._handle.create_scalar_function(name, guarded, arguments, deterministic=deterministic)

    def create_aggregate(self, name: str, arguments: int, aggregate: Callable[[], Any]) -> None:
        is_numeric = name in NUMERIC

        def step(state: list[Any], *values: Any) -> None:
            if not state:
                state.append(aggregate())
            state[0].step(*map(_as_number, values) if is_numeric else values)

        def finish(state: list[Any]) -> Any:
            # Of no rows at all the standard library makes NULL without asking.
            try:
                return state[0].finalize() if state else None
            except Exception as error:
                message = "user-defined aggregate's 'finalize' method raised error"
                raise apsw.SQLError(message) from error

        self._handle.create_aggregate_function(name, lambda: ([], step, finish), arguments)


def _as_number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
