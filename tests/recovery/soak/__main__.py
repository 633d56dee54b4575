"""`SECONDS=600 python -m tests.recovery.soak`; ends with 1 where something did not hold."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys

from .run import Plan, soak


def _interrupted(number: int, _: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Soak, and print what held."""
    text = os.environ.get("SECONDS", "600")
    if not text.isdecimal() or int(text) < 20:
        print(f"SECONDS is {text!r}; give a whole number of seconds, 20 at least.")
        return 2
    if shutil.which("redis-server") is None:
        print("There is no redis-server on this machine, and the soak takes one away.")
        return 2
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        verdicts = asyncio.run(soak(Plan(seconds=int(text))))
    except KeyboardInterrupt:
        print("interrupted: everything has been ended")
        return 130
    for verdict in verdicts:
        print(verdict)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
