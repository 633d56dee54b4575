"""A thread that does blocking work for an event loop, one job at a time."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.db import connections

Result = TypeVar("Result")
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Desk:
    """Keeps its database connections from job to job, and lets go of them where one failed.

    Unlike asyncio's own threads it does not hold up the end of the process when it hangs: in a
    connection attempt to a database that is gone, say.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def do(self, operation: Callable[[], Result]) -> Result:
        """Return what it returns, or raise what it raises. Cancelled, it is done all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._jobs.put((operation, loop, future))
        return await future

    def close(self) -> None:
        """End after the jobs that are waiting."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            operation, loop, future = job
            result, error = None, None
            try:
                result = operation()
            except BaseException as raised:  # handed over, not swallowed
                error = raised
                connections.close_all()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, future, result, error)
        connections.close_all()


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
