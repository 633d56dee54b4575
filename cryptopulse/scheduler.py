"""Celery's beat on rows of the database, which survives rows that cannot be scheduled.

Schedules are the administrators' to edit, and the scheduler underneath builds all of them or
none: one interval of two thousand million days would stop prices and alerts for good.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

logger = logging.getLogger(__name__)


class Entry(ModelEntry):  # type: ignore[misc]  # the package has no types
    """An entry that writes down its runs and nothing else.

    The one underneath reads the row and saves all of it, which would undo what an administrator
    changes in between.
    """

    def save(self) -> None:
        """Note the last run and their number; a row that is gone or disabled stays as it is."""
        type(self.model)._default_manager.filter(pk=self.model.pk, enabled=True).update(  # noqa: SLF001 (Django's public API)
            last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count
        )


class SkippingScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package has no types
    """Leaves out a row that has no next run, says which, and runs the others."""

    Entry = Entry
    #: Seconds after which the next run writes down all runs since. Its default of three minutes
    #: would have the administrators' portal show jobs as late that are not.
    sync_every = 5

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
