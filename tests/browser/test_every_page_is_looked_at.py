"""No page is forgotten: what the URLconf answers with a page is in a list of product.py."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from django.urls import URLPattern, URLResolver, get_resolver, resolve

from .product import WHO, pages_of

#: What answers no page of its own, each with its reason; a name that ends in * stands for all
#: that begin so.
NOT_PAGES = {
    "admin:*": "unfold's pages; tests/portals walks them",
    "api:*": "JSON",
    "None": "favicon.ico, a redirect; healthz and readyz, JSON",
    "manifest": "JSON",
    "service-worker": "a script",
    "portals:home": "a redirect to the role's portal",
    "portals:coin-*": "forms of the admin portal, POST",
    "portals:admin-health": "a part of a page",
    "portals:error-resolve": "POST",
    "portals:announcement-edit": "POST, and the form again when it is refused",
    "portals:announcement-end": "POST",
    "portals:data-export": "a file",
    "portals:leave": "POST",
    "portals:screen-*": "POST",
    "*-csv": "a file",
    "*export": "a file",
    "market:search": "suggestions, a part of a page",
    "market:glance": "a part of a page",
    "market:watch": "POST",
    "market:chart-data": "JSON",
    "portfolio:trade": "POST",
    "portfolio:preview": "a part of a page",
    "portfolio:create": "POST",
    "portfolio:rename": "POST",
    "portfolio:reset": "POST",
    "portfolio:archive": "POST",
    "alerts:coins": "suggestions, a part of a page",
    "alerts:create": "POST",
    "alerts:change": "a part of a page, and POST",
    "alerts:pause*": "POST",
    "alerts:resume*": "POST",
    "alerts:delete": "POST",
    "alerts:bell-read": "POST",
    "alerts:channel*": "parts of the settings page, and POST",
    "alerts:mail-*": "need a token of a mail",
    "accounts:invite": "POST",
    "accounts:invitation*": "need a token, or are POST",
    "accounts:suspend": "POST",
    "accounts:restore": "POST",
    "accounts:change-role": "POST",
    "accounts:send-reset": "POST",
    "accounts:note": "POST",
    "accounts:activity-new": "a part of a page",
    "accounts:flag-review": "POST",
    "accounts:session*-end": "POST",
    "portals:language": "a form of the footer is sent there",
    "accounts:person": "has a key in its address: LINKED_PAGES",
    "account_confirm_email": "needs a key of a mail",
    "account_confirm_login_code": "log-in by code is off",
    "account_reset_password_from_key": "needs a key of a mail",
    "account_set_password": "for accounts without a password, which there are none of",
    "mfa_authenticate": "needs a log-in that waits for its second factor",
    "mfa_reauthenticate*": "needs a second factor",
    "mfa_deactivate_totp": "needs a second factor",
    "mfa_*_recovery_codes": "need a second factor",
    "mfa_*_webauthn": "need a key that one can hold",
}


def names() -> Iterator[str]:
    """Yield the name of every pattern of the URLconf."""

    def walk(patterns: list[URLPattern | URLResolver], namespace: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                inner = ":".join(filter(None, (namespace, pattern.namespace)))
                yield from walk(pattern.url_patterns, inner)
            else:
                yield f"{namespace}:{pattern.name}" if namespace else str(pattern.name)

    yield from walk(get_resolver().url_patterns, "")


def is_excused(name: str) -> bool:
    return any(fnmatchcase(name, excuse) for excuse in NOT_PAGES)


def test_every_page_is_looked_at() -> None:
    listed = {resolve(path.split("?")[0]).view_name for who in WHO for path in pages_of(who)}
    forgotten = sorted({name for name in names() if name not in listed and not is_excused(name)})
    assert forgotten == [], "list their paths in tests/browser/product.py, or say why not here"


def test_no_excuse_is_left_over() -> None:
    there = set(names())
    unused = [one for one in NOT_PAGES if not any(fnmatchcase(name, one) for name in there)]
    assert unused == []
