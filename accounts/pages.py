"""Paging by position instead of by number: the hundredth page costs what the first does."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row")
ModelRow = TypeVar("ModelRow", bound=Model)

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows and where the next ones begin; `next_cursor` is empty on the last page."""

    rows: list[Row]
    next_cursor: str = ""


def keyset_page(
    rows: QuerySet[ModelRow], *, cursor: str, limit: int, order: str = "pk"
) -> Page[ModelRow]:
    """Return the newest rows after `cursor`, for a model whose key is a UUID in order of time.

    `order` names another column that is such a key.

    A cursor that we never gave out is the first page, not an error.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    position = _read(cursor)
    if position is not None:
        rows = rows.filter(**{f"{order}__lt": position})
    found = list(rows.order_by(f"-{order}")[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], _write(getattr(found[limit - 1], order)) if more else "")


def _write(position: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(position.bytes).rstrip(b"=").decode()


def _read(cursor: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except ValueError:  # not base64, or not 16 bytes
        return None
