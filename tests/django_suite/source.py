"""Django's source distribution, which carries the test suite that an installation lacks."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".local" / "django"


def tests_folder() -> Path:
    """Return the folder with runtests.py, fetched on first use and checked each time."""
    version = django.get_version()
    source = CACHE / f"django-{version}"
    if not source.is_dir():
        _fetch(version)
    if differing := _first_difference(source / "django"):
        sys.exit(f"{differing} is not as in the installed Django. Remove {source} and try again.")
    return source / "tests"


def _fetch(version: str) -> None:
    print(f"Fetching the source of Django {version} ...", flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    wanted = ["--no-deps", "--no-binary", "django", "--dest", str(CACHE), f"django=={version}"]
    if subprocess.run([*pip, *wanted], check=False).returncode:
        sys.exit(f"The source of Django {version} cannot be downloaded.")
    with tarfile.open(CACHE / f"django-{version}.tar.gz") as archive:
        archive.extractall(CACHE, filter="data")


def _first_difference(source: Path) -> Path | None:
    """Return a file of the source that is not, byte for byte, in the installation."""
    installed = Path(django.__file__).parent
    for file in sorted(source.rglob("*.py")):
        twin = installed / file.relative_to(source)
        if not twin.is_file() or twin.read_bytes() != file.read_bytes():
            return file
    return None
