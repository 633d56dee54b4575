"""Processes that a test started end with it, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .product import Process, Pulse

StartPulse = Callable[..., Pulse]


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in reversed(started):
        process.kill()
        print(f"--- {process.name}\n{process.output[-4000:]}")  # pytest shows it where one failed


@pytest.fixture
def pulse(tmp_path: Path, processes: list[Process]) -> StartPulse:
    """Start `manage.py pulse`; all of a test's share one folder."""

    def start(**extra: str) -> Pulse:
        process = Pulse(tmp_path, **extra)
        processes.append(process)
        return process

    return start
