"""Collected scripts and sheets lose what no browser needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.template import Context, Template

from cryptopulse.collected import BUNDLES, SlimmedStaticFilesStorage, slim_css, slim_js

ROOT = Path(__file__).resolve().parents[2]
STATIC = (ROOT / "cryptopulse" / "static", ROOT / "alerts" / "static")
SCRIPTS = sorted(path for folder in STATIC for path in folder.rglob("*.js"))
SHEETS = sorted(path for folder in STATIC for path in folder.rglob("*.css"))


def test_a_sheet_keeps_its_rules() -> None:
    sheet = "/* why */\n.a,\n.b > i {\n  color: red;\n  margin: calc(1px + 2px) 0;\n}\n"
    assert slim_css(sheet) == ".a,\n.b > i{color: red;margin: calc(1px + 2px) 0;}"


def test_a_script_keeps_its_statements() -> None:
    script = (
        '/** What it does.\n * More. */\n(() => {\n  // why\n  go("https://x"); // here\n})();\n'
    )
    assert slim_js(script) == '(() => {\ngo("https://x"); // here\n})();'


def test_a_comment_before_a_statement_takes_nothing_with_it() -> None:
    script = "/* a */ one();\ntwo();\n/* b */\n"
    assert slim_js(script) == "/* a */ one();\ntwo();"


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS], ids=lambda path: path.name)
def test_slimming_twice_is_slimming_once(path: Path) -> None:
    slim = slim_js if path.suffix == ".js" else slim_css
    once = slim(path.read_text())
    assert slim(once) == once


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_template_of_a_script_goes_over_several_lines(path: Path) -> None:
    open_ended = [line for line in path.read_text().splitlines() if line.count("`") % 2]
    assert open_ended == []


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_no_string_of_a_sheet_holds_what_is_taken_out(path: Path) -> None:
    strings = [part for line in path.read_text().splitlines() for part in line.split('"')[1::2]]
    assert [part for part in strings if "/*" in part or "{" in part or ";" in part] == []


def test_a_bundle_holds_its_parts_in_order(tmp_path: Path) -> None:
    ours = FileSystemStorage(ROOT / "cryptopulse" / "static")
    names = [part for parts in BUNDLES.values() for part in parts] + ["img/chevron.svg"]
    storage = SlimmedStaticFilesStorage(tmp_path, manifest_storage=FileSystemStorage(tmp_path))
    for name in names:
        storage.save(name, ours.open(name))
    list(storage.post_process({name: (ours, name) for name in names}))
    script = (tmp_path / storage.stored_name("js/frame.js")).read_text()
    assert script == slim_js(
        "\n".join(ours.open(name).read().decode() for name in BUNDLES["js/frame.js"])
    )
    sheet = (tmp_path / storage.stored_name("css/frame.css")).read_text()
    assert sheet.startswith(slim_css(ours.open("css/tokens.css").read().decode()))
    assert f"../{storage.stored_name('img/chevron.svg')}" in sheet


@pytest.mark.parametrize("name", BUNDLES)
def test_what_is_not_collected_is_linked_part_by_part(name: str) -> None:
    html = Template("{% bundle name %}").render(Context({"name": name}))
    places = [html.index(part) for part in BUNDLES[name]]
    assert places == sorted(places)
    assert name not in html
