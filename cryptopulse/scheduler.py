"""Celery's beat on rows of the database, which survives rows that cannot be scheduled.

Schedules are the administrators' to edit, and the scheduler underneath builds all of them or
none: one interval of two thousand million days would stop prices and alerts for good.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

logger = logging.getLogger(__name__)


class SkippingScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package has no types
    """Leaves out a row that has no next run, says which, and runs the others."""

    def all_as_schedule(self) -> dict[str, ModelEntry]:
        """Return an entry for each enabled row that makes one.

        A database that does not answer is no row's fault, and is raised as ever.
        """
        entries: dict[str, ModelEntry] = {}
        for model in self.enabled_models():
            try:
                entry = self.Entry(model, app=self.app)
                entry.is_due()
            except (DatabaseError, InterfaceError):
                raise
            except Exception as error:
                logger.exception(
                    "The periodic task “%s” cannot be scheduled and is left out (%s). Mend its "
                    "schedule or its arguments in the Django admin.",
                    model.name,
                    type(error).__name__,
                )
            else:
                entries[model.name] = entry
        return entries
