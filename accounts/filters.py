"""What moderators look for in the log."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from . import services
from .models import Activity, User

#: As a browser's own control for a moment writes it, and a day alone.
MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]


def _moment(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        input_formats=MOMENTS,
        error_messages={"invalid": _("This is no date and time.")},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class ActivityFilter(forms.Form):
    """Kind, person, address and period; all of them may be empty."""

    kind = forms.CharField(
        label=_("Kind"),
        required=False,
        max_length=24,
        widget=forms.Select(choices=[("", _("Everything")), *Activity.Kind.choices]),
    )
    person = forms.CharField(
        label=_("Done by (username)"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    address = forms.GenericIPAddressField(
        label=_("From address"),
        required=False,
        error_messages={"invalid": _("This is no IP address.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "203.0.113.7"}),
    )
    since = _moment(_("From"))
    until = _moment(_("Before"))

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="activity-%s")
        self.who: User | None = None

    def clean_person(self) -> str:
        """Find the person; a name that nobody has is said to be one."""
        name: str = self.cleaned_data["person"].strip()
        if name:
            self.who = services.person_called(username=name)
            if self.who is None:
                raise forms.ValidationError(_("Nobody has this username."))
        return name

    @property
    def query(self) -> dict[str, Any]:
        """Return what `services.activity_page` is to be asked."""
        given = self.cleaned_data
        return {
            "kind": given["kind"],
            "user_id": self.who.pk if self.who else None,
            "address": given["address"],
            "since": given["since"],
            "until": given["until"],
        }

    @property
    def parameters(self) -> dict[str, str]:
        """Return what was typed, for the links of the page."""
        typed = {name: str(self.data.get(name, "")) for name in self.fields}
        return {name: text for name, text in typed.items() if text}


def page_position(text: str) -> uuid.UUID | None:
    """Read the key of a line that a page shows; None for anything else."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
