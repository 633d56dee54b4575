"""The local server: found, started, stopped, and missed with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptopulse.dynamodb import local
from cryptopulse.dynamodb.local import LocalServerError
from tests.requirements import require_or_skip


@pytest.fixture
def _program() -> None:
    if local.find_server() is None:
        require_or_skip("dynoxide", local.MISSING)


def test_a_machine_without_the_program_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNOXIDE", "/nowhere/dynoxide")

    with pytest.raises(LocalServerError, match="Start DynamoDB Local, or use AWS"):
        local.start()


@pytest.mark.usefixtures("_program")
def test_two_servers_find_their_ports_and_end() -> None:
    with local.running() as one, local.running() as other:
        assert one.url != other.url
        assert one.process.poll() is other.process.poll() is None

    assert one.process.poll() is not None
    assert other.process.poll() is not None


@pytest.mark.usefixtures("_program")
def test_a_port_in_use_is_named() -> None:
    with local.running() as server, pytest.raises(LocalServerError, match=f"port {server.port}"):
        local.start(port=server.port)


@pytest.mark.usefixtures("_program")
def test_a_file_outlives_its_server(tmp_path: Path) -> None:
    file = tmp_path / "dynamodb.sqlite3"
    with local.running(file=file):
        pass

    assert file.is_file()
    with local.running(file=file) as server:
        assert server.process.poll() is None
