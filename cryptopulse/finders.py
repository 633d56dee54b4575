"""Serve the few files that the pages need out of node_modules, and nothing else.

Node is optional: without these files the pages use the system's font and charts drawn by the
server, and a system check says how to get the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Warning  # noqa: A004 (Django's name for it)
from django.core.files.storage import FileSystemStorage

#: Our own style sheets that name a file of npm's, and that file. They lie apart in `npm/`, because
#: a collectstatic that meets them without it fails.
STYLES = {"css/inter.css": "vendor/inter/inter-latin-wght-normal.woff2"}


class NpmFinder(BaseFinder):
    """Find the files named in `settings.NPM_ASSETS`, each under its package's prefix."""

    def __init__(self, _app_names: Sequence[str] | None = None) -> None:
        self.assets: dict[str, tuple[str, FileSystemStorage]] = {}
        for prefix, (folder, names) in settings.NPM_ASSETS.items():
            storage = FileSystemStorage(location=settings.BASE_DIR / "node_modules" / folder)
            storage.prefix = prefix  # type: ignore[attr-defined]  # collectstatic reads it
            self.assets.update({f"{prefix}/{name}": (name, storage) for name in names})
        own = FileSystemStorage(location=Path(__file__).parent / "npm")
        own.prefix = "css"  # type: ignore[attr-defined]  # the same
        self.styles = {
            style: (Path(style).name, own) for style, needed in STYLES.items() if self._has(needed)
        }

    def check(self, **_kwargs: Any) -> list[CheckMessage]:
        """Warn about each file that npm has not brought yet."""
        missing = [path for path in self.assets if not self._has(path)]
        if not missing:
            return []
        return [
            Warning(
                f"Static files missing: {', '.join(missing)}.",
                hint="Run `npm ci --ignore-scripts`. Without Node the pages work too, with the "
                "system's font and simpler charts; then add cryptopulse.W001 to "
                "SILENCED_SYSTEM_CHECKS.",
                id="cryptopulse.W001",
            )
        ]

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:
        """Return where the file lies, or an empty list."""
        name, storage = (self.assets | self.styles).get(path, ("", None))
        found = [storage.path(name)] if storage and storage.exists(name) else []
        return found if find_all else (found[0] if found else [])

    def list(self, _ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        """Yield what collectstatic copies."""
        for name, storage in (self.assets | self.styles).values():
            if storage.exists(name):
                yield name, storage

    def _has(self, path: str) -> bool:
        name, storage = self.assets.get(path, ("", None))
        return storage is not None and storage.exists(name)
