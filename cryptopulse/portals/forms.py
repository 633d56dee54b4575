"""What a person sets for themselves: appearance, currency, time zone, what tells them things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model

from accounts.roles import Permission

from .zones import zone_groups, zone_names

if TYPE_CHECKING:
    from accounts.models import User

#: Kinds of event whose channels a person chooses: (kind, question, help, who may have it).
NOTIFICATION_KINDS = (
    (
        "trade",
        "Trade confirmations",
        "After every buy and every sale. Untick all to get none.",
        Permission.TRADE,
    ),
    (
        "price_alert",
        "New price alerts go to",
        "Where a new alert is sent unless you say otherwise.",
        Permission.SET_ALERTS,
    ),
)


class SettingsForm(forms.Form):
    """Everything on the settings page that is saved together."""

    theme = forms.ChoiceField(label="Theme")
    palette = forms.ChoiceField(label="Colours of rise and fall")
    display_currency = forms.ChoiceField(label="Display currency")
    timezone = forms.ChoiceField(label="Time zone")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        currencies: Iterable[str],
        channels: Iterable[tuple[str, str]],
    ) -> None:
        super().__init__(data, initial=_as_saved(user))
        person = get_user_model()
        self._choose("theme", person.Theme.choices, "Choose a theme from the list.")
        self._choose("palette", person.Palette.choices, "Choose a pair of colours from the list.")
        self._choose(
            "display_currency",
            [(code, code) for code in currencies],
            "There is no exchange rate for that currency, so prices cannot be shown in it.",
        )
        self._choose("timezone", _zones(user.timezone), "That is not a time zone we know.")
        if not user.may(Permission.CHOOSE_CURRENCY):
            del self.fields["display_currency"]
        self.kinds = [kind for kind in NOTIFICATION_KINDS if user.may(kind[3])]
        offered = list(channels)
        for kind, question, help_text, _ in self.kinds:
            self.fields[kind] = forms.MultipleChoiceField(
                label=question,
                help_text=help_text,
                choices=offered,
                required=False,
                initial=user.notification_choices.get(kind, ["in_app"]),
                widget=forms.CheckboxSelectMultiple,
                error_messages={
                    "invalid_choice": "That channel is not set up, so nothing can be sent there.",
                    "invalid_list": "Choose channels from the list.",
                },
            )

    def save(self, user: User) -> None:
        """Write the choices; a kind of event that was not asked about keeps its choice."""
        fields = [name for name in ("theme", "palette", "display_currency", "timezone")
                  if name in self.cleaned_data]  # fmt: skip
        for name in fields:
            setattr(user, name, self.cleaned_data[name])
        asked = {kind: self.cleaned_data[kind] for kind, *_ in self.kinds}
        user.notification_choices = user.notification_choices | asked
        user.save(update_fields=[*fields, "notification_choices"])

    def _choose(self, name: str, choices: Any, sentence: str) -> None:
        self.fields[name] = forms.ChoiceField(
            label=self.fields[name].label,
            choices=choices,
            error_messages={"invalid_choice": sentence, "required": sentence},
        )


def _as_saved(user: User) -> dict[str, str]:
    return {
        name: getattr(user, name) for name in ("theme", "palette", "display_currency", "timezone")
    }


def _zones(current: str) -> list[Any]:
    """Return the zones by region, and the current one if it is an old spelling."""
    groups: list[Any] = list(zone_groups())
    return groups if current in zone_names() else [(current, current), *groups]
