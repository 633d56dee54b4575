"""Everything that is stored, to tell that a refused request changed none of it."""

from __future__ import annotations

from typing import Any

from django.apps import apps

OURS = ("accounts", "market", "portfolio", "alerts", "django_celery_beat")
#: What trying leaves behind by design: the log of who tried.
LOGS = frozenset({"accounts.activity"})


def stored() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of ours but the logs'."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            if model._meta.label_lower in LOGS:
                continue
            fields = [field.attname for field in model._meta.concrete_fields
                      if field.attname != "last_login"]  # fmt: skip
            rows[model._meta.label] = list(
                model._default_manager.order_by("pk").values_list(*fields)
            )
    return rows
