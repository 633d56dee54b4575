"""Starts the servers and the browsers, each on its core, and reads what they cost the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
PAGE = os.sysconf("SC_PAGE_SIZE")
#: Seconds that frames may take; the worst seen on a busy machine is a fraction of it.
PATIENCE = 2.0
#: Share of its core above which the browsers, not the server, decide how fast frames arrive.
BUSY = 0.9

_PYTHON = [sys.executable, "-m"]
SERVERS: dict[str, tuple[list[str], str]] = {
    "raw": ([*_PYTHON, "benchmarks.fanout.ours", "raw", "{database}"], "/ws/ticker/"),
    "deflate": ([*_PYTHON, "benchmarks.fanout.ours", "raw", "{database}"], "/ws/ticker/"),
    "portable": ([*_PYTHON, "benchmarks.fanout.ours", "portable", "{database}"], "/ws/ticker/"),
    "broadcast": ([*_PYTHON, "benchmarks.fanout.broadcast"], "/"),
    "channels": ([*_PYTHON, "benchmarks.fanout.channels_peer"], "/"),
    "ws": (["node", str(HERE / "ws.mjs")], "/"),
}


class BenchError(Exception):
    """Something did not start or did not answer."""


def cores() -> tuple[int | None, int | None]:
    """Return the core for servers and the one for browsers; None where there are not two."""
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[-1]) if len(free) > 1 else (None, None)


def why_no_node() -> str:
    """Return why Node's `ws` cannot run here; empty when it can."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (HERE.parents[1] / "node_modules" / "ws").is_dir():
        return "node_modules has no ws; `npm ci` brings it"
    return ""


def cpu_seconds(pid: int) -> float:
    """Return what a process has used, with its threads, to the microsecond where Linux counts."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Start processes on this core (None: on any)."""
    free = os.sched_getaffinity(0)
    os.sched_setaffinity(0, free if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, free)


class Process:
    """One that is told by lines and answers by lines."""

    def __init__(self, command: list[str], *, core: int | None, log: IO[bytes]) -> None:
        self._log = log
        with on_core(core):  # a process and its threads stay where they begin
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                cwd=HERE.parents[1],
            )
        self.pid = self._process.pid
        self.command = command

    def tell(self, line: str) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
        except OSError:
            raise self._broken() from None

    def hear(self) -> str:
        """Wait for an answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._broken()
        return line.strip()

    def end(self) -> None:
        """End it; nothing of it is kept."""
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _broken(self) -> BenchError:
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-3000:]
        return BenchError(f"{' '.join(self.command)} ended:\n{said}")


@contextmanager
def process(command: list[str], *, core: int | None) -> Iterator[Process]:
    """Have a process for as long as the block lasts."""
    with tempfile.TemporaryFile() as log:
        started = Process(command, core=core, log=log)
        try:
            yield started
        finally:
            started.end()


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Ticks that were sent to all browsers, and what that took."""

    frames: int
    lost: int
    closed: int
    cpu: float  # microseconds of the server for each frame
    load_cpu: float  # microseconds of the browsers for each frame
    load_busy: float  # share of its core that the browsers used
    server_busy: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    bytes: int
    text_bytes: int

    @property
    def summary(self) -> str:
        """Say it in a line, for whoever waits."""
        return (
            f"{self.cpu:.1f} µs a frame, 99 % within {self.p99_ms:.0f} ms; the browsers took "
            f"{self.load_cpu:.1f} µs, {self.load_busy:.0%} of their core {self.trouble}".rstrip()
        )

    @property
    def trouble(self) -> str:
        """Return why nothing can be concluded from this; empty when something can."""
        if self.load_busy > BUSY:
            return f"the load generator was the bottleneck ({self.load_busy:.0%} of its core)"
        if self.lost or self.closed:
            return f"{self.lost:,} frames were lost, {self.closed} connections closed"
        return ""


class Served:
    """A server with its browsers."""

    def __init__(self, name: str, room: ExitStack, database: Path) -> None:
        self.name = name
        core, load_core = cores()
        command, self.path = SERVERS[name]
        command = [part.format(database=database) for part in command]
        self.process = room.enter_context(process(command, core=core))
        self.load = room.enter_context(
            process([*_PYTHON, "benchmarks.fanout.load"], core=load_core)
        )
        self.port = 0
        self.connect_cpu_ms = 0.0
        self._ticks = 0

    def await_start(self) -> None:
        """Wait until it listens."""
        word, _, port = self.process.hear().partition(" ")
        if word != "port":
            raise BenchError(f"{self.name} said {word!r} at its start")
        self.port = int(port)

    def connect(self, clients: int, *, deflate: bool = False) -> None:
        """Open so many more websockets."""
        before = cpu_seconds(self.process.pid)
        answer = self._ask(
            do="connect", port=self.port, path=self.path, clients=clients, deflate=deflate
        )
        self.connect_cpu_ms = (cpu_seconds(self.process.pid) - before) * 1000 / clients
        if deflate and answer["compressed"] != clients:
            raise BenchError(f"{self.name} does not compress")

    def kilobytes(self) -> float:
        """Return what the server holds now."""
        return resident(self.process.pid) / 1024

    def burst(self, count: int, *, rate: float, patience: float = PATIENCE) -> Burst:
        """Send ticks to all browsers and wait for the last frame, or so long after the last tick.

        `patience` in seconds: a frame that comes later counts as lost.
        """
        self.process.tell(f"prepare {self._ticks + 1} {count} {rate}")
        self.process.hear()
        self._ask(do="expect", first=self._ticks + 1, count=count, timeout=count / rate + patience)
        self._ticks += count
        started = time.monotonic()
        before, load_before = cpu_seconds(self.process.pid), cpu_seconds(self.load.pid)
        self.process.tell("go")
        got = json.loads(self.load.hear())
        cpu, load_cpu = cpu_seconds(self.process.pid), cpu_seconds(self.load.pid)
        took = time.monotonic() - started
        frames = max(1, got["frames"])
        return Burst(
            **got,
            cpu=(cpu - before) * 1e6 / frames,
            load_cpu=(load_cpu - load_before) * 1e6 / frames,
            load_busy=(load_cpu - load_before) / took,
            server_busy=(cpu - before) / took,
        )

    def _ask(self, **order: Any) -> dict[str, Any]:
        self.load.tell(json.dumps(order))
        answer: dict[str, Any] = json.loads(self.load.hear())
        return answer


@contextmanager
def database() -> Iterator[Path]:
    """Have the file of which each server of ours takes a copy."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "bench.sqlite3"
        command = [*_PYTHON, "benchmarks.fanout.ours", "fill", str(made)]
        subprocess.run(command, cwd=HERE.parents[1], check=True)
        yield made


@contextmanager
def servers(*names: str, database: Path) -> Iterator[dict[str, Served]]:
    """Start these side by side."""
    with ExitStack() as room:
        started = {name: Served(name, room, database) for name in names}
        for one in started.values():
            one.await_start()
        yield started


def ages_read(
    served: Iterable[Served], *, readers: int, seconds: float, rate: float
) -> dict[str, list[float]]:
    """Return, by server, how old the last frame was that each slow reader read, in seconds."""
    _, core = cores()
    with ExitStack() as room:
        slow = {}
        for one in served:
            command = [*_PYTHON, "benchmarks.fanout.slow", str(one.port), one.path]
            slow[one.name] = room.enter_context(
                process([*command, str(readers), str(seconds)], core=core)
            )
            one.process.tell(f"prepare 1 {int((seconds + 2) * rate)} {rate}")
        for one in served:
            one.process.hear()
            slow[one.name].hear()
        for one in served:
            one.process.tell("go")
        return {name: json.loads(reader.hear())["last"] for name, reader in slow.items()}
