"""Forms at the edge: text becomes values, and refusals land at the field they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts import rules, services
from alerts.models import Condition, PriceAlert
from cryptopulse import notation
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

#: "Bitcoin (BTC)", as the field itself writes a coin.
NAMED = re.compile(r"(?P<name>.+) \((?P<symbol>[^()]+)\)")

#: Short enough for a select of half a card; that the target itself counts, sentences say.
DIRECTIONS = {
    Condition.ABOVE.value: gettext_lazy("rises to"),
    Condition.BELOW.value: gettext_lazy("falls to"),
}
COOLDOWNS = [
    (300, gettext_lazy("5 minutes")),
    (900, gettext_lazy("15 minutes")),
    (3600, gettext_lazy("1 hour")),
    (14400, gettext_lazy("4 hours")),
    (86400, gettext_lazy("1 day")),
    (604800, gettext_lazy("1 week")),
]
HOUR = 3600
#: How far from the price the proposed targets are, in percent.
PROPOSED = (5, 10, -5, -10)
SUGGESTED_COINS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A target that the form proposes: one click, or one link without JavaScript."""

    percent: int
    condition: str
    target: Decimal


class AlertForm(forms.Form):
    """One alert, new or to be changed. What it refuses and what the service refuses look the same.

    `alert` is the one that is changed; its coin stays.
    """

    coin_id = forms.CharField(
        label=gettext_lazy("Coin"),
        max_length=200,
        error_messages={"required": gettext_lazy("Name a coin, for example Bitcoin or BTC.")},
    )
    condition = forms.ChoiceField(
        label=gettext_lazy("When the price"),
        choices=list(DIRECTIONS.items()),
        error_messages={"invalid_choice": gettext_lazy("Choose whether the price rises or falls.")},
    )
    target = forms.CharField(
        label=gettext_lazy("Target price"),
        max_length=40,
        error_messages={
            "required": gettext_lazy("Enter a price in US dollars, for example 100000.")
        },
    )
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Send to"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": gettext_lazy("That channel is not offered here.")},
    )
    repeats = forms.BooleanField(label=gettext_lazy("Repeat"), required=False)
    cooldown = forms.ChoiceField(
        label=gettext_lazy("At most once in"),
        choices=COOLDOWNS,
        required=False,
        initial=HOUR,
        error_messages={"invalid_choice": gettext_lazy("Choose how long it waits from the list.")},
    )

    def __init__(
        self,
        *args: Any,
        user: User,
        coin_id: str = "",
        coins: Sequence[Coin] | None = None,
        alert: PriceAlert | None = None,
        initial: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.user, self.alert = user, alert
        self.states = services.channels_for(user=user, kind="price_alert")
        start = {
            "coin_id": coin_id,
            "condition": "above",
            "channels": services.chosen_channels(user, "price_alert"),
        }
        if alert is not None:
            start |= values_of(alert)
        start |= initial or {}
        super().__init__(*args, **(kwargs | {"initial": start, "auto_id": "alert-%s"}))
        self.coins = market.latest_quotes() if coins is None else coins
        offered = [(state.kind, state.label) for state in self.states]
        self.fields["channels"].choices = offered  # type: ignore[attr-defined]
        kept = self.initial.get("cooldown")
        if kept and kept not in dict(COOLDOWNS):  # made by a program, not by this form
            choice = (kept, _("%(seconds)s seconds") % {"seconds": kept})
            self.fields["cooldown"].choices = [*COOLDOWNS, choice]  # type: ignore[attr-defined]
        if alert is not None:
            del self.fields["coin_id"]

    def clean_coin_id(self) -> str:
        """Return the id of the coin that is meant: by id, symbol or name."""
        text = self.cleaned_data["coin_id"]
        found = find_coin(text, self.coins)
        return found.pk if found else text.strip()  # the service has the sentence

    def clean_target(self) -> Decimal:
        """Read the price as this person writes numbers: 100000, 100,000.50, $0.0000023."""
        try:
            return read_price(self.cleaned_data["target"])
        except notation.NotANumber as refused:
            raise forms.ValidationError(refused.sentence, code=refused.code) from None

    def clean_cooldown(self) -> int:
        """Return seconds; a form that does not ask gets an hour."""
        return int(self.cleaned_data["cooldown"] or HOUR)

    def create(self, *, now: datetime, address: str | None) -> PriceAlert | None:
        """Create the alert, or change the one there is; None leaves the reason at its field."""
        if not self.is_valid():
            return None
        wanted = {"user": self.user, "now": now, "address": address, **self.cleaned_data}
        try:
            if self.alert is not None:
                return services.change_alert(alert_id=self.alert.pk, **wanted)
            return services.create_alert(**wanted)
        except services.AlertRejected as refused:
            at = refused.field if refused.field in self.fields else None
            self.add_error(at, refused.sentence)
            return None

    @cached_property
    def coin(self) -> Coin | None:
        """Return the coin that the form is about, for its price; the first one at the start."""
        if self.alert is not None:
            wanted = self.alert.coin_id
        else:
            wanted = str(self["coin_id"].value() or "")
        found = find_coin(wanted, self.coins)
        return found or (None if wanted else next(iter(self.coins), None))

    @property
    def has_unusable(self) -> bool:
        """Tell whether a channel is offered that is not set up yet."""
        return any(not state.usable for state in self.states)

    @property
    def coin_text(self) -> str:
        """Return what stands in the coin's field: what was typed, or the coin in words."""
        typed = str(self["coin_id"].value() or "")
        return f"{self.coin.name} ({self.coin.symbol.upper()})" if self.coin else typed

    @property
    def target_text(self) -> str:
        """Return what stands in the target's field: what was typed, or a price in our notation."""
        value = self["target"].value()
        return notation.current().write(value) if isinstance(value, Decimal) else str(value or "")

    @property
    def hint(self) -> services.Hint | None:
        """Say how far off the target is that stands in the form."""
        try:
            target = read_price(self.target_text)
        except notation.NotANumber:
            return None
        if self.coin is None:
            return None
        condition = str(self["condition"].value() or "")
        return services.target_hint(self.coin, condition=condition, target=target)

    @property
    def proposals(self) -> list[Proposal]:
        """Return round targets on both sides of the price."""
        price = self.coin.last_price if self.coin else None
        if price is None or price <= 0:
            return []
        return [
            Proposal(
                percent=percent,
                condition="above" if percent > 0 else "below",
                target=rules.target_at(price=price, percent=percent),
            )
            for percent in PROPOSED
        ]


def values_of(alert: PriceAlert) -> dict[str, Any]:
    """Return what a form shows of an alert that there is."""
    return {
        "coin_id": alert.coin_id,
        "condition": alert.condition,
        "target": alert.target,
        "channels": alert.channels,
        "repeats": alert.repeats,
        "cooldown": alert.cooldown,
    }


def read_price(text: str) -> Decimal:
    """Return the price that is written so. Raises NotANumber."""
    return notation.current().read(text.strip().removeprefix("$"))


def linked_price(text: str) -> Decimal | None:
    """Return the price that a link of ours names, in plain digits."""
    try:
        return notation.PLAIN.read(text)
    except notation.NotANumber:
        return None


def find_coin(text: str, coins: Iterable[Coin]) -> Coin | None:
    """Return the coin that is meant by its id, "Name (SYMBOL)", its symbol or its name.

    Symbols are not unique: of coins that share one the best ranked is meant (`coins` are by rank).
    """
    wanted = text.strip().lower()
    if not wanted:
        return None
    named = NAMED.fullmatch(wanted)
    symbol = named["symbol"] if named else wanted
    name = named["name"] if named else wanted
    by_symbol = by_name = None
    for coin in coins:
        if coin.pk == wanted:
            return coin
        has_symbol, has_name = coin.symbol.lower() == symbol, coin.name.lower() == name
        if named and has_symbol and has_name:
            return coin
        by_symbol = by_symbol or (coin if has_symbol else None)
        by_name = by_name or (coin if has_name else None)
    return None if named else by_symbol or by_name


def suggest_coins(text: str, coins: Iterable[Coin]) -> list[Coin]:
    """Return the first coins, by rank, whose name, symbol or id has this text in it."""
    wanted = text.strip().lower()
    if named := NAMED.fullmatch(wanted):
        wanted = named["name"]
    found = [
        coin
        for coin in coins
        if wanted in coin.name.lower() or wanted in coin.symbol.lower() or wanted in coin.pk
    ]
    exact = [coin for coin in found if wanted in {coin.symbol.lower(), coin.name.lower()}]
    others = [coin for coin in found if coin not in exact]
    return [*exact, *others][:SUGGESTED_COINS]
