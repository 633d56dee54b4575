#!/usr/bin/env python3
"""Django's command line, with one clear sentence where Python itself is too old."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this line is for those who run an older one)
    sys.exit("CryptoPulse needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
