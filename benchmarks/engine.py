"""What the DynamoDB engine costs: CPU over plain boto3, requests, capacity units.

Prints tables and writes them to `results/engine-<date>.json`. `make bench-engine` runs it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import operations, overhead, product
from benchmarks.operations import Cost
from benchmarks.overhead import ROWS, Measured
from benchmarks.report import RESULTS, aligned, machine


def main() -> int:
    """Measure, print and write; 1 when a target is missed."""
    with product.on_dynamodb():
        alice = product.fill()
        costs = operations.measure(alice)
        measured = overhead.measure()
    print(*cpu_table(measured), "", *cost_table(costs), sep="\n")
    beyond = per_statement_and_row(measured)
    print(
        f"\nBeyond boto3: {beyond['statement']:.0f} µs a statement, {beyond['row']:.1f} µs a row; "
        f"with the ORM {beyond['orm_statement']:.0f} and {beyond['orm_row']:.1f}."
    )
    today = datetime.now(UTC).date()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"engine-{today}.json"
    path.write_text(json.dumps(document(measured, costs), indent=2) + "\n")
    print(f"Written to {path.relative_to(Path.cwd())}")
    return int(any(one.verdict == "missed" for one in measured))


def cpu_table(measured: list[Measured]) -> list[str]:
    """Return the lines about CPU, as the engine's README quotes them."""
    head = ("what", "boto3, µs", "here, µs", "ratio", "target", "")
    rows = [
        (
            one.name,
            f"{one.boto3:.0f}",
            f"{one.cpu:.0f}",
            f"{one.ratio:.2f}",
            f"≤ {one.target}" if one.target else "",
            one.verdict,
        )
        for one in measured
    ]
    return aligned(head, rows)


def per_statement_and_row(measured: list[Measured]) -> dict[str, float]:
    """Return what is added to boto3's time for each statement and each further row."""
    extra = [one.cpu - one.boto3 for one in measured[:4]]
    return {
        "statement": extra[0],
        "row": (extra[1] - extra[0]) / ROWS,
        "orm_statement": extra[2],
        "orm_row": (extra[3] - extra[2]) / ROWS,
    }


def cost_table(costs: list[Cost]) -> list[str]:
    """Return the lines about requests and units, as the engine's README quotes them."""
    head = ("operation", "requests", "read units", "write units", "$ per million")
    rows = [
        (
            cost.name,
            ", ".join(f"{count} {name}" for name, count in cost.requests.items()),
            f"{cost.read_units:g}",
            f"{cost.write_units:g}",
            f"{cost.dollars:.4g}",
        )
        for cost in costs
    ]
    return aligned(head, rows)


def document(measured: list[Measured], costs: list[Cost]) -> dict[str, Any]:
    """Return what is kept of a run."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine("django", "boto3", "botocore", "apsw"),
        "rounds": overhead.ROUNDS,
        "cpu": [asdict(one) | {"verdict": one.verdict} for one in measured],
        "beyond_boto3": per_statement_and_row(measured),
        "prices": {"read": operations.READ_PRICE, "write": operations.WRITE_PRICE},
        "operations": [asdict(one) | {"dollars": one.dollars} for one in costs],
    }


if __name__ == "__main__":
    sys.exit(main())
