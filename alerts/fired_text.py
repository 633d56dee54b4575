"""What a fired alert tells its owner, in the language and numbers spoken just now. Pure.

Sentences in Python and no template, each put together once for all alerts that a price has fired:
of ten thousand alerts only the targets differ.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from cryptopulse import figures
from cryptopulse.words import gettext as _


class Wording:
    """The sentences about one price, as one kind of reader reads them.

    Made, and asked for a body, while that reader is spoken to.
    """

    def __init__(
        self,
        *,
        name: str,
        symbol: str,
        rose: bool,
        price: Decimal,
        at: datetime,
        is_simulated: bool,
    ) -> None:
        values = {"name": name, "symbol": symbol.upper(), "price": figures.money(price)}
        said = _("%(name)s rose to %(price)s") if rose else _("%(name)s fell to %(price)s")
        self.subject = said % values
        values["moment"] = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        if rose:
            happened = _("%(name)s (%(symbol)s) rose to %(price)s at %(moment)s UTC.")
            self._asked = _("Your alert: %(name)s rises to or above %(target)s.")
        else:
            happened = _("%(name)s (%(symbol)s) fell to %(price)s at %(moment)s UTC.")
            self._asked = _("Your alert: %(name)s falls to or below %(target)s.")
        self._name = name
        self._happened = happened % values
        simulated = [_("This price is simulated.")] if is_simulated else []
        once = _("It has fired once and for all. You can arm it again on the alerts page.")
        again = _("It repeats: it can fire again when the price has been back on the other side.")
        self._ends = "\n".join(["", *simulated, once]), "\n".join(["", *simulated, again])
        self._bodies: dict[tuple[Decimal, bool], str] = {}

    def body(self, *, target: Decimal, repeats: bool) -> str:
        """Say what happened, what had been asked for and what comes next: a line each."""
        found = self._bodies.get((target, repeats))
        if found is None:
            asked = self._asked % {"name": self._name, "target": figures.money(target)}
            found = f"{self._happened}\n{asked}{self._ends[repeats]}"
            self._bodies[target, repeats] = found
        return found
