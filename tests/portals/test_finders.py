"""Files that npm brings: served by name where they are, named by a check where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cryptopulse.finders import NpmFinder


@pytest.fixture
def npm(settings: Any, tmp_path: Path) -> Path:
    """An npm folder with one package of two files, of which pages use one."""
    settings.BASE_DIR = tmp_path
    settings.NPM_ASSETS = {"vendor/pens": ("pens/dist", ["pens.js"])}
    folder = tmp_path / "node_modules" / "pens" / "dist"
    folder.mkdir(parents=True)
    (folder / "pens.js").write_text("write()")
    (folder / "pens.development.js").write_text("write() // slowly")
    return folder


def test_a_named_file_is_found(npm: Path) -> None:
    assert NpmFinder().find("vendor/pens/pens.js") == str(npm / "pens.js")
    assert NpmFinder().find("vendor/pens/pens.js", find_all=True) == [str(npm / "pens.js")]


def test_what_is_not_named_is_not_served(npm: Path) -> None:
    finder = NpmFinder()
    assert finder.find("vendor/pens/pens.development.js") == []
    assert finder.find("vendor/pens/../pens/pens.js") == []
    assert finder.find("vendor/other.js", find_all=True) == []


def test_collectstatic_copies_the_named_files(npm: Path) -> None:
    assert [name for name, _ in NpmFinder().list(None)] == ["pens.js"]


def test_nothing_is_missing_after_npm_ci(npm: Path) -> None:
    assert NpmFinder().check() == []


def test_without_npm_a_check_says_what_is_missing(npm: Path) -> None:
    (npm / "pens.js").unlink()
    finder = NpmFinder()
    (warning,) = finder.check()
    assert warning.id == "cryptopulse.W001"
    assert "vendor/pens/pens.js" in warning.msg
    assert "npm ci" in (warning.hint or "")
    assert finder.find("vendor/pens/pens.js") == []
    assert list(finder.list(None)) == []


def test_a_style_sheet_comes_only_with_the_font_that_it_names(
    npm: Path, settings: Any, tmp_path: Path
) -> None:
    font = "inter-latin-wght-normal.woff2"
    settings.NPM_ASSETS = {"vendor/inter": ("inter", [font])}
    assert NpmFinder().find("css/inter.css") == []
    assert list(NpmFinder().list(None)) == []
    folder = tmp_path / "node_modules" / "inter"
    folder.mkdir()
    (folder / font).write_bytes(b"font")
    assert NpmFinder().find("css/inter.css").endswith("cryptopulse/npm/inter.css")
    assert [name for name, _ in NpmFinder().list(None)] == [font, "inter.css"]
