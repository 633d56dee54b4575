"""The time zones that people choose from."""

from __future__ import annotations

import zoneinfo
from functools import cache

#: The regions of the IANA database; its other entries are old spellings of these.
_REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def zone_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the zones by region, for a select: (region, [(name, words)])."""
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in _REGIONS}
    for name in sorted(zoneinfo.available_timezones()):
        region, _, place = name.partition("/")
        if place and region in groups:
            groups[region].append((name, place.replace("_", " ").replace("/", ", ")))
    return [("Universal", [("UTC", "UTC")]), *((region, groups[region]) for region in _REGIONS)]


@cache
def zone_names() -> frozenset[str]:
    """Return every zone that may be chosen."""
    return frozenset(name for _, zones in zone_groups() for name, _ in zones)
