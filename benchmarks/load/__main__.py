"""Pages under load: what a core answers 50 people, with the ticker of 500 browsers and without.

Two processes besides this one, on a core each where there are two: the product's server with a
filled SQLite file (`server.py`), and the load (`generator.py`). Each round asks for a page three
times: without a ticker, with one frame a second, and with four; every tick stores 250 quotes,
looks for alerts, and goes to every socket.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.report import ROUNDS, Line, compared, report

SOCKETS = 500
SECONDS = float(os.environ.get("LOAD_SECONDS", "3"))
PAGES = (("dashboard", "/dashboard/"), ("coin page", "/markets/bitcoin/"))
#: Frames a second, with the target for the dashboard.
RATES = ((1, 0.8), (4, None))
MOST_CPU = 0.9  # of the generator's core: above it the generator would be what is measured


class Process:
    """A child that answers each line with a line of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.load.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"{self.child.args!r} ended with status {self.child.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, command: str) -> dict[str, Any]:
        assert self.child.stdin is not None
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()
        return self.read()

    def end(self) -> None:
        if self.child.stdin is not None:
            self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What a page did for some seconds, at so many frames a second."""

    requests: float  # a second of the clock
    latencies: list[float]  # milliseconds, sorted
    cpu: float  # server's, milliseconds for each request, ticks included
    share: float  # of a core, that the server had
    generator: float  # the same of the load
    frames: float  # a second, that one browser got
    stored_in: float  # milliseconds of one tick

    @property
    def per_core(self) -> float:
        """Return the requests in a second of the server's core, ticks included.

        The server never waits for the load, so with a core to itself these are the requests of a
        second of the clock; and other work on the machine does not move them.
        """
        return 1000 / self.cpu


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: Django would stay in this one.
        subprocess.run([sys.executable, "-m", "benchmarks.load.site", folder], check=True)
        report(measure(folder))


def measure(folder: str) -> list[Line]:
    """Run all rounds, interleaved; return a line for each page and rate."""
    first, second = cores()
    server = Process("server", folder, first)
    try:
        port = server.read()["port"]
        generator = Process("generator", str(port), f"{folder}/sessions.json", second)
        try:
            measured = [(name, rounds(path, server, generator)) for name, path in PAGES]
            return [line for name, done in measured for line in lines_of(name, done)]
        finally:
            generator.end()
    finally:
        server.end()


def cores() -> tuple[str, str]:
    """Return a core for the server and another for the load; empty where none can be had."""
    if not hasattr(os, "sched_getaffinity"):
        return "", ""
    free = sorted(os.sched_getaffinity(0))
    return (str(free[0]), str(free[1])) if len(free) > 1 else ("", "")


Round = dict[int, Phase]


def rounds(path: str, server: Process, generator: Process) -> list[Round]:
    """Ask for a page at each rate of the ticker, again and again."""
    generator.ask(f"pages {path} 1")  # what a first visit makes is made
    rates = [0, *(rate for rate, _ in RATES)]
    return [{rate: run(path, rate, server, generator) for rate in rates} for _ in range(ROUNDS)]


def run(path: str, rate: int, server: Process, generator: Process) -> Phase:
    """Measure one phase."""
    generator.ask(f"sockets {SOCKETS if rate else 0}")
    server.ask(f"ticks {rate}")
    before, began = server.ask("usage")["cpu"], time.monotonic()
    done = generator.ask(f"pages {path} {SECONDS}")
    cpu, wall = server.ask("usage")["cpu"] - before, time.monotonic() - began
    ticked = server.ask("ticks 0")
    if set(done["statuses"]) != {"200"} or not done["requests"]:
        sys.exit(f"{path} answered {done['statuses']}")
    if rate and (done["closed"] or not done["frames"]):
        sys.exit(f"{done['closed']} sockets were closed, {done['frames']} frames came")
    return Phase(
        requests=done["requests"] / done["seconds"],
        latencies=[1000 * one for one in done["latencies"]],
        cpu=1000 * cpu / sum(done["statuses"].values()),
        share=cpu / wall,
        generator=done["cpu"],
        frames=done["frames"] / done["seconds"] / SOCKETS if rate else 0.0,
        stored_in=median(ticked["stored"] or [0.0]),
    )


def lines_of(name: str, measured: list[Round]) -> list[Line]:
    """Return what is said about a page."""
    return [line_of(name, rate, target, measured) for rate, target in RATES]


def line_of(name: str, rate: int, target: float | None, measured: list[Round]) -> Line:
    quiet = [one[0] for one in measured]
    ticking = [one[rate] for one in measured]
    busiest = max(one.generator for one in [*quiet, *ticking])
    if busiest > MOST_CPU:
        sys.exit(f"the load itself took {busiest:.0%} of its core: it would be what is measured")
    return compared(
        f"{name}, 50 people, {SOCKETS} browsers at {rate} frame{'s' * (rate > 1)}/s",
        "no ticker",
        [(one.per_core, other.per_core) for one, other in zip(ticking, quiet, strict=True)],
        unit="requests/s of a core",
        at_least=target if name == "dashboard" else None,
        note=note_of(quiet, ticking, busiest),
        details={
            "requests_per_second": [_m(quiet, "requests"), _m(ticking, "requests")],
            "p50_ms": [_p(quiet, 50), _p(ticking, 50)],
            "p99_ms": [_p(quiet, 99), _p(ticking, 99)],
            "cpu_ms": [_m(quiet, "cpu"), _m(ticking, "cpu")],
            "share_of_core": [_m(quiet, "share"), _m(ticking, "share")],
            "generator_cpu": busiest,
            "frames": _m(ticking, "frames"),
            "stored_in_ms": _m(ticking, "stored_in"),
        },
    )


def note_of(quiet: list[Phase], ticking: list[Phase], busiest: float) -> str:
    """Return what else was seen."""
    return (
        f"{_m(ticking, 'requests'):.1f} and {_m(quiet, 'requests'):.1f} requests/s of the clock, "
        f"of which the server had {_m(ticking, 'share'):.0%} and {_m(quiet, 'share'):.0%} of its "
        f"core; p50/p99 {_p(ticking, 50):.0f}/{_p(ticking, 99):.0f} ms, without "
        f"{_p(quiet, 50):.0f}/{_p(quiet, 99):.0f} ms; a browser got "
        f"{_m(ticking, 'frames'):.1f} frames/s, a tick was stored in "
        f"{_m(ticking, 'stored_in'):.0f} ms; the load took at most {busiest:.0%} of its core."
    )


def _p(phases: list[Phase], percent: int) -> float:
    """Return the median of the phases' percentiles."""
    return median(quantiles(one.latencies, n=100)[percent - 1] for one in phases)


def _m(phases: list[Phase], name: str) -> float:
    values: list[float] = [getattr(one, name) for one in phases]
    return median(values)


if __name__ == "__main__":
    main()
