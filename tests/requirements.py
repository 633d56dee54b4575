"""What some tests need of the machine, and what happens where it is missing."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def require_or_skip(name: str, reason: str) -> NoReturn:
    """Skip the test for this reason; fail instead where REQUIRE says that `name` must be there.

    REQUIRE is a comma list of redis, postgres, dynoxide, chromium.
    """
    required = {item.strip() for item in os.environ.get("REQUIRE", "").split(",")}
    if name in required:
        pytest.fail(f"REQUIRE names {name}, but: {reason}", pytrace=False)
    pytest.skip(reason)
