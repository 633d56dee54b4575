#!/usr/bin/env python3
"""Django's command line, with one clear sentence where Python itself is too old."""

import os
import signal
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this line is for those who run an older one)
    sys.exit("CryptoPulse needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031


def end(number: int, _frame: object) -> None:
    """End without an error, and whole: a second signal changes nothing."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def main() -> None:
    """Run the command that the arguments name; a wrong setting is one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
    if sys.argv[1:2] == ["pulse"]:  # asked to end while Python still loads: that is no error
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        from cryptopulse.dynamodb.errors import Unusable
        from cryptopulse.dynamodb.scans import allow_for_command
    except ImportError:
        sys.exit("The requirements are not installed here. Run: make setup")
    allow_for_command(sys.argv)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"CryptoPulse cannot start: {error}")
    except OperationalError as error:
        if not isinstance(error.__cause__, Unusable) or "--traceback" in sys.argv:
            raise
        sys.exit(f"The database cannot be used: {error}")


if __name__ == "__main__":
    main()
