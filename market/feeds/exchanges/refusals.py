"""Says in a sentence, and in the terms of FeedError, why there is no connection."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.frames import Close, CloseCode

from market.feeds.base import FeedError
from market.feeds.figures import LONGEST_RETRY_AFTER, retry_after

AT_ONCE = timedelta(0)
RATE_LIMIT = timedelta(seconds=60)  # where the answer does not say
TEAPOT = 418  # Binance's word for an address that went on after 429
SAID = 140  # characters of what an answer said that are repeated

#: Codes of a server that ends connections as a matter of course.
ORDINARY = {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART}

_OURS = {
    CloseCode.INVALID_DATA: "sent text that is not UTF-8",
    CloseCode.MESSAGE_TOO_BIG: "sent a message that is larger than any price",
    CloseCode.PROTOCOL_ERROR: "broke the websocket protocol",
}


def refused(name: str, url: str, error: Exception) -> FeedError:  # noqa: PLR0911 (one per cause)
    """Return why connecting failed."""
    if isinstance(error, InvalidStatus):
        return _by_status(name, error)
    if isinstance(error, InvalidURI):
        return FeedError(f"The address of {name}, {url}, cannot be used.", misconfigured=True)
    if isinstance(error, InvalidProxy | ProxyError | ImportError):
        return FeedError(
            f"The proxy of this machine does not lead to {name}: {_short(error)}. "
            "Check HTTPS_PROXY and NO_PROXY.",
            misconfigured=not isinstance(error, ProxyError),
            elsewhere=True,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return FeedError(
            f"{name} did not prove who it is: {error.verify_message.rstrip('.')}. Somebody stands "
            "in between, or this machine's clock or list of authorities is wrong.",
            elsewhere=True,
        )
    if isinstance(error, ssl.SSLError):
        return FeedError(f"The encryption with {name} failed: {_short(error)}.", elsewhere=True)
    if isinstance(error, socket.gaierror):
        return FeedError(
            f"The host of {name} is not known here ({url}): {error.strerror}. Check the network's "
            "name service.",
            elsewhere=True,
        )
    if isinstance(error, TimeoutError):
        return FeedError(f"{name} did not answer when we connected.")
    if isinstance(error, OSError):
        return FeedError(f"{name} cannot be reached: {error.strerror or _short(error)}.")
    return FeedError(f"{name} did not answer as a websocket server: {_short(error)}.")


def _by_status(name: str, error: InvalidStatus) -> FeedError:
    status = error.response.status_code
    said = _said(error.response.body)
    wait = retry_after(error.response.headers.get("Retry-After"), now=datetime.now(tz=UTC))
    if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return FeedError(
            f"{name} does not serve this country or network (HTTP 451).{said}", elsewhere=True
        )
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
        return FeedError(f"{name} does not let us in (HTTP {status}).{said}", elsewhere=True)
    if status == TEAPOT:
        return FeedError(
            f"{name} has banned this address for a while (HTTP 418).{said}",
            retry_after=wait or LONGEST_RETRY_AFTER,
            elsewhere=True,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = wait or RATE_LIMIT
        return FeedError(
            f"{name} has had too many connections from this address; it asks to wait "
            f"{wait.total_seconds():.0f} s.{said}",
            retry_after=wait,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FeedError(f"{name} has trouble of its own (HTTP {status}).{said}", retry_after=wait)
    return FeedError(
        f"{name} did not open a websocket (HTTP {status}); a captive portal or a wrong address "
        f"may be the cause.{said}",
        elsewhere=True,
    )


def closed(name: str, error: ConnectionClosed, *, pong: float) -> FeedError:
    """Return why a connection that was open has ended."""
    theirs, ours = error.rcvd, error.sent
    if theirs is not None and (ours is None or error.rcvd_then_sent):
        return _closed_by_them(name, theirs)
    if ours is not None and ours.code == CloseCode.INTERNAL_ERROR and "ping" in ours.reason:
        return FeedError(f"{name} did not answer a ping within {pong:g} s.")
    if ours is not None and ours.code in _OURS:
        return FeedError(f"{name} {_OURS[CloseCode(ours.code)]}.")
    return FeedError(f"The connection to {name} broke off.")


def _closed_by_them(name: str, close: Close) -> FeedError:
    reason = f": {_clean(close.reason)}" if close.reason else ""
    if "slow" in close.reason.casefold():
        return too_slow(name, close.reason)
    return FeedError(
        f"{name} closed the connection ({int(close.code)}{reason}).",
        retry_after=AT_ONCE if close.code in ORDINARY else None,
    )


def too_slow(name: str, said: str) -> FeedError:
    """Return the error for a connection that was cut because we did not keep up."""
    return FeedError(
        f"{name} cut us off because we read too slowly ({_clean(said)}). If this goes on, the "
        "machine or the database is too busy for this many coins."
    )


def _said(body: bytes | bytearray | None) -> str:
    text = _clean(bytes(body or b"")[: 4 * SAID].decode("utf-8", "replace"))
    return f" It said: {text}" if text and not text.startswith("<") else ""


def _short(error: Exception) -> str:
    return _clean(str(error)).rstrip(".") or type(error).__name__


def _clean(text: str) -> str:
    """Return what somebody else wrote as one printable line of a bearable length."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SAID]
