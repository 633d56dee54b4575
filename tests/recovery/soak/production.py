"""The product's processes: started, killed, restarted, and what they say and weigh."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.recovery.parts import BEAT, TIED, WEB, WORKER, Redis, eventually, is_alive
from tests.recovery.product import Process, environment, free_port

#: Of the names of our databases on a shared server; the number of our process follows.
PREFIX = "cryptopulse_soak_"


class Recorded(Process):
    """A process that dies with this one, and whose lines have the moments at which they came."""

    def __init__(self, name: str, arguments: list[str], env: dict[str, str]) -> None:
        self.stamped: list[tuple[float, str]] = []
        super().__init__([*TIED[1:], sys.executable, *arguments], env)
        self.name = name

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.lines.append(line)
                self.stamped.append((time.monotonic(), line))

    def rss(self) -> int:
        """Return the resident memory in kB; 0 for one that has ended."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) if found else 0


@dataclass
class Production:
    """Two webs, two workers, a beat and the stream of prices; a Redis and a database for all."""

    folder: Path
    database_url: str
    mail_port: int
    exchange_url: str
    everything: list[Recorded] = field(default_factory=list)
    workers: list[Recorded] = field(default_factory=list)
    webs: list[Recorded] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    restarts: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.redis = Redis(self.folder)
        self._env = environment(
            self.folder,
            DEBUG="0",
            SECRET_KEY="soak-" + "x" * 60,
            ALLOWED_HOSTS="localhost,127.0.0.1",
            HTTPS="0",
            REDIS_URL=self.redis.url,
            DATABASE_URL=self.database_url,
            TRUSTED_PROXY_COUNT="1",
            MARKET_FEEDS="coinbase,coingecko",
            COINGECKO_URL=f"http://127.0.0.1:{free_port()}",  # where nobody answers
            COINBASE_URL=self.exchange_url,
            EMAIL_TRANSPORT="smtp",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=str(self.mail_port),
            DEFAULT_FROM_EMAIL="noreply@example.com",
        )

    def fill(self, *, fast: int, slow: int) -> dict[str, str]:
        """Make the database and what is in it; return people's session cookies."""
        self.redis.start()
        self._run("migrate", ["manage.py", "migrate", "--verbosity", "0"])
        printed = self._run("filling", ["-m", "tests.recovery.soak.filling", str(fast), str(slow)])
        cookies: dict[str, str] = json.loads(printed.splitlines()[-1])
        return cookies

    def read(self) -> dict[str, object]:
        """Return what the database holds."""
        printed = self._run("reading", ["-m", "tests.recovery.soak.reading"])
        report: dict[str, object] = json.loads(printed.splitlines()[-1])
        return report

    def start(self) -> None:
        self.ports = [free_port(), free_port()]
        self.webs = [
            self._start(f"web {number}", [*WEB, str(port), "--log-level", "warning"])
            for number, port in enumerate(self.ports, start=1)
        ]
        self.workers = [self._worker(number) for number in (1, 2)]
        self.beat = self._beat()
        self.start_feed()
        for port in self.ports:
            eventually(lambda port=port: is_alive(port))  # type: ignore[misc]

    def kill_worker(self, place: int) -> None:
        """End a worker without a warning, and start another."""
        self.workers[place].kill()
        self.workers[place] = self._worker(place + 1)

    def end_feed(self, *, gently: bool) -> None:
        """End the feed, one way or the other."""
        self._is_feed_wanted = False
        if gently:
            self.feed.wait_until_signals_are_handled()
            assert self.feed.stop() == 0, self.feed.output
        else:
            self.feed.kill()

    def start_feed(self) -> None:
        """Start the feed again."""
        self._is_feed_wanted = True
        self.feed = self._start("feed", ["manage.py", "stream"])

    def supervise(self) -> None:
        """Start again what has ended by itself, as systemd does."""
        for place, worker in enumerate(self.workers):
            if worker.has_ended:
                self._note_end(worker)
                self.workers[place] = self._worker(place + 1)
        if self.beat.has_ended:
            self._note_end(self.beat)
            self.beat = self._beat()
        for process in [*self.webs, self.feed] if self._is_feed_wanted else self.webs:
            assert not process.has_ended, f"{process.name} ended:\n{process.output[-2000:]}"

    def _note_end(self, process: Recorded) -> None:
        """Note when it broke or said its last: then it ends what it has begun, which takes time."""
        broke = [at for at, line in process.stamped if "Unrecoverable error" in line]
        said = [at for at, _ in process.stamped] or [time.monotonic()]
        self.restarts.append((process.name, (broke or said[-1:])[0]))

    def stop(self) -> dict[str, int | str]:
        """Ask everything to end, and return the exit codes."""
        living = [process for process in self.everything if not process.has_ended]
        for process in living:
            process.send(signal.SIGTERM)
        return {process.name: _code_of(process) for process in living}

    def kill(self) -> None:
        for process in reversed(self.everything):
            process.kill()
        self.redis.stop()

    def _run(self, name: str, arguments: list[str]) -> str:
        process = self._start(name, arguments)
        assert process.end(seconds=180) == 0, process.output
        return process.output

    def _worker(self, number: int) -> Recorded:
        return self._start(f"worker {number}", [*_quiet(WORKER), "-n", f"worker{number}@%h"])

    def _beat(self) -> Recorded:
        return self._start("beat", _quiet(BEAT))

    def _start(self, name: str, arguments: list[str]) -> Recorded:
        process = Recorded(name, arguments, self._env)
        self.everything.append(process)
        return process


def _code_of(process: Recorded) -> int | str:
    """Return the exit code; say so where there is none in time.

    It is asked again meanwhile: a worker of Celery that is asked while it starts may not hear it,
    and what a supervisor would do then (SIGKILL) the soak has done often enough.
    """
    for _ in range(3):
        try:
            return process.end(seconds=20)
        except subprocess.TimeoutExpired:
            process.send(signal.SIGTERM)
    return "not within 60 s"


def _quiet(celery: list[str]) -> list[str]:
    """Have Celery print no banner."""
    module, program, *rest = celery
    return [module, program, "--quiet", *rest]


def own_database(folder: Path) -> str:
    """Return the URL of a database of our own.

    On the PostgreSQL that DATABASE_URL names, or that answers on this machine; else, or where
    DATABASE_URL is one, an SQLite file.
    """
    server = os.environ.get("DATABASE_URL", "")
    file = f"sqlite:///{folder / 'soak.sqlite3'}"
    if server.startswith("sqlite"):
        return file
    if not server.startswith("postgres"):
        server = "postgres://postgres@127.0.0.1:5432/postgres"
    name = f"{PREFIX}{os.getpid()}"
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
            _drop_left_behind(connection)
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError:
        if "postgres" in os.environ.get("REQUIRE", "").split(","):
            raise
        return file
    return f"{server.rpartition('/')[0]}/{name}"


def _drop_left_behind(connection: psycopg.Connection) -> None:
    """Drop the databases of soaks that were killed and could not do it themselves."""
    found = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
    )
    for (name,) in found.fetchall():
        if not Path(f"/proc/{name.removeprefix(PREFIX)}").exists():
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def drop_database(url: str) -> None:
    """Remove it again."""
    if url.startswith("postgres"):
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
