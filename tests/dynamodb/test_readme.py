"""The engine's README is true: its options, its files, its measured numbers."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from cryptopulse.dynamodb.options import Options, TableOptions

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "cryptopulse" / "dynamodb"
README = (FOLDER / "README.md").read_text()
#: The name and the host of the entry in DATABASES, not in its OPTIONS.
BESIDES = {"prefix", "region"}


def rows_of(heading: str) -> dict[str, list[str]]:
    """Return the first cell of each row below a table's heading, with the other cells."""
    table = re.split(rf"\n\| {heading} +\|", README)[1].split("\n\n", 1)[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


@pytest.mark.parametrize(
    ("heading", "options"), [("option", Options), ("option of a table", TableOptions)]
)
def test_every_option_is_explained_with_its_default(heading: str, options: type[Any]) -> None:
    rows = rows_of(heading)
    wanted = {field.name: field.default for field in fields(options) if field.name not in BESIDES}
    assert set(rows) == set(wanted)
    for name, default in wanted.items():
        if isinstance(default, str | int | float):
            assert rows[name][0].strip("`") == str(default), name
        else:
            assert rows[name][0] == "none", name


def test_every_file_that_is_linked_or_drawn_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) > 2
    assert [link for link in links if not (FOLDER / link).exists()] == []
    modules = set(re.findall(r"\b([a-z_]+\.py)\b", README)) - {"manage.py"}
    assert len(modules) > 10
    assert {name for name in modules if not (FOLDER / name).is_file()} == set()


def test_every_verb_that_is_named_exists() -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert named
    assert named <= verbs


def test_the_numbers_are_those_of_the_file_that_is_named() -> None:
    (named,) = set(re.findall(r"\((\.\./\.\./benchmarks/results/[^)]+)\)", README))
    measured = json.loads((FOLDER / named).read_text())
    assert rows_of("operation") == {
        one["name"]: [
            ", ".join(f"{count} {name}" for name, count in one["requests"].items()),
            f"{one['read_units']:g}",
            f"{one['write_units']:g}",
            f"{one['dollars']:.4g}",
        ]
        for one in measured["operations"]
    }
    assert rows_of("what") == {
        one["name"]: [
            f"{one['boto3']:.0f}",
            f"{one['cpu']:.0f}",
            f"{one['ratio']:.2f}",
            f"≤ {one['target']}" if one["target"] else "",
            one["verdict"],
        ]
        for one in measured["cpu"]
    }


def test_no_target_was_missed_when_it_was_measured() -> None:
    results = sorted((ROOT / "benchmarks" / "results").glob("engine-*.json"))
    verdicts = [one["verdict"] for one in json.loads(results[-1].read_text())["cpu"]]
    assert verdicts.count("ok") == 4
    assert "missed" not in verdicts
