"""Runs a program that ends when the one that started it does, however that one ends (Linux).

`python -m tests.recovery.tied PARENT program argument ...`, PARENT being the starter's number.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program, with the kernel's promise to kill it after its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(sys.argv[1]):  # it ended before that promise
            sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell: the program itself)


if __name__ == "__main__":
    main()
