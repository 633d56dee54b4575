"""What a person sets for themselves: appearance, currency, time zone, what tells them things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission
from alerts import services as alerts

from .zones import ZoneSelect, zone_groups, zone_names

if TYPE_CHECKING:
    from accounts.models import User

#: Kinds of event whose channels a person chooses: (kind, question, help, who may have it).
NOTIFICATION_KINDS = tuple(
    (kind.code, kind.question, kind.help_text, kind.needs) for kind in alerts.KINDS.values()
)

#: What a person sets besides notifications, in the order of the page.
PREFERENCES = (
    "theme", "palette", "language", "number_format", "display_currency", "timezone", "hide_amounts",
)  # fmt: skip


class SettingsForm(forms.Form):
    """Everything on the settings page that is saved together."""

    theme = forms.ChoiceField(label=_("Theme"), widget=forms.RadioSelect)
    palette = forms.ChoiceField(label=_("Colours of rise and fall"), widget=forms.RadioSelect)
    language = forms.ChoiceField(label=_("Language"))
    number_format = forms.ChoiceField(label=_("Numbers"))
    display_currency = forms.ChoiceField(
        label=_("Display currency"), help_text=_("Trades and targets stay in US dollars.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), widget=ZoneSelect)
    hide_amounts = forms.BooleanField(
        label=_("Hide my amounts"),
        help_text=_(
            "What you own is blurred until you point at it, for when others see your screen."
            " The eye at the top does the same for this browser only."
        ),
        required=False,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        currencies: Iterable[str],
        channels: Iterable[tuple[str, str]],
    ) -> None:
        super().__init__(data, initial={name: getattr(user, name) for name in PREFERENCES})
        person = get_user_model()
        self._offer("theme", person.Theme.choices, _("Choose a theme from the list."))
        self._offer("palette", person.Palette.choices, _("Choose a pair of colours from the list."))
        self._offer("language", person.Language.choices, _("We do not speak that language."))
        self._offer(
            "number_format", person.NumberFormat.choices, _("Choose how numbers are written.")
        )
        self._offer(
            "display_currency",
            [(code, code) for code in currencies],
            _("There is no exchange rate for that currency, so prices cannot be shown in it."),
        )
        self._offer("timezone", _zones(user.timezone), _("That is not a time zone we know."))
        for name in ("language", "number_format"):  # nothing chosen is a choice
            self.fields[name].required = False
        if not user.may(Permission.CHOOSE_CURRENCY):
            del self.fields["display_currency"]
        self.kinds = [kind for kind in NOTIFICATION_KINDS if user.may(kind[3])]
        self._ask_about_events(user, list(channels))

    def save(self, user: User) -> None:
        """Write the choices; a kind of event that was not asked about keeps its choice."""
        fields = self.choose_for(user)
        asked = {kind: self.cleaned_data[kind] for kind, *_rest in self.kinds}
        user.notification_choices = alerts.with_chosen(user.notification_choices, asked)
        user.save(update_fields=[*fields, "notification_choices"])

    def choose_for(self, user: User) -> list[str]:
        """Set on the person what is valid here, and return the names of it; nothing is saved."""
        fields = [name for name in PREFERENCES if name in self.cleaned_data]
        for name in fields:
            setattr(user, name, self.cleaned_data[name])
        return fields

    def _ask_about_events(self, user: User, offered: list[tuple[str, str]]) -> None:
        for kind, question, help_text, *_rest in self.kinds:
            self.fields[kind] = forms.MultipleChoiceField(
                label=question,
                help_text=help_text,
                choices=offered,
                required=False,
                initial=alerts.chosen_channels(user, kind),
                widget=forms.CheckboxSelectMultiple,
                error_messages={
                    "invalid_choice": _(
                        "That channel is not set up, so nothing can be sent there."
                    ),
                    "invalid_list": _("Choose channels from the list."),
                },
            )

    def _offer(self, name: str, choices: Any, sentence: Any) -> None:
        field = self.fields[name]
        field.choices = choices  # type: ignore[attr-defined]
        field.error_messages |= {"invalid_choice": sentence, "required": sentence}


def _zones(current: str) -> list[Any]:
    """Return the zones by region, and the current one if it is an old spelling."""
    groups: list[Any] = list(zone_groups())
    return groups if current in zone_names() else [(current, current), *groups]
