"""Run a management command on a DynamoDB of this machine: `python -m cryptopulse.dynamodb pulse`.

The server keeps its file in LOCAL_DIR, starts before the command and ends after it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import local

PORT = 8001


def main() -> None:
    """Start the server, run the command of the command line, and stop the server."""
    # Settings read it, and they say where the file belongs; the server may start after them.
    os.environ["DATABASE_URL"] = (
        f"dynamodb://us-east-1/cryptopulse?endpoint=http://{local.HOST}:{PORT}"
    )
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        folder = Path(settings.LOCAL_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with local.running(port=PORT, file=folder / "dynamodb.sqlite3"):
            execute_from_command_line(["manage.py", *sys.argv[1:]])
    except (local.LocalServerError, ImproperlyConfigured) as error:
        sys.exit(f"CryptoPulse cannot start: {error}")
    except KeyboardInterrupt:  # before the command took the signals over
        sys.exit(0)


if __name__ == "__main__":
    main()
