"""DynamoDB: what its engine says about the models, and that its options can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import ImproperlyConfigured

from cryptopulse.engine import DYNAMODB

from .findings import error


@register(Tags.database)
def check_dynamodb_options(**_: Any) -> list[CheckMessage]:
    """The options of each database that is DynamoDB can be read."""
    from cryptopulse.dynamodb.options import read_options

    found: list[CheckMessage] = []
    for database in settings.DATABASES.values():
        if database["ENGINE"] == DYNAMODB:
            try:
                read_options(database)
            except ImproperlyConfigured as problem:
                found.append(error(100, str(problem), "See DynamoDB in the README."))
    return found


@register(Tags.models)
def check_dynamodb(
    app_configs: Iterable[Any] | None = None,  # noqa: ARG001 (tables are looked at together)
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """Look at each database that is DynamoDB; at what it stores only if it is named."""
    found: list[CheckMessage] = []
    for alias, database in settings.DATABASES.items():
        if database["ENGINE"] == DYNAMODB:
            found += _findings(database, asks=alias in (databases or ()))
    return found


def _findings(database: dict[str, Any], *, asks: bool) -> list[CheckMessage]:
    from django.contrib import admin

    from cryptopulse.dynamodb import checks
    from cryptopulse.dynamodb.options import read_options

    try:
        options = read_options(database)
    except ImproperlyConfigured:
        return []  # said above
    models = apps.get_models(include_auto_created=True)
    admin.autodiscover()
    found = list(checks.find(models, options, admin.site._registry))  # noqa: SLF001 (has no door)
    return found + (list(checks.find_changed_options(options)) if asks else [])
