"""Who we are: the key that signs everything, our hosts, our address, our ports."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Tags
from django.utils.http import is_same_domain

from .findings import Findings, checked, error, warning

SHORTEST_KEY = 32
FEWEST_CHARACTERS = 5  # different ones in a key
LAST_PORT = 65535


@checked(Tags.security)
def check_identity() -> Findings:
    """The key that signs everything, the hosts we answer for, and our own address."""
    for name, key in [
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ]:
        if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
            yield error(
                1,
                f"{name} is too short or too simple to sign sessions with.",
                'Make one: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            )
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        yield error(
            2,
            "ALLOWED_HOSTS is empty, so every request would be refused.",
            "Name the hosts that people reach this by: ALLOWED_HOSTS=cryptopulse.example",
        )
    site = urlsplit(settings.SITE_URL)
    if site.scheme not in {"http", "https"} or not site.hostname or site.path:
        yield error(
            3,
            f"SITE_URL is {settings.SITE_URL!r}, which is not the address of a site.",
            "Give scheme and host without a path: SITE_URL=https://cryptopulse.example",
        )


@checked(Tags.security, deploy=True)
def check_site() -> Findings:
    """Links in messages lead to a site that is ours and encrypted."""
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            11,
            "ALLOWED_HOSTS is *: whoever sends a request chooses the host in links that we make.",
            "Name the hosts that people reach this by: ALLOWED_HOSTS=cryptopulse.example",
        )
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https":
        yield warning(
            2,
            f"SITE_URL is {settings.SITE_URL}: links in messages would not be encrypted.",
            "Set SITE_URL=https://... to where people reach this installation.",
        )
    if site.hostname and not any(
        host == "*" or is_same_domain(site.hostname, host.lower())
        for host in settings.ALLOWED_HOSTS
    ):
        yield warning(
            3,
            f"SITE_URL names the host {site.hostname}, which ALLOWED_HOSTS refuses.",
            f"Add {site.hostname} to ALLOWED_HOSTS, or mend SITE_URL.",
        )


@checked(Tags.security)
def check_numbers() -> Findings:
    """Counts and ports are what they can be."""
    if not 0 < settings.PORT <= LAST_PORT:
        yield error(4, f"PORT is {settings.PORT}; ports go from 1 to 65535.", "Try PORT=8000.")
    if settings.TRUSTED_PROXY_COUNT < 0:
        yield error(
            5,
            f"TRUSTED_PROXY_COUNT is {settings.TRUSTED_PROXY_COUNT}; it cannot be negative.",
            "Set it to the number of proxies of yours that stand in front: 0 for none.",
        )
    if settings.SOCKETS_PER_ADDRESS < 1:
        yield error(
            6,
            f"SOCKETS_PER_ADDRESS is {settings.SOCKETS_PER_ADDRESS}: no page would be live.",
            "Leave it out for 200. Each open page takes two.",
        )
    if settings.PAGE_THREADS < 1:
        yield error(
            29,
            f"PAGE_THREADS is {settings.PAGE_THREADS}: no page would be made.",
            "Leave it out for 4.",
        )
