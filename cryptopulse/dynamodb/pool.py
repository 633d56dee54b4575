"""Warm connections, shared by all threads of a process.

Under ASGI each request runs in a thread of its own and so gets a Django connection of its own.
Making one costs about a millisecond (a virtual table per model table), so handles outlive them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sqlite3
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import apsw

from . import authorizer, functions
from .dbapi import Connection, adapt
from .session import Session

if TYPE_CHECKING:
    from .store import Store

logger = logging.getLogger("cryptopulse.dynamodb")

#: Seconds of waiting after which it is worth collecting garbage, and between two collections.
PATIENCE, COLLECT_EVERY = 0.05, 1.0


class Lease:
    """One handle with its session; lent to one Connection at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_clean = True
        self.reading: dict[int, apsw.Cursor] = {}
        self.handle = apsw.Connection(":memory:")
        self.handle.convert_binding = adapt
        functions.register(self.handle)
        functions.register_sequences(self.handle, pool.store)
        self.session = Session(pool.store, self.handle)
        authorizer.install(self.handle)

    def give_back(self) -> None:
        """Return to the pool, clean."""
        if self._pool.process != os.getpid():
            _inherited.append(self)
            return
        try:
            self.clean()
        except BaseException:
            self._pool.drop(self)
            raise
        self._pool.take_back(self)

    def abandon(self) -> None:
        """Return to the pool as found: the collector calls, at any moment, in any thread.

        So nothing here may take a lock or ask DynamoDB; whoever takes the handle next cleans it.
        """
        self._is_clean = False
        if self._pool.process == os.getpid():
            self._pool.take_back(self)
        else:
            _inherited.append(self)

    def clean(self) -> None:
        """Forget every trace of the last user."""
        while self.reading:
            self.reading.popitem()[1].close(True)
        if self.handle.in_transaction:
            self.handle.execute("ROLLBACK")
        self.session.reset()
        self.session.chunked = False
        self._is_clean = True

    def prepare(self) -> None:
        """Clean what the collector returned."""
        if not self._is_clean:
            self.clean()

    def close(self) -> None:
        """Close the handle for good."""
        self.handle.close(True)


class Pool:
    """The handles on one store: `options.pool_size` at most."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.process = os.getpid()
        self.size = store.options.pool_size
        self.made = 0
        self._lock = threading.Lock()
        self._collect_next = 0.0
        # Its put() may interrupt its own get() in the same thread, as the collector does.
        # None stands for a handle that was dropped: leave to make another.
        self._idle: SimpleQueue[Lease | None] = SimpleQueue()

    def connect(self) -> Connection:
        """Return a connection on a warm handle, a new one, or the first that comes back."""
        while True:
            lease = self._lease()
            try:
                lease.prepare()
            except Exception:
                logger.exception("A connection could not be cleaned and was closed.")
                self.drop(lease)
            else:
                return Connection(lease)

    def _lease(self) -> Lease:
        with contextlib.suppress(Empty):
            return self._idle.get_nowait() or self._make()
        with self._lock:
            may_make = self.made < self.size
            self.made += may_make
        return self._make() if may_make else self._wait()

    def _make(self) -> Lease:
        try:
            return Lease(self)
        except BaseException:
            self._idle.put(None)
            raise

    def _wait(self) -> Lease:
        timeout = self.store.options.pool_timeout
        give_up = time.monotonic() + timeout
        while True:
            left = give_up - time.monotonic()
            with contextlib.suppress(Empty):
                return self._idle.get(timeout=max(0.0, min(left, PATIENCE))) or self._make()
            self._collect()
            if left <= PATIENCE and not self.idle:
                raise sqlite3.OperationalError(
                    f"All {self.size} DynamoDB connections of this process were taken for "
                    f"{timeout:g} seconds. Close connections sooner, or raise the option pool_size."
                )

    def _collect(self) -> None:
        """Bring back the connections of threads that ended without closing them."""
        if time.monotonic() >= self._collect_next:
            self._collect_next = time.monotonic() + COLLECT_EVERY
            gc.collect()

    def take_back(self, lease: Lease) -> None:
        """Keep a handle for the next connection. Takes no lock."""
        self._idle.put(lease)

    def drop(self, lease: Lease) -> None:
        """Close a handle that cannot be used again."""
        with contextlib.suppress(apsw.Error):
            lease.close()
        self._idle.put(None)

    @property
    def idle(self) -> int:
        """How many handles wait for a connection."""
        return self._idle.qsize()

    def close(self) -> None:
        """Close the handles that wait."""
        with contextlib.suppress(Empty):
            while True:
                if lease := self._idle.get_nowait():
                    lease.close()
                with self._lock:
                    self.made -= 1


_pools: dict[Store, Pool] = {}
_making = threading.Lock()
#: A parent's handles, kept from being closed in the child: a thread that the fork did not copy
#: may have held one of their locks.
_inherited: list[object] = []


def pool_of(store: Store) -> Pool:
    """Return the process's pool of connections to a store."""
    pool = _pools.get(store)
    if pool is None:
        with _making:
            pool = _pools.setdefault(store, Pool(store))
    return pool


def close_all() -> None:
    """Close every handle that waits, of all pools."""
    for pool in list(_pools.values()):
        pool.close()


def _forget_parent() -> None:
    global _making, _pools
    # The parent's lock may be held for ever here.
    _inherited.append(_pools)
    _pools, _making = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)
