"""Tables as CSV files: streamed row by row, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

#: A spreadsheet reads a cell that begins so as a formula, whoever typed it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Lines that are read at a time: each time is a visit to another thread.
_LINES_AT_A_TIME = 200


class SteadyResponse(StreamingHttpResponse):
    """Streams under ASGI as well, where Django would first read all of a synchronous iterator."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = iter(self)
        while batch := await sync_to_async(self._next)(parts):
            yield batch

    @staticmethod
    def _next(parts: Iterator[bytes]) -> bytes:
        return b"".join(islice(parts, _LINES_AT_A_TIME))


def csv_response(
    filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> SteadyResponse:
    """Answer with a CSV file in UTF-8. `rows` is read while it is sent, one row at a time.

    Numbers are written plainly (no exponent, no grouping, a point), moments in ISO 8601, None as
    nothing. A text that a spreadsheet would run as a formula gets a quote in front.
    """
    response = SteadyResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store"
    return response


def cell(value: Any) -> str:
    """Write one value."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Line:
    """What `csv.writer` writes into: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow([cell(name) for name in header])
    for row in rows:
        yield writer.writerow([cell(value) for value in row])
