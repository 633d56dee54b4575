"""Serve the few files that the pages need out of node_modules, and nothing else.

Node is optional: without these files the pages use the system's font and charts drawn by the
server, and a system check says how to get the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Warning  # noqa: A004 (Django's name for it)
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

#: Our own style sheets that name a file of npm's, and that file. They lie apart in `npm/`, because
#: a collectstatic that meets them without it fails.
STYLES = {"css/inter.css": "vendor/inter/inter-latin-wght-normal.woff2"}


#: What pages write: Latin of western languages, currency signs, and the signs between numbers.
FONT_CHARACTERS = (
    "U+20-7E,U+A0-FF,U+131,U+152-153,U+2010-2015,U+2018-201E,U+2022,U+2026,U+2030,U+2032-2033,"
    "U+20AC,U+20BF,U+2122,U+2190-2193,U+2212,U+2248,U+2260,U+2264-2265"
)
FONT_WEIGHTS = (400, 650)  # css/tokens.css and the sheets beside it use nothing outside of these


class SmallerFonts(FileSystemStorage):
    """Gives collectstatic a font without the weights and characters that no page uses.

    Inter goes from 48 to 22 KB, which is most of a first visit. In development, and where
    fontTools is missing, it stays as npm has brought it.
    """

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        if not name.endswith(".woff2"):
            kept: File[Any] = super()._open(name, mode)  # type: ignore[misc]  # not in the stubs
            return kept
        return ContentFile(smaller_font(Path(self.path(name))), name)


def smaller_font(path: Path) -> bytes:
    """Return the font with FONT_CHARACTERS in FONT_WEIGHTS only."""
    try:
        from fontTools.subset import Options, Subsetter, parse_unicodes
        from fontTools.ttLib import TTFont
        from fontTools.varLib.instancer import instantiateVariableFont
    except ImportError:
        return path.read_bytes()
    font = TTFont(path)
    subsetter = Subsetter(Options(layout_features=["kern", "tnum", "ccmp", "mark"]))
    subsetter.populate(unicodes=parse_unicodes(FONT_CHARACTERS))
    subsetter.subset(font)
    instantiateVariableFont(font, {"wght": FONT_WEIGHTS}, inplace=True)
    font.flavor = "woff2"
    written = BytesIO()
    font.save(written)
    return written.getvalue()


class NpmFinder(BaseFinder):
    """Find the files named in `settings.NPM_ASSETS`, each under its package's prefix."""

    def __init__(self, _app_names: Sequence[str] | None = None) -> None:
        self.assets: dict[str, tuple[str, FileSystemStorage]] = {}
        for prefix, (folder, names) in settings.NPM_ASSETS.items():
            storage = SmallerFonts(location=settings.BASE_DIR / "node_modules" / folder)
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
