"""Where a request comes from, as far as that can be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest | Mapping[str, Any]) -> str | None:
    """Return the client's IP address, from a request or from an ASGI scope.

    Each proxy of ours appends to X-Forwarded-For the address that it was reached from, so with
    TRUSTED_PROXY_COUNT proxies the entry that many from the right is the client's; what stands
    left of it is the client's own claim. Where there are fewer entries the request did not come
    through all of our proxies: then, as without proxies, only the connection itself is believed.
    """
    forwarded, peer = (
        (request.META.get("HTTP_X_FORWARDED_FOR", ""), request.META.get("REMOTE_ADDR", ""))
        if isinstance(request, HttpRequest)
        else _from_scope(request)
    )
    hops = forwarded.split(",") if forwarded else []
    if 0 < settings.TRUSTED_PROXY_COUNT <= len(hops):
        return _parse(hops[-settings.TRUSTED_PROXY_COUNT]) or _parse(peer)
    return _parse(peer)


def _from_scope(scope: Mapping[str, Any]) -> tuple[str, str]:
    headers = [
        value.decode("latin-1")
        for name, value in scope.get("headers", ())
        if name.lower() == b"x-forwarded-for"
    ]
    client = scope.get("client")
    return ",".join(headers), client[0] if client else ""


def _parse(text: str) -> str | None:
    """Read one hop: an address, perhaps with a port (some load balancers add it) or a zone."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
