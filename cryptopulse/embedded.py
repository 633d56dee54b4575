"""Everything in one process: the Celery worker and beat in threads beside the web server.

Celery's own `worker` and `beat` programs take over signals, logging and the process; here their
inner parts run in daemon threads, the web server keeps the main thread, and one object decides
about the end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from celery import beat
from celery.worker import WorkController
from celery.worker import state as worker_state

from . import garbage, late
from .celery import app
from .live.protocol import HubProtocol

if TYPE_CHECKING:
    from market import services as market

logger = logging.getLogger(__name__)

#: Seconds from the first signal after which the process ends, whatever still hangs: a feed that
#: does not answer, a browser that does not read. Nothing acknowledged is lost by that.
PATIENCE = 4.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)
WORKER_THREADS = 4
WORKER_LOOKS_EVERY = 0.25
#: Seconds that the first pages have to themselves: whoever waits at the door while the product
#: starts is not kept waiting for a worker to be built.
HEAD_START = 0.5
#: Seconds before a worker or a beat that broke is started again.
RESTART_AFTER = 1.0


class Stop:
    """What SIGINT and SIGTERM mean: a clean end with exit code 0, once, in time.

    While the product starts, the first signal raises SystemExit where the main thread is; once
    it runs, `on_stop` is called instead. A second signal changes nothing. Python drops what is
    raised inside a finalizer, so a SystemExit that fell into one is raised again behind it.
    """

    def __init__(self) -> None:
        self.on_stop: Callable[[], None] | None = None
        self.was_asked = False
        self._asked = threading.Event()
        self._was_dropped = False

    def install(self) -> None:
        """Take over the signals. The thread starts now: a signal handler may not start one."""
        threading.Thread(target=self._end_in_time, name="stop", daemon=True).start()
        for number in SIGNALS:
            signal.signal(number, self._ask)
        self._report = sys.unraisablehook
        sys.unraisablehook = self._look_at_dropped

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.was_asked = True
        for again in SIGNALS:  # a handler would be reset, and a second signal kill, at the very end
            signal.signal(again, signal.SIG_IGN)
        self._asked.set()
        if self.on_stop is None:
            raise SystemExit(0)
        self.on_stop()

    def _look_at_dropped(self, dropped: sys.UnraisableHookArgs) -> None:
        if not (self.was_asked and isinstance(dropped.exc_value, SystemExit)):
            self._report(dropped)
            return
        signal.signal(signal.SIGTERM, self._ask)
        self._was_dropped = True

    def _end_in_time(self) -> None:
        self._asked.wait()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            time.sleep(0.05)
            if self._was_dropped:
                self._was_dropped = False
                signal.raise_signal(signal.SIGTERM)
        os._exit(0)


def listen(*, host: str, port: int) -> socket.socket:
    """Return a socket that listens already, so that a port in use is known before any work.

    Browsers that come during the start wait instead of being refused. Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there, it would let two processes share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _Worker(WorkController):  # type: ignore[misc]  # the package has no types
    """Celery's worker without its program: no signal handlers, no logging of its own."""

    ready: threading.Event

    def on_consumer_ready(self, consumer: Any) -> None:
        # The loop waits two seconds for a message before it looks whether it should end, twice.
        drain = consumer.connection.drain_events
        consumer.connection.drain_events = lambda timeout=None, **kwargs: drain(
            timeout=min(timeout or WORKER_LOOKS_EVERY, WORKER_LOOKS_EVERY), **kwargs
        )
        self.ready.set()


class BackgroundWork:
    """A worker (threads, so that tasks reach the hub and the memory broker), a beat, the streams.

    Any of them that ends by itself is started again: prices must not stop because the database
    was away for a moment.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self._stopping = False
        self._beat: beat.Service | None = None
        self._stream: market.StreamRunner | None = None
        jobs = {"worker": self._run_worker, "beat": self._run_beat}
        from market import services as market  # not above: `Stop` works without Django

        if market.stream_feeds():
            jobs["stream"] = self._run_stream
        self._threads = [
            threading.Thread(target=self._keep, args=(run,), name=name, daemon=True)
            for name, run in jobs.items()
        ]

    def start(self) -> None:
        if self._stopping:  # asked to end within the head start of the pages
            return
        os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # they have just been run
        worker_state.should_stop = None  # left behind by an earlier stop in this process
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """Let all end by themselves. Only sets flags: may be called in a signal handler."""
        self._stopping = True
        if self._stream is not None:
            self._stream.stop()
        worker_state.should_stop = 0
        if self._beat is not None:
            self._beat.stop()

    def wait(self, *, seconds: float) -> bool:
        """Wait for all to end; tell whether they did."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _keep(self, run: Callable[[], None]) -> None:
        while not self._stopping:
            try:
                run()
            except Exception:
                logger.exception("background work broke")
            if not self._stopping:
                logger.error("background work ended and is started again")
                time.sleep(RESTART_AFTER)

    def _run_worker(self) -> None:
        _Worker.ready = self.ready
        worker = _Worker(
            app=app,
            pool_cls="threads",
            concurrency=WORKER_THREADS,
            hostname=f"pulse@{socket.gethostname()}",
            loglevel="WARNING",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        worker.start()

    def _run_beat(self) -> None:
        late.read_all()
        garbage.settle()
        while not self.ready.wait(timeout=0.1):
            if self._stopping:
                return
        app.set_current()
        self._beat = beat.Service(
            app, max_interval=1, scheduler_cls=app.conf.beat_scheduler, remote_control=False
        )
        if not self._stopping:
            self._beat.start()

    def _run_stream(self) -> None:
        from market import services as market

        self._stream = market.StreamRunner()
        if self._stopping:
            return
        try:
            asyncio.run(self._stream.run())
        except market.MarketRejected as refusal:
            logger.error("No prices are streamed. %s", refusal.sentence)  # noqa: TRY400 (a sentence)
            while not self._stopping:  # what it takes is another setting
                time.sleep(WORKER_LOOKS_EVERY)


class Server(uvicorn.Server):
    """uvicorn that leaves signals to `Stop` and says when it serves."""

    def __init__(self, *, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                "cryptopulse.asgi:application",
                ws=HubProtocol,
                ws_per_message_deflate=False,  # per client it costs ten times the sending
                ws_ping_interval=20,
                ws_ping_timeout=20,
                lifespan="on",
                proxy_headers=False,  # TRUSTED_PROXY_COUNT decides, see accounts.client_address
                server_header=False,
                access_log=False,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=2,
            )
        )
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def serve(*, listener: socket.socket, stop: Stop, on_started: Callable[[], None]) -> None:
    """Serve until asked to stop; background work starts a moment after pages are served."""
    work = BackgroundWork()
    late.reads_ahead = False  # the beat does, behind the first page

    def started() -> None:
        on_started()
        asyncio.get_running_loop().call_later(HEAD_START, work.start)

    server = Server(on_started=started)

    def end() -> None:
        server.should_exit = True
        work.ask_to_stop()

    stop.on_stop = end
    if stop.was_asked:  # between the last look and the line above
        sys.exit(0)
    server.run(sockets=[listener])
    work.ask_to_stop()
    if not work.wait(seconds=PATIENCE):
        logger.warning("background work did not end in time")
