"""The time zones that people choose from."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

#: The regions of the IANA database; its other entries are old spellings of these.
_REGIONS = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}


@cache
def zone_groups() -> list[tuple[Any, list[tuple[str, str]]]]:
    """Return the zones by region, for a select: (region, [(name, words)]).

    Places keep the names of the IANA database in every language.
    """
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in _REGIONS}
    for name in sorted(zoneinfo.available_timezones()):
        region, _slash, place = name.partition("/")
        if place and region in groups:
            groups[region].append((name, place.replace("_", " ").replace("/", ", ")))
    return [
        (_("Universal"), [("UTC", "UTC")]),
        *((words, groups[region]) for region, words in _REGIONS.items()),
    ]


@cache
def zone_names() -> frozenset[str]:
    """Return every zone that may be chosen."""
    return frozenset(name for _, zones in zone_groups() for name, _ in zones)


class ZoneSelect(forms.Select):
    """A select of the zones. Six hundred options are drawn once in a language, not per visit."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: Mapping[str, Any] | None = None,
        renderer: Any = None,  # noqa: ARG002 (Django's signature)
    ) -> SafeString:
        """Draw the select; a zone in an old spelling comes first, as it is nobody else's."""
        chosen = format_html('<option value="{0}" selected>', value)
        options = _drawn(get_language() or "")
        if value in zone_names():
            options = options.replace(format_html('<option value="{}">', value), chosen, 1)
        elif value in dict(self._known()):
            options = format_html("{}{}</option>", chosen, value) + options
        drawn = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", drawn, mark_safe(options))  # noqa: S308 (drawn above)

    def _known(self) -> list[tuple[str, str]]:
        """Return the choices that stand alone, outside the regions."""
        return [(name, words) for name, words in self.choices if isinstance(words, str)]


@cache
def _drawn(language: str) -> str:
    """Return the regions with their options, none of them chosen."""
    with translation.override(language or None):
        return format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            (
                (region, format_html_join("", '<option value="{}">{}</option>', zones))
                for region, zones in zone_groups()
            ),
        )
