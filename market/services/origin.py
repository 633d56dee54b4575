"""Whether this database holds real or simulated prices. The two never meet."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from market.models import PriceOrigin
from market.quotes import SIMULATED_SOURCES

from .errors import MarketRejected

REAL = PriceOrigin.Origin.REAL.value
SIMULATED = PriceOrigin.Origin.SIMULATED.value

_REFUSALS = {
    REAL: gettext_noop(
        "This database holds real prices and refuses simulated ones. "
        "Use another DATABASE_URL for simulated prices."
    ),
    SIMULATED: gettext_noop(
        "This database holds simulated prices and refuses real ones. "
        "Use another DATABASE_URL, or delete this database, to start with real prices."
    ),
}


def origin() -> str | None:
    """Return "real" or "simulated", or None while no price has been stored."""
    return PriceOrigin.objects.values_list("origin", flat=True).first()


def origin_of(sources: Iterable[str]) -> str:
    """Return the kind of these sources; a mixture is refused."""
    kinds = {SIMULATED if source in SIMULATED_SOURCES else REAL for source in sources}
    if len(kinds) != 1:
        raise MarketRejected(
            _("Real and simulated prices cannot be stored together."), code="mixed_origins"
        )
    return kinds.pop()


def refusal_of(held: str) -> str:
    """Return the sentence with which a database of this kind refuses the other."""
    return _(_REFUSALS[held])


def claim_origin(kind: str) -> None:
    """Make sure that the database holds this kind, claiming it for the kind when it is new.

    To be called in the transaction that stores the prices. Raises MarketRejected.
    """
    held = origin()
    if held is None:
        held = PriceOrigin.objects.get_or_create(pk=1, defaults={"origin": kind})[0].origin
    if held != kind:
        raise MarketRejected(refusal_of(held), code="wrong_origin")
