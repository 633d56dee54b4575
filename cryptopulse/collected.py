"""What collectstatic keeps of our scripts and style sheets: what a browser needs of them.

Comments and indentation are a quarter of what a first visit loads of them, compressed. The files
are ours and written for this: no string or template of theirs goes over several lines (a test
looks), so lines can be taken for themselves. What comes with a package stays as it is.

What every page loads is put together into one sheet and one script: a dozen files less to ask for,
and together they compress better. Templates name such a bundle with `{% bundle %}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from servestatic.storage import CompressedManifestStaticFilesStorage

#: Folders under STATIC_URL whose scripts and sheets we write.
OURS = ("css/", "js/", "alerts/")

#: Made of these, in this order, when static files are collected. What names one links its parts
#: where it was not made: with DEBUG, and where files are kept in S3.
BUNDLES = {
    "css/frame.css": (
        "css/tokens.css", "css/base.css", "css/shell.css", "css/cards.css", "css/controls.css",
        "css/figures.css", "css/tables.css", "css/states.css",
    ),
    "js/frame.js": ("js/figures.js", "js/page.js", "js/socket.js", "js/live.js"),
}  # fmt: skip

_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND_SIGNS = re.compile(r"\s*([{};])\s*")
_JS_COMMENT = re.compile(
    r"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.DOTALL | re.MULTILINE
)
_MARGINS = re.compile(r"\s*\n\s*")


class SlimmedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Collects our scripts and sheets without comments and indentation, then hashes them."""

    def post_process(
        self, paths: dict[str, tuple[Storage, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception | None]]:
        """Put the bundles together, then hash everything that was collected."""
        if not dry_run:
            for name, parts in BUNDLES.items():
                self.delete(name)
                self._save(name, ContentFile(joined([paths[part] for part in parts])))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _save(self, name: str, content: Any) -> str:
        slim = SLIM.get(name.rpartition(".")[2]) if name.startswith(OURS) else None
        kept: File[Any] = (
            content if slim is None else ContentFile(slim(read(content)).encode(), name)
        )
        saved: str = super()._save(name, kept)
        return saved


def joined(files: list[tuple[Storage, str]]) -> bytes:
    """Return what the files hold, one after the other."""
    texts = []
    for storage, path in files:
        with storage.open(path) as content:
            texts.append(read(content))
    return "\n".join(texts).encode()


def read(content: File[Any]) -> str:
    """Return the file's text."""
    content.seek(0)
    text = content.read()
    return text if isinstance(text, str) else text.decode()


def slim_css(text: str) -> str:
    """Leave out comments, indentation, and space around braces and semicolons."""
    return _MARGINS.sub("\n", _AROUND_SIGNS.sub(r"\1", _CSS_COMMENT.sub("", text))).strip()


def slim_js(text: str) -> str:
    """Leave out comments that have lines of their own, indentation and empty lines."""
    return _MARGINS.sub("\n", _JS_COMMENT.sub("", text)).strip()


SLIM = {"css": slim_css, "js": slim_js}
