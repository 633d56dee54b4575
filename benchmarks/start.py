"""From `manage.py pulse` on a filled database to its first page, beside an empty Django project.

Each start is a new process; the clock runs from before the process until the front page has been
read. The peer is `runserver --noreload` of what `startproject` makes, migrated. Both take turns.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.report import Line, compared, report

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
COINS, PEOPLE, ALERTS, TRADES = 250, 1000, 10_000, 2000
PATIENCE = 60.0  # seconds, after which a start has failed
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

FILL = f"""
import django
django.setup()
from django.core.management import call_command
from django.utils import timezone
from accounts import services as accounts
from benchmarks.rows import add_alerts, add_coins, add_people, add_trades
from market import services as market
now = timezone.now()
call_command("migrate", verbosity=0)
accounts.make_demo_people()
market.choose_origin(now=now)
add_coins({COINS}, now)
people = add_people({PEOPLE})
add_alerts({ALERTS}, people, {COINS})
add_trades({TRADES}, people, {COINS}, now)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report([measure(Path(folder))])


def measure(folder: Path) -> Line:
    """Make both, start each once for its caches, then in turns."""
    pulse, empty = _Pulse(folder / "ours"), _Empty(folder / "empty")
    pulse.start()
    empty.start()
    starts = [(pulse.start(), empty.start()) for _ in range(ROUNDS)]
    cpu = median(ours[1] / theirs[1] for ours, theirs in starts)
    return compared(
        "start of pulse, filled database, to first page",
        "runserver --noreload, empty project",
        [(ours[0], theirs[0]) for ours, theirs in starts],
        unit="s",
        at_most=4,
        note=f"processor time {median(ours[1] for ours, _ in starts):.2f} s against "
        f"{median(theirs[1] for _, theirs in starts):.2f} s: {cpu:.1f}",
        details={"cpu": [[ours[1], theirs[1]] for ours, theirs in starts], "cpu_ratio": cpu},
    )


class _Pulse:
    """The product with people, coins, alerts and trades in its SQLite file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
            "READ_DOTENV": "0",
            "DEBUG": "1",  # as `make run` starts it, and as the peer's settings are
            "LOCAL_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/filled.sqlite3",
            "MARKET_FEEDS": "simulated",
        }
        self._environment.pop("REDIS_URL", None)
        command = [sys.executable, "-c", FILL]
        subprocess.run(command, cwd=ROOT, env=self._environment, check=True, capture_output=True)

    def start(self) -> tuple[float, float]:
        port = _free_port()
        command = [sys.executable, "manage.py", "pulse", "--port", str(port)]
        return _started(command, port, ROOT, self._environment | {"PORT": str(port)})


class _Empty:
    """What `startproject` makes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
        }
        for command in (["-m", "django", "startproject", "empty", "."], ["manage.py", "migrate"]):
            subprocess.run(
                [sys.executable, *command],
                cwd=folder, env=self._environment, check=True, capture_output=True,
            )  # fmt: skip

    def start(self) -> tuple[float, float]:
        port = _free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
        return _started(command, port, self._folder, self._environment)


def _started(
    command: list[str], port: int, folder: Path, environment: dict[str, str]
) -> tuple[float, float]:
    """Start a program, read its front page, end it; return seconds and processor seconds."""
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _read_front_page(process, port, until=began + PATIENCE)
            return time.monotonic() - began, _cpu_of(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def _read_front_page(process: subprocess.Popen[bytes], port: int, *, until: float) -> None:
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
            answer = connection.getresponse()
            answer.read()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.005)
            continue
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            sys.exit(f"The front page answered {answer.status}.")
        return
    sys.exit(f"{' '.join(process.args)} did not start.")  # type: ignore[arg-type]


def _cpu_of(pid: int) -> float:
    """Return the processor seconds that a process has taken so far, 0 where nobody says."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
