"""One row as the engine holds it."""

from __future__ import annotations

from .catalogue import Value


class Row:
    """A row's encoded key, the version it was read at (None: not stored yet) and its values."""

    __slots__ = ("key", "values", "version")

    def __init__(self, key: str, version: str | None, values: tuple[Value, ...]) -> None:
        self.key = key
        self.version = version
        self.values = values
