"""Schedules of background jobs in the Django admin: how often each runs, and whether it does.

Which task a row runs is not typed there: a form that calls any task with any arguments would be
a door past every other one. New rows come with the code (`cryptopulse.schedules`).
"""

# ruff: noqa: ARG002 (Django passes the request and the object to every hook)

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from accounts import services as accounts

from .admin_base import ModelAdmin, ReadOnlyAdmin
from .models import Announcement, DailyFigure, Fault

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=366)

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class IntervalForm(forms.ModelForm):  # type: ignore[type-arg]  # the model has no types
    """An interval that beat can count with: one that overflows would stop every job."""

    class Meta:
        model = IntervalSchedule
        fields = ("every", "period")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "every" not in cleaned or "period" not in cleaned:
            return cleaned
        try:
            span = timedelta(**{cleaned["period"]: cleaned["every"]})
        except OverflowError:
            span = timedelta.max
        if not SHORTEST <= span <= LONGEST:
            raise forms.ValidationError(_("Choose an interval between one second and a year."))
        return cleaned


class JobForm(forms.ModelForm):  # type: ignore[type-arg]  # the model has no types
    """When a job runs: at an interval or by a crontab."""

    class Meta:
        model = PeriodicTask
        fields = ("description", "enabled", "interval", "crontab")

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one of the two, in words that name no other kind of schedule.

        The row's own check of this would name them, so it is not called here.
        """
        cleaned = self.cleaned_data
        if bool(cleaned.get("interval")) == bool(cleaned.get("crontab")):
            raise forms.ValidationError(_("Choose either an interval or a crontab."))
        return cleaned


class ScheduleAdmin(ModelAdmin):
    """A row that jobs may share: it is added and changed, and goes only when no job needs it."""

    list_per_page = 50
    actions = None
    readonly_fields = ("jobs",)

    @admin.display(description=gettext_lazy("Used by"))
    def jobs(self, schedule: Any) -> str:
        """Name the jobs that change with this row."""
        names = schedule.periodictask_set.order_by("name").values_list("name", flat=True)
        return ", ".join(names) or _("no job") if schedule.pk else _("no job yet")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the jobs that use it would go with it


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ScheduleAdmin):
    form = IntervalForm
    fields = ("every", "period", "jobs")


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(ScheduleAdmin):
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "jobs")


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ModelAdmin):
    """A job of ours: switched on or off, run more or less often."""

    form = JobForm
    list_display = ("name", "enabled", "interval", "crontab", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab")
    fields = (
        "name", "description", "enabled", "interval", "crontab",
        "task", "args", "kwargs", "last_run_at", "total_run_count",
    )  # fmt: skip
    readonly_fields = ("name", "task", "args", "kwargs", "last_run_at", "total_run_count")
    ordering = ("name",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave rows with another kind of schedule as they are: the form has no field for it."""
        if obj is not None and (obj.solar_id or obj.clocked_id):
            return False
        return bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save what was changed and nothing else: the job may have run since the form."""
        changed = set(form.changed_data)
        if not changed:
            return
        if not obj.enabled:
            changed.add("last_run_at")  # the row forgets it
        obj.save(update_fields={*changed, "date_changed"})


@admin.register(DailyFigure)
class DailyFigureAdmin(ReadOnlyAdmin):
    """What was counted; the portal draws it."""

    list_display = ("day", "name", "count", "amount", "counted_at")
    list_filter = ("name",)
    ordering = ("-day", "name")


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    """What was announced; it is made, changed and ended in the portal, which notes who did."""

    list_display = ("text", "level", "audience", "starts_at", "ends_at")
    list_filter = ("level", "audience")
    ordering = ("-id",)


@admin.register(Fault)
class FaultAdmin(ReadOnlyAdmin):
    """What failed, by day and way."""

    list_display = ("last_at", "source", "exception", "place", "message", "count", "state")
    list_filter = ("state", "source")
    ordering = ("-last_at",)
    actions = ("resolve",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Begin with both states by name: the index of each is in the order of time."""
        return super().get_queryset(request).filter(state__in=Fault.State.values)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        """Tell who sees the action."""
        return bool(request.user.has_perm("cryptopulse.view_fault"))

    @admin.action(description=gettext_lazy("Mark as resolved"), permissions=["resolve"])
    def resolve(self, request: HttpRequest, chosen: Any) -> None:
        """Mark the chosen errors; those that happen again are open again."""
        from .portals import faults

        done = [fault for fault in chosen if faults.resolve(key=fault.pk)]
        accounts.record(
            kind=accounts.Activity.Kind.FAULT_RESOLVED,
            summary=f"{request.user} resolved {len(done)} errors in the Django admin",
            user=request.user,  # type: ignore[arg-type]  # the admin's log-in sees to it
            address=accounts.client_address(request),
        )
        self.message_user(request, _("Resolved: %(number)s") % {"number": len(done)})
