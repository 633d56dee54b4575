"""Run a management command on a DynamoDB of this machine: `python -m cryptopulse.dynamodb pulse`.

The server keeps its file in LOCAL_DIR, starts before the command and ends after it. Where one runs
on that file already, as beside `make run-dynamodb`, the command uses that one.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from cryptopulse.environment import env, make_private, read_dotenv

from . import local

#: Where it is looked for first; another program's port is left to it.
PORT = 8001
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Start the server or find it, run the command of the command line, stop what was started."""
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        if env.bool("READ_DOTENV", default=True):
            read_dotenv(ROOT / ".env")
        if os.environ.get("DATABASE_URL"):
            print("DATABASE_URL is left aside: this runs on a DynamoDB of this machine.")
        folder = Path(env.str("LOCAL_DIR", default=str(ROOT / ".local")))
        make_private(folder)
        with _server(folder) as port:
            os.environ["DATABASE_URL"] = (
                f"dynamodb://us-east-1/cryptopulse?endpoint=http://{local.HOST}:{port}"
            )
            execute_from_command_line(["manage.py", *sys.argv[1:]])
    except (local.LocalServerError, ImproperlyConfigured) as error:
        sys.exit(f"CryptoPulse cannot start: {error}")
    except KeyboardInterrupt:  # before the command took the signals over
        sys.exit(0)


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """Yield the port of the server on the folder's file."""
    note = folder / "dynamodb.port"
    if (port := _noted(note)) is not None:
        yield port
        return
    free = None if _is_taken(PORT) else PORT
    with local.running(port=free, file=folder / "dynamodb.sqlite3") as server:
        note.write_text(f"{server.port} {server.process.pid}")
        watch = Thread(target=_end_with, args=(server,), daemon=True)
        watch.start()
        try:
            yield server.port
        finally:
            note.unlink(missing_ok=True)


def _noted(note: Path) -> int | None:
    """Return the port of a server that runs on this folder's file, if its process is alive."""
    try:
        port, process = map(int, note.read_text().split())
        os.kill(process, 0)
    except (OSError, ValueError):
        return None
    return port if _is_taken(port) else None


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((local.HOST, port)) == 0


def _end_with(server: local.LocalServer) -> None:
    """End this process, with a sentence, when the server ends before it is told to."""
    server.process.wait()
    if not server.is_stopping:
        print("The local DynamoDB server has ended, and CryptoPulse ends with it.", file=sys.stderr)
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
