"""What indicators are commonly taken to say, in words. Conventions, not advice."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from market.screening import Row

OVERBOUGHT, OVERSOLD = 70, 30
#: A volume so many times its average, or less, is worth a word.
BUSY, QUIET = 1.5, 0.5
FULL = 100  # where a band's upper edge is


@dataclass(frozen=True, slots=True)
class Signals:
    """A word for each indicator; empty where it is not known."""

    rsi: str
    macd: str
    average_20: str
    average_50: str
    average_200: str
    bands: str
    volume: str


def read_signals(row: Row) -> Signals:
    """Read a coin's indicators by their usual conventions."""
    return Signals(
        rsi=_rsi(row),
        macd=_macd(row),
        average_20=_side(row.above_average(20)),
        average_50=_side(row.above_average(50)),
        average_200=_side(row.above_average(200)),
        bands=_bands(row.band_place),
        volume=_volume(row.volume_ratio),
    )


def _rsi(row: Row) -> str:
    value = row.figures.rsi if row.figures else None
    if value is None:
        return ""
    if value >= OVERBOUGHT:
        return _("overbought")
    return _("oversold") if value <= OVERSOLD else _("neutral")


def _macd(row: Row) -> str:
    known = row.figures
    if known is None or known.macd is None or known.macd_signal is None:
        return ""
    return _("above its signal") if known.macd > known.macd_signal else _("below its signal")


def _side(away: float | None) -> str:
    if away is None:
        return ""
    return _("above") if away > 0 else _("below")


def _bands(place: float | None) -> str:
    if place is None:
        return ""
    if place > FULL:
        return _("above the upper band")
    return _("below the lower band") if place < 0 else _("within the bands")


def _volume(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if ratio >= BUSY:
        return _("busy")
    return _("quiet") if ratio <= QUIET else _("usual")
