"""Run the benchmarks, print one table, keep it: `make bench`, `make bench ONLY=fanout`.

Each runs in a process of its own, one after the other: they set Django up differently, and two at
a time would measure each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, Line, as_json, machine, table

#: In the order of the table; each is a module here with a `main` that ends in `report`.
ALL = ("fanout", "alerts", "quotes", "trades", "load", "start")
PACKAGES = ("django", "channels", "uvicorn", "uvloop", "websockets", "boto3")


def main(only: str) -> int:
    """Measure, print and write; 1 when a target is missed or a benchmark broke."""
    names = only.replace(",", " ").split() or list(ALL)
    if unknown := [name for name in names if name not in ALL]:
        print(f"There is no {', '.join(unknown)} here. ONLY may be one of: {', '.join(ALL)}.")
        return 2
    started = time.monotonic()
    lines: list[Line] = []
    broken: list[str] = []
    for name in names:
        found = measure(name)
        if found is None:
            broken.append(name)
        else:
            lines += found
    print("", *table(lines), "", sep="\n")
    for line in lines:
        if line.note:
            print(f"- {line.what}, against {line.against}: {line.note}")
    minutes = (time.monotonic() - started) / 60
    path = keep(lines, names=names, minutes=minutes)
    print(f"\nTook {minutes:.1f} minutes; written to {path}.")
    for name in broken:
        print(f"{name} broke: make bench ONLY={name} shows how.")
    return int(bool(broken) or any(line.verdict == "missed" for line in lines))


def measure(name: str) -> list[Line] | None:
    """Run one benchmark; None when it broke."""
    print(f"{name} ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "lines.json"
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        ended = subprocess.run(command, env=os.environ | {"BENCH_JSON": str(answer)}, check=False)
        if ended.returncode or not answer.exists():
            return None
        return [_line(one) for one in json.loads(answer.read_text())]


def _line(one: dict[str, Any]) -> Line:
    return Line(**{name: one[name] for name in Line.__dataclass_fields__})


def keep(lines: list[Line], *, names: list[str], minutes: float) -> Path:
    """Write what was measured to `results/`, under today's date; return where."""
    now = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    which = "" if names == list(ALL) else f"-{'-'.join(names)}"
    path = RESULTS / f"{now.date()}{which}.json"
    document = {
        "measured_at": now.isoformat(timespec="seconds"),
        "minutes": round(minutes, 1),
        "machine": machine(*PACKAGES),
        "lines": [as_json(line) for line in lines],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path.relative_to(Path.cwd())


if __name__ == "__main__":
    sys.exit(main(os.environ.get("ONLY", "")))
