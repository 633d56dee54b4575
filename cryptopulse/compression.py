"""Sends pages and JSON in Brotli where the browser takes it; Django's gzip takes what is left."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import brotli
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

_TAKES_BROTLI = re.compile(r"\bbr\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
#: A sixth smaller than gzip's 6 and as quick; above it each step costs far more than it saves.
QUALITY = 5
SMALLEST = 200  # bytes; shorter answers fit into one packet anyway
MOST_PADDING = 100  # bytes, as Django pads what it compresses with gzip


class BrotliMiddleware:
    """Compresses answers, and pads them by a random length so that sizes tell nothing (BREACH)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.streaming or response.has_header("Content-Encoding"):
            return response
        if len(response.content) < SMALLEST:
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        if _TAKES_BROTLI.search(request.headers.get("Accept-Encoding", "")):
            _send_compressed(response)
        return response


def _send_compressed(response: HttpResponse) -> None:
    content = compressed(response.content)
    if len(content) >= len(response.content):
        return
    response.content = content
    response.headers["Content-Length"] = str(len(content))
    response.headers["Content-Encoding"] = "br"
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):  # a strong one is for the bytes that are sent
        response.headers["ETag"] = f"W/{etag}"


def compressed(content: bytes) -> bytes:
    """Compress the content, with up to MOST_PADDING bytes in it that every reader skips."""
    compressor = brotli.Compressor(quality=QUALITY)
    body: bytes = compressor.process(content) + compressor.flush()
    padding = _skipped(secrets.token_bytes(1 + secrets.randbelow(MOST_PADDING)))
    last: bytes = compressor.finish()
    return body + padding + last


def _skipped(padding: bytes) -> bytes:
    """Return a metadata block of RFC 7932, 9.2, for 1 to 256 bytes; it stands at a whole byte.

    Its bits, lowest first: 0 (not the last block), 11 (metadata), 0, 10 (one byte of length),
    then the length less one.
    """
    return (0b010110 | (len(padding) - 1) << 6).to_bytes(2, "little") + padding
