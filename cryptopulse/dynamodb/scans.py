"""Whether a statement may read a whole table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from .options import Options

#: Commands that serve requests or work for ever: a scan in them is paid for again and again.
SERVING_COMMANDS = frozenset({"runserver", "pulse", "test"})

_reason: ContextVar[str | None] = ContextVar("reason_to_scan", default=None)
_process_reason: str | None = None


@contextmanager
def allow_scans(reason: str) -> Iterator[None]:
    """Let the statements of this block read whole tables, and say why that is meant."""
    if not reason:
        raise ValueError('allow_scans needs a reason: allow_scans("nightly export").')
    token = _reason.set(reason)
    try:
        yield
    finally:
        _reason.reset(token)


def allow_for_command(argv: Sequence[str]) -> None:
    """Allow scans in this process if it runs a management command that comes to an end.

    `manage.py` calls it with `sys.argv`; servers and workers never come through there.
    """
    global _process_reason  # noqa: PLW0603 - a property of the process, set once at its start
    if len(argv) > 1 and argv[1] not in SERVING_COMMANDS:
        _process_reason = f"manage.py {argv[1]}"


def policy(options: Options) -> str:
    """Return allow, warn or forbid: what holds here and now."""
    if _reason.get() is not None or _process_reason is not None:
        return "allow"
    return options.scans
