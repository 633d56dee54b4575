"""The README is true: every setting is in its table, and every verb that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_setting_that_is_read_is_explained() -> None:
    read = set()
    for path in (ROOT / "cryptopulse").rglob("*.py"):
        read |= set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z][A-Z_]+)"', path.read_text()))
    explained = set(re.findall(r"`([A-Z][A-Z_]+)(?:=[^`]*)?`", README))

    assert len(read) > 30
    assert read - explained == set()


def test_every_setting_that_is_explained_is_read() -> None:
    table = README.split("## Settings")[1].split("## Many processes")[0]
    names = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])
    }
    source = "".join(path.read_text() for path in (ROOT / "cryptopulse").rglob("*.py"))

    assert {name for name in names if f'"{name}"' not in source} == set()


def test_every_verb_that_is_named_exists() -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)", README)) <= verbs


def test_every_picture_that_is_shown_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)

    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)
