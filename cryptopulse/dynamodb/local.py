"""A local DynamoDB: the server dynoxide, which npm brings for Linux on x86-64.

It serves tests, trials and one machine; it knows no password and listens on loopback alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
FROM_NPM = "node_modules/@dynoxide/linux-x64/dynoxide"
START_TAKES_AT_MOST = 10.0  # seconds; 0.02 is usual
STOP_TAKES_AT_MOST = 3.0  # seconds, after which it is killed; every acknowledged write is on disk
MISSING = (
    "There is no local DynamoDB server: npm brings dynoxide for Linux on x86-64 only (make setup), "
    "and DYNOXIDE names no other. Start DynamoDB Local, or use AWS, and say where it is: "
    "DATABASE_URL='dynamodb://us-east-1/cryptopulse?endpoint=http://127.0.0.1:8001'."
)


class LocalServerError(Exception):
    """A local server cannot be started; the sentence says why."""


def find_server() -> Path | None:
    """Return the program: what DYNOXIDE names, else npm's, else `dynoxide` in PATH."""
    named = os.environ.get("DYNOXIDE", "")
    from_npm = Path(__file__).resolve().parents[2] / FROM_NPM
    candidates = [named] if named else [str(from_npm), "dynoxide"]
    found = next(filter(None, map(shutil.which, candidates)), None)
    return Path(found) if found else None


class LocalServer:
    """One running server; `url` is the endpoint to give to the engine."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
        self.process = process
        self.port = port
        self.said = said
        self.url = f"http://{HOST}:{port}"
        #: Its end is meant.
        self.is_stopping = False

    def stop(self) -> None:
        """End the server and wait until it has ended."""
        self.is_stopping = True
        self.process.terminate()
        try:
            self.process.wait(STOP_TAKES_AT_MOST)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        self.is_stopping = True
        self.process.kill()
        self.process.wait()


def start(*, port: int | None = None, file: Path | None = None) -> LocalServer:
    """Start a server, in memory or on a file, and return it once it answers.

    Without a port a free one is chosen. On Linux the server ends with the thread that calls this,
    however that ends. Raises LocalServerError.
    """
    program = find_server()
    if program is None:
        raise LocalServerError(MISSING)
    for _ in range(5):  # between choosing a free port and using it another program may take it
        server = _launch(program, port or _free_port(), file)
        if _answers(server):
            return server
        server.stop()
        if port is not None:
            break
    server.said.seek(0)
    said = server.said.read().decode(errors="replace").strip().splitlines()
    raise LocalServerError(
        f"The local DynamoDB server {program} does not start on port {server.port}"
        f"{f' with the file {file}' if file else ''}. Is the port in use?"
        f"{f' It says: {said[-1]}' if said else ''}"
    )


@contextmanager
def running(*, port: int | None = None, file: Path | None = None) -> Iterator[LocalServer]:
    """Keep a server running for the length of the block."""
    server = start(port=port, file=file)
    try:
        yield server
    finally:
        server.stop()


def _launch(program: Path, port: int, file: Path | None) -> LocalServer:
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    if file is not None:
        command += ["--db-path", str(file)]
    if ends_with_us := shutil.which("setpriv"):
        command = [ends_with_us, "--pdeathsig", "TERM", *command]
    said = tempfile.TemporaryFile()  # noqa: SIM115 (the server's; a pipe could fill up)
    process = subprocess.Popen(  # noqa: S603 (our own program)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # Ctrl-C is for us: the server ends after the last write
    )
    return LocalServer(process, port, said)


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind((HOST, 0))
        return int(chosen.getsockname()[1])


def _answers(server: LocalServer) -> bool:
    """Wait until the server says that it listens; False once it has ended instead.

    Asking its port would not do: whoever else is on it answers as well.
    """
    deadline = time.monotonic() + START_TAKES_AT_MOST
    while server.process.poll() is None and time.monotonic() < deadline:
        server.said.seek(0)
        if b"listening" in server.said.read():
            return True
        time.sleep(0.002)
    return False
