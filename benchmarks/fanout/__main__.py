"""Compare the product's fan-out with others': `python -m benchmarks.fanout`, 4 minutes.

A round starts every server anew, opens the same websockets to each and sends the same ticks to
one after the other; a frame's cost is the processor time of the server's whole process, the
kernel's part included, divided by the frames that arrived.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from statistics import median

from benchmarks.fanout.measure import Burst, Served, ages_read, database, servers, why_no_node
from benchmarks.report import ROUNDS, Line, compared, report

CLIENTS = 1000
#: Open and written to before memory is looked at: what is only made once is there by then.
FIRST_CLIENTS = 20
RATE, TICKS = 10, 30
SLOW_RATE, SLOW_TICKS = 1, 5
READERS, READING_SECONDS = 3, 20
#: A burst that a busy machine spoiled is sent again so many times.
AGAIN = 2


@dataclass
class Round:
    """What one round measured, by server."""

    fast: dict[str, Burst] = field(default_factory=dict)
    slow: dict[str, Burst] = field(default_factory=dict)  # a tick each second
    kilobytes: dict[str, float] = field(default_factory=dict)  # of each connection
    connect_ms: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Measure and report."""
    if sys.platform != "linux":
        sys.exit("This benchmark reads /proc and pins processes to cores: it needs Linux.")
    with database() as filled:
        reading = staleness(filled)
        rounds = [one_round(filled) for _ in range(ROUNDS)]
    report([*cost(rounds), latency(rounds), *memory(rounds), *reading])


# --- Measuring ----------------------------------------------------------------------------------


def one_round(filled: Path) -> Round:
    """Measure each server once."""
    found = Round()
    fast = ["raw", "portable", "broadcast"] + ([] if why_no_node() else ["ws"])
    with servers(*fast, "deflate", "channels", database=filled) as served:
        for name in (*fast, "deflate"):
            fill(served[name], found, deflate=name == "deflate")
        for name in (*fast, "deflate"):
            found.fast[name] = steady(served[name], TICKS, rate=RATE)
            print(f"  {name}: {found.fast[name].summary}", file=sys.stderr, flush=True)
        found.slow["raw"] = steady(served["raw"], SLOW_TICKS, rate=SLOW_RATE)
        served["channels"].connect(CLIENTS)
        found.slow["channels"] = served["channels"].burst(SLOW_TICKS, rate=SLOW_RATE, patience=30)
    return found


def staleness(filled: Path) -> list[Line]:
    """Let a few read at a tenth of the rate, from all servers at the same time."""
    with servers("raw", "portable", "broadcast", database=filled) as served:
        ages = ages_read(served.values(), readers=READERS, seconds=READING_SECONDS, rate=RATE)
    return [
        compared(
            f"age of what a reader at a tenth of the rate reads after {READING_SECONDS} s{way}",
            "the same reader on websockets",
            list(zip(ages[name], ages["broadcast"], strict=True)),
            unit="s",
            at_most=0.1,
        )
        for name, way in (("raw", ""), ("portable", ", portable path"))
    ]


def fill(served: Served, found: Round, *, deflate: bool) -> None:
    """Open the websockets; what they hold is counted when each has had some frames."""
    served.connect(FIRST_CLIENTS, deflate=deflate)
    served.burst(5, rate=RATE)
    before = served.kilobytes()
    served.connect(CLIENTS - FIRST_CLIENTS, deflate=deflate)
    steady(served, 10, rate=RATE)  # the hub lets nobody flow who has not answered some frames
    found.kilobytes[served.name] = (served.kilobytes() - before) / (CLIENTS - FIRST_CLIENTS)
    found.connect_ms[served.name] = served.connect_cpu_ms


def steady(served: Served, count: int, *, rate: float) -> Burst:
    """Return a burst in which all arrived, if there is one."""
    for _ in range(AGAIN):
        found = served.burst(count, rate=rate)
        if not found.trouble:
            return found
    return served.burst(count, rate=rate)


# --- Comparing ----------------------------------------------------------------------------------


def cost(rounds: Sequence[Round]) -> list[Line]:
    """Return the lines about processor time."""
    fast = f"CPU per frame, {CLIENTS:,} clients, {RATE} frames/s"
    slow = f"CPU per frame, {CLIENTS:,} clients, {SLOW_RATE} frame/s"
    by_cpu = attrgetter("cpu")
    pairs = {
        name: [(one.fast[name], one.fast["broadcast"]) for one in rounds]
        for name in ("raw", "portable", "deflate")
    }
    plain = [(one.slow["raw"], one.slow["channels"]) for one in rounds]
    return [
        line(fast, "websockets.broadcast()", pairs["raw"], by_cpu, unit="µs", at_most=1.0),
        line(
            f"{fast}, portable path",
            "websockets.broadcast()",
            pairs["portable"],
            by_cpu,
            unit="µs",
            at_most=1.3,
        ),
        line(
            f"{fast}, compressed",
            "websockets.broadcast(), not compressed",
            pairs["deflate"],
            by_cpu,
            unit="µs",
            at_most=1.0,
            note=f"{pairs['deflate'][0][0].bytes:,} bytes instead of "
            f"{pairs['deflate'][0][0].text_bytes:,}",
        ),
        node(fast, rounds, by_cpu),
        line(
            slow,
            "plain Channels, in memory",
            plain,
            by_cpu,
            unit="µs",
            at_most=1 / 30,
            note=plain_note([peer for _, peer in plain]),
            may_lose=True,
        ),
    ]


def node(what: str, rounds: Sequence[Round], by: Callable[[Burst], float]) -> Line:
    """Return the line beside Node's `ws`, which may not be here."""
    if reason := why_no_node():
        return Line(
            what=what,
            against="Node ws",
            unit="µs",
            ours=median(by(one.fast["raw"]) for one in rounds),
            theirs=None,
            ratio=None,
            at_most=1.1,
            note=f"{reason}.",
        )
    pairs = [(one.fast["raw"], one.fast["ws"]) for one in rounds]
    return line(what, "Node ws", pairs, by, unit="µs", at_most=1.1)


def plain_note(bursts: Sequence[Burst]) -> str:
    """Say how plain Channels fared."""
    return (
        f"there {median(one.server_busy for one in bursts):.0%} of a core, and the 99th percentile "
        f"of the frames arrives after {median(one.p99_ms for one in bursts) / 1000:.1f} s"
    )


def latency(rounds: Sequence[Round]) -> Line:
    """Return the line about how long a tick takes to the browser."""
    return line(
        f"99th percentile of delivery, {CLIENTS:,} clients, {RATE} frames/s",
        "websockets.broadcast()",
        [(one.fast["raw"], one.fast["broadcast"]) for one in rounds],
        attrgetter("p99_ms"),
        unit="ms",
        at_most=1.0,
    )


def memory(rounds: Sequence[Round]) -> list[Line]:
    """Return the lines about what a connection holds."""
    ways = {"raw": "", "portable": ", portable path", "deflate": ", compressed"}
    return [
        compared(
            f"memory per connection{way}",
            "websockets",
            [(one.kilobytes[name], one.kilobytes["broadcast"]) for one in rounds],
            unit="KB",
            at_most=2.0,
            details={"connect_ms": [one.connect_ms for one in rounds]},
        )
        for name, way in ways.items()
    ]


def line(
    what: str,
    against: str,
    pairs: Sequence[tuple[Burst, Burst]],
    by: Callable[[Burst], float],
    *,
    unit: str,
    at_most: float,
    note: str = "",
    may_lose: bool = False,
) -> Line:
    """Compare bursts; without a verdict where the browsers were too slow or frames are missing."""
    made = compared(
        what,
        against,
        [(by(ours), by(theirs)) for ours, theirs in pairs],
        unit=unit,
        at_most=at_most,
        note=note,
        details={"bursts": [[asdict(ours), asdict(theirs)] for ours, theirs in pairs]},
    )
    spoiled = [ours.trouble for ours, _ in pairs] + [
        theirs.trouble for _, theirs in pairs if not (may_lose and theirs.lost)
    ]
    if not any(spoiled):
        return made
    reasons = "; ".join(sorted({reason for reason in spoiled if reason}))
    return replace(made, ratio=None, at_most=None, note=f"no verdict: {reasons}")


if __name__ == "__main__":
    main()
