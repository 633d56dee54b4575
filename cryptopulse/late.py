"""Parts of the site that are read when somebody first asks for them: the admin, the JSON API.

They bring more code than all other pages together (Unfold, the admin classes of every app,
pydantic), and a start that waits for them is half a second later at its first page. A part is
read whole, once, by the first request under its prefix or the first `reverse` of its namespace;
`read_all` does it ahead, where nobody waits: behind the first page of `manage.py pulse`, and
before a web process of its own says that it is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.urls import URLResolver
from django.urls.resolvers import RoutePattern

#: Modules with the `urlpatterns` of a late part.
PARTS = ("cryptopulse.admin_urls", "cryptopulse.api_urls")

#: Whether a web process reads them before it says that it is up. Not where a person waits for the
#: first page of `manage.py pulse`.
reads_ahead = True


class LateResolver(URLResolver):
    """An `include` whose module is imported when its prefix or its namespace is asked for.

    It has a namespace, and none inside: then Django looks for names in `url_patterns`, and what
    it gathers from all parts at the first `reverse` of any name need not be gathered here.
    """

    def _populate(self) -> None:
        pass


def late(route: str, module: str, *, app_name: str, namespace: str) -> LateResolver:
    """Return the URLs of a module under a prefix, not yet read."""
    return LateResolver(
        RoutePattern(route, is_endpoint=False), module, app_name=app_name, namespace=namespace
    )


def read_all() -> None:
    """Read the late parts now."""
    for part in PARTS:
        import_module(part)


class LateAdminConfig(SimpleAdminConfig):
    """Django's admin, whose classes are found with its URLs, and before anything checks them."""

    default = False

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_admin, checks.Tags.admin)


def _check_admin(app_configs: Sequence[Any] | None, **kwargs: Any) -> Iterable[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs, **kwargs)
