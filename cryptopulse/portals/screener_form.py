"""The screener's filters as a form: what was typed, what is wrong with it, what it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cryptopulse import notation
from market.screening import ABOVE, BELOW, BOUNDED, SIDES, VALUES, Criteria

DEFAULT_SORT = "rank"
LONGEST_VALUE = 40
_AMOUNT = re.compile(r"([^e]*\d)\s*([kmbt]?)", re.ASCII | re.IGNORECASE)
#: Names the notation that the amounts of an address were typed in, where that matters: an address
#: that somebody shares is read by people who write numbers in another way.
NOTATION = "notation"
_AMOUNTS = frozenset(f"{end}_{key}" for key in BOUNDED for end in ("min", "max"))
_MARKS = frozenset(
    ".,'\N{RIGHT SINGLE QUOTATION MARK}\N{THIN SPACE}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
)
_UNITS = {"": 0, "k": 3, "m": 6, "b": 9, "t": 12}


@dataclass(frozen=True, slots=True)
class Bound:
    """A column that can be held between two values: its label, its unit, what is possible."""

    label: str | Promise
    unit: str = ""
    lowest: Decimal | None = None
    highest: Decimal | None = None


ZERO, HUNDRED = Decimal(0), Decimal(100)
BOUNDS: dict[str, Bound] = {
    "rank": Bound(_("Rank"), "#", Decimal(1)),
    "price": Bound(_("Price"), "$", ZERO),
    "market_cap": Bound(_("Market cap"), "$", ZERO),
    "volume_24h": Bound(_("Volume, 24 h"), "$", ZERO),
    "change_24h": Bound(_("Change, 24 h"), "%", -HUNDRED),
    "change_7d": Bound(_("Change, 7 d"), "%", -HUNDRED),
    "change_30d": Bound(_("Change, 30 d"), "%", -HUNDRED),
    "volatility": Bound(_("Volatility, 30 d"), "%", ZERO),
    "rsi": Bound(_("RSI 14"), "", ZERO, HUNDRED),
    "below_high": Bound(_("Below its high"), "%", ZERO, HUNDRED),
}


SIDE_CHOICES = [("", _("Any")), (ABOVE, _("Price above it")), (BELOW, _("Price below it"))]


class AmountField(forms.CharField):
    """A number as this person writes numbers, with K, M, B or T for thousands and so on: 1.5M."""

    default_error_messages = {
        "invalid": _("Type a number, such as 12.5 or 1.5M."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=LONGEST_VALUE,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
            **kwargs,
        )

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # a number
        text = str(super().to_python(value))
        if not text:
            return None
        found = _AMOUNT.fullmatch(text)
        if found is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            number = notation.current().read(found[1])
        except notation.NotANumber as refused:
            raise forms.ValidationError(refused.sentence, code=refused.code) from None
        return number.scaleb(_UNITS[found[2].lower()])

    def run_validators(self, value: Any) -> None:
        """Skip those of text: the value is a number, and `to_python` has looked at its length."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fields beside each other under one label."""

    key: str
    bound: Bound
    low: BoundField
    high: BoundField

    @property
    def errors(self) -> list[str]:
        return list(dict.fromkeys([*self.low.errors, *self.high.errors]))


class ScreenerForm(forms.Form):
    """All filters; each may be left empty."""

    category = forms.ChoiceField(label=_("Category"), required=False)

    def __init__(self, data: Mapping[str, Any], *, categories: Sequence[str]) -> None:
        super().__init__(_own(data), auto_id="screen_%s", use_required_attribute=False)
        for key in BOUNDED:
            for end in ("min", "max"):
                self.fields[f"{end}_{key}"] = AmountField(label=BOUNDS[key].label)
        for days in SIDES:
            self.fields[f"sma{days}"] = forms.ChoiceField(
                label=_("%(days)d-day average") % {"days": days},
                required=False,
                choices=SIDE_CHOICES,
            )
        choices = [(name, name) for name in categories]
        self.fields["category"].choices = [("", _("Any")), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse what no coin can have, and bounds the wrong way round."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for key, bound in BOUNDS.items():
            low, high = cleaned.get(f"min_{key}"), cleaned.get(f"max_{key}")
            for end, value in (("min", low), ("max", high)):
                if value is None:
                    continue
                if bound.lowest is not None and value < bound.lowest:
                    self.add_error(f"{end}_{key}", _at_least(bound.lowest))
                elif bound.highest is not None and value > bound.highest:
                    self.add_error(f"{end}_{key}", _at_most(bound.highest))
            if low is not None and high is not None and low > high:
                self.add_error(f"min_{key}", _("The first number is above the second: swap them."))
        return cleaned

    @property
    def pairs(self) -> Iterator[Pair]:
        for key in BOUNDED:
            yield Pair(key, BOUNDS[key], self[f"min_{key}"], self[f"max_{key}"])

    @property
    def sides(self) -> list[BoundField]:
        return [self[f"sma{days}"] for days in SIDES]

    @property
    def typed(self) -> dict[str, str]:
        """Return what was typed and is not empty, by its name in the address."""
        values = {name: str(self.data.get(name, "")).strip() for name in self.fields}
        if has_marks(values):
            values[NOTATION] = notation.current().code
        return {name: value[:LONGEST_VALUE] for name, value in values.items() if value}

    @property
    def criteria(self) -> Criteria:
        """Return what is asked for; only of a valid form."""
        bounds = {}
        for key in BOUNDED:
            both = (self.cleaned_data[f"min_{key}"], self.cleaned_data[f"max_{key}"])
            if both != (None, None):
                bounds[key] = both
        sides = {days: self.cleaned_data[f"sma{days}"] for days in SIDES}
        return Criteria(
            bounds=bounds,
            category=self.cleaned_data["category"],
            sides={days: side for days, side in sides.items() if side},
        )


def has_marks(data: Mapping[str, Any]) -> bool:
    """Tell whether an amount among these depends on the notation it is read in."""
    return any(_MARKS & set(str(data.get(name, ""))) for name in _AMOUNTS)


def _own(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the data with its amounts as this person writes numbers."""
    values = {name: str(value) for name, value in data.items()}
    typed_in = notation.NOTATIONS.get(values.pop(NOTATION, ""), notation.current())
    if typed_in != notation.current():
        for name in _AMOUNTS & values.keys():
            values[name] = _respelled(values[name], typed_in)
    return values


def _respelled(value: str, typed_in: notation.Notation) -> str:
    """Write an amount as this person does; what is none stays, and is refused."""
    found = _AMOUNT.fullmatch(value.strip())
    if found is None or len(value) > LONGEST_VALUE:
        return value
    try:
        number = typed_in.read(found[1])
    except notation.NotANumber:
        return value
    return notation.current().write(number) + found[2]


def sort_of(data: Mapping[str, Any]) -> str:
    """Return the column to sort by; what makes no sense is the rank."""
    asked = str(data.get("sort", ""))
    known = asked.removeprefix("-") in {*VALUES, "name"}
    return asked if known and not asked.startswith("--") else DEFAULT_SORT


def address(typed: Mapping[str, str], sort: str) -> str:
    """Return the query that leads to these filters and this order again."""
    wanted = dict(typed) | ({} if sort == DEFAULT_SORT else {"sort": sort})
    return urlencode(sorted(wanted.items()))


def _at_least(lowest: Decimal) -> Any:
    return _("At least %(lowest)s.") % {"lowest": f"{lowest:f}".replace("-", "\N{MINUS SIGN}")}


def _at_most(highest: Decimal) -> Any:
    return _("At most %(highest)s.") % {"highest": f"{highest:f}"}
