"""CSV answers: what stands in a cell, and how the lines are sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cryptopulse.csv_export import cell, csv_response


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal(100), "100"),
        (Decimal("0.00"), "0"),
        (Decimal("2.3E-9"), "0.0000000023"),
        (Decimal("123456789012345678.123456789012345678"), "123456789012345678.123456789012345678"),
        (Decimal("-5.20"), "-5.2"),
        (None, ""),
        (7, "7"),
        (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), "2026-11-20T12:00:00+00:00"),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("Bitcoin", "Bitcoin"),
    ],
)
def test_a_cell_is_written_plainly(value: Any, written: str) -> None:
    assert cell(value) == written


def test_lines_with_commas_and_quotes_keep_their_columns() -> None:
    answer = csv_response("coins.csv", ["name", "note"], [["A, B", 'say "hi"']])

    assert b"".join(answer) == b'name,note\r\n"A, B","say ""hi"""\r\n'


async def test_a_server_of_asgi_reads_rows_while_it_sends_them() -> None:
    read = 0

    def rows() -> Iterator[list[int]]:
        nonlocal read
        for read in range(1, 1001):
            yield [read]

    parts = aiter(csv_response("numbers.csv", ["number"], rows()))
    first = await anext(parts)

    assert first.startswith(b"number\r\n1\r\n")
    assert read < 1000
    assert len((first + b"".join([part async for part in parts])).splitlines()) == 1001
