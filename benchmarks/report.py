"""What a benchmark says: one line for each thing that was measured beside a peer, and a verdict."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Literal

RESULTS = Path(__file__).resolve().parent / "results"
#: Measurements with their peer in one run; the median of the rounds' ratios counts.
ROUNDS = 3

Verdict = Literal["ok", "missed", "no peer", ""]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One measurement. `ours` and `theirs` are medians in `unit`; `ratio` is that of the rounds.

    `at_most` or `at_least` is the target; neither where a figure is only reported. A peer that
    cannot run here has `theirs` None and says why in `note`.
    """

    what: str
    against: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    #: The single rounds, and whatever else a reader of the JSON may want to know.
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Return `ok` or `missed`; empty where nothing is asked."""
        if self.at_most is None and self.at_least is None:
            return ""
        if self.ratio is None:
            return "no peer"
        is_good = (self.at_most is None or self.ratio <= self.at_most) and (
            self.at_least is None or self.ratio >= self.at_least
        )
        return "ok" if is_good else "missed"

    @property
    def target(self) -> str:
        """Return the target as people write it: `≤ 1.3`, `≥ 0.7`, `≤ 1/500`."""
        if self.at_most is not None:
            return f"≤ {_ratio(self.at_most)}"
        return "" if self.at_least is None else f"≥ {_ratio(self.at_least)}"


def compared(
    what: str,
    against: str,
    rounds: Sequence[tuple[float, float]],
    *,
    unit: str,
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
    details: dict[str, Any] | None = None,
) -> Line:
    """Return the line of rounds that each measured ours and theirs, one after the other."""
    return Line(
        what=what,
        against=against,
        unit=unit,
        ours=median(ours for ours, _ in rounds),
        theirs=median(theirs for _, theirs in rounds),
        ratio=median(ours / theirs for ours, theirs in rounds),
        at_most=at_most,
        at_least=at_least,
        note=note,
        details={"rounds": [list(one) for one in rounds], **(details or {})},
    )


def table(lines: Iterable[Line]) -> list[str]:
    """Return the lines as a Markdown table; the last column says how it went."""
    head = ("what", "against", "here", "there", "ratio", "target", "")
    rows = [
        (
            line.what,
            line.against,
            f"{_number(line.ours)} {line.unit}".strip(),
            "" if line.theirs is None else f"{_number(line.theirs)} {line.unit}".strip(),
            "" if line.ratio is None else _ratio(line.ratio),
            line.target,
            line.verdict,
        )
        for line in lines
    ]
    return aligned(head, rows)


def aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the lines of a Markdown table that reads well as it is."""
    widths = [max(3, *map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, tuple("-" * width for width in widths), *rows]
    padded = (map(str.ljust, line, widths) for line in lines)
    return [f"| {' | '.join(cells)} |" for cells in padded]


def as_json(line: Line) -> dict[str, Any]:
    """Return a line as `results/` keeps it."""
    return asdict(line) | {"target": line.target, "verdict": line.verdict}


def machine(*packages: str) -> dict[str, Any]:
    """Return what the figures were measured on, with the versions of these packages."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def report(lines: Sequence[Line]) -> None:
    """End a benchmark: JSON where `make bench` asks for it, else the table.

    Call it last in a module's `main`; notes follow the table.
    """
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps([as_json(line) for line in lines]))
        return
    print(*table(lines), sep="\n")
    for line in lines:
        if line.note:
            print(f"- {line.what}, against {line.against}: {line.note}")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 (digits)


def _ratio(value: float) -> str:
    return f"1/{1 / value:,.0f}" if 0 < value < 0.1 else f"{value:.2f}"  # noqa: PLR2004 (digits)
