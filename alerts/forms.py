"""Forms at the edge: text becomes values, and refusals land at the field they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms

from alerts import services
from alerts.models import Condition, PriceAlert
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

#: Digits, with commas between groups of three or none, and a point: no exponent, no other script.
AMOUNT = re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{3})+)?(\.[0-9]+)?")

#: Short enough for a select of half a card; that the target itself counts, sentences say.
DIRECTIONS = {Condition.ABOVE.value: "rises to", Condition.BELOW.value: "falls to"}
COOLDOWNS = [
    (300, "5 minutes"),
    (900, "15 minutes"),
    (3600, "1 hour"),
    (14400, "4 hours"),
    (86400, "1 day"),
    (604800, "1 week"),
]
HOUR = 3600


class AlertForm(forms.Form):
    """One new alert. What it refuses and what the service refuses look the same."""

    coin_id = forms.CharField(label="Coin", widget=forms.Select)
    condition = forms.ChoiceField(
        label="When the price",
        choices=list(DIRECTIONS.items()),
        error_messages={"invalid_choice": "Choose whether the price rises or falls."},
    )
    target = forms.CharField(
        label="Target price",
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Enter a price in US dollars, for example 100000."},
    )
    channels = forms.MultipleChoiceField(
        label="Send to",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "That channel is not offered here."},
    )
    repeats = forms.BooleanField(label="Repeat", required=False)
    cooldown = forms.ChoiceField(
        label="At most once in",
        choices=COOLDOWNS,
        required=False,
        initial=HOUR,
        error_messages={"invalid_choice": "Choose how long it waits from the list."},
    )

    def __init__(
        self,
        *args: Any,
        user: User,
        coin_id: str = "",
        coins: Sequence[Coin] | None = None,
        **kwargs: Any,
    ) -> None:
        chosen = services.chosen_channels(user, "price_alert")
        initial = {"coin_id": coin_id, "condition": "above", "channels": chosen}
        super().__init__(*args, **(kwargs | {"initial": initial, "auto_id": "alert-%s"}))
        self.user = user
        self.coins = market.latest_quotes() if coins is None else coins
        self.states = services.channels_for(user=user)
        coin_field, channel_field = self.fields["coin_id"], self.fields["channels"]
        coin_field.widget.choices = [
            (coin.pk, f"{coin.name} ({coin.symbol.upper()})") for coin in self.coins
        ]
        channel_field.choices = [(state.kind, state.label) for state in self.states]  # type: ignore[attr-defined]

    def clean_target(self) -> Decimal:
        """Read the price as people write it: 100000, 100,000.50, $0.0000023."""
        text = self.cleaned_data["target"].strip().removeprefix("$").strip()
        if not AMOUNT.fullmatch(text) or not any(letter.isdigit() for letter in text):
            raise forms.ValidationError("Enter a price in US dollars, for example 100000.")
        return Decimal(text.replace(",", ""))

    def clean_cooldown(self) -> int:
        """Return seconds; a form that does not ask gets an hour."""
        return int(self.cleaned_data["cooldown"] or HOUR)

    def create(self, *, now: datetime, address: str | None) -> PriceAlert | None:
        """Create the alert; None leaves the reason at its field."""
        if not self.is_valid():
            return None
        try:
            return services.create_alert(
                user=self.user, now=now, address=address, **self.cleaned_data
            )
        except services.AlertRejected as refused:
            self.add_error(refused.field or None, refused.sentence)
            return None

    @property
    def coin(self) -> Any:
        """Return the coin that the form is about, for its price; the first one at the start."""
        wanted = self["coin_id"].value()
        return next((coin for coin in self.coins if coin.pk == wanted), None) or next(
            iter(self.coins), None
        )
