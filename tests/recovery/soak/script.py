"""How the prices go, step by step, and what that fires: sums that a person can check. No product.

Each coin shows one thing, and every target lies between two prices of the script, never on one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

#: Steps for which a sawtooth keeps its price, between two wicks, and between two cliffs.
HOLD, WICK, CLIFF = 6, 10, 40
SAWS = 3
#: More than the thread that stores prices fires by itself.
ALERTS_PER_CLIFF = 250
OWNERS = ("alice", "bob", "charlie")
CHANNELS = ("in_app", "email")
#: Seconds; a person may choose a minute at least, which a soak does not have.
COOLDOWN = 1

_SPACE = uuid.UUID("5f0a7a52-6f0e-4d3c-9c46-2b8f8f3f6c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An alert that waits from the beginning on."""

    coin_id: str
    condition: str
    target: Decimal
    #: Which one of its coin it is, counted from one in the order in which they fire.
    place: int
    repeats: bool = False

    @property
    def key(self) -> uuid.UUID:
        return uuid.uuid5(_SPACE, f"{self.coin_id}:{self.place}")

    @property
    def owner(self) -> str:
        return OWNERS[self.place % len(OWNERS)]

    def event(self, time: int) -> uuid.UUID:
        """Return the key of the event that it fired for the first, second ... time."""
        return uuid.uuid5(self.key, str(time))


def prices(step: int) -> list[tuple[str, Decimal]]:
    """Return what a step brings, in order; a wick is a price that is gone at once."""
    high = (step // HOLD) % 2 == 1
    tick = [
        ("bitcoin", Decimal(100_000 + 10 * step)),
        ("ethereum", Decimal(4_000 - step)),
        ("solana", Decimal(120 if high else 100)),
        ("cardano", Decimal("1.00") if high else Decimal("1.20")),
        ("dogecoin", Decimal("0.10")),
        ("ripple", Decimal(1_000 - step // CLIFF)),
    ]
    if step % WICK == WICK // 2:
        tick += [("dogecoin", _peak(wicks(step))), ("dogecoin", Decimal("0.10"))]
    return tick


def _peak(wick: int) -> Decimal:
    return Decimal("0.10") + Decimal("0.01") * wick


def wicks(step: int) -> int:
    """Return how many there have been: at steps 5, 15, 25 ..."""
    return (step + WICK // 2) // WICK


def swings(step: int) -> int:
    """Return how often a sawtooth has left its first price: at steps 6, 18, 30 ..."""
    return (step // HOLD + 1) // 2


def wanted(steps: int) -> list[Wanted]:
    """Return the alerts for a script of so many steps."""

    def ladder(coin_id: str, condition: str, targets: list[Decimal]) -> list[Wanted]:
        return [
            Wanted(coin_id=coin_id, condition=condition, target=target, place=place)
            for place, target in enumerate(targets, start=1)
        ]

    def saws(coin_id: str, condition: str, targets: list[Decimal]) -> list[Wanted]:
        return [
            Wanted(coin_id=coin_id, condition=condition, target=target, place=place, repeats=True)
            for place, target in enumerate(targets, start=1)
        ]

    cliffs = [
        Decimal(1_000 - cliff) + Decimal("0.001") * (ALERTS_PER_CLIFF - place)
        for cliff in range(1, steps // CLIFF + 1)
        for place in range(ALERTS_PER_CLIFF)
    ]
    return [
        *ladder("bitcoin", "above", [Decimal(100_000 + 10 * n - 5) for n in range(1, steps + 1)]),
        *ladder(
            "ethereum",
            "below",
            [Decimal(4_000 - 5 * n) + Decimal("0.5") for n in range(1, steps // 5 + 1)],
        ),
        *saws("solana", "above", [Decimal(105 + 5 * n - 2) for n in range(SAWS)]),
        *saws("cardano", "below", [Decimal("1.15") - Decimal("0.05") * n for n in range(SAWS)]),
        *ladder(
            "dogecoin",
            "above",
            [_peak(n) - Decimal("0.005") for n in range(1, wicks(steps) + 1)],
        ),
        *ladder("ripple", "below", cliffs),
    ]


def times_fired(alert: Wanted, step: int) -> int:
    """Return how often an alert must have fired when this step is over."""
    reached = {
        "bitcoin": step,  # one a step
        "ethereum": step // 5,  # one in five steps
        "dogecoin": wicks(step),  # one a wick
        "ripple": step // CLIFF * ALERTS_PER_CLIFF,  # many at once
    }
    if alert.repeats:
        return swings(step)
    return 1 if alert.place <= reached[alert.coin_id] else 0


def expected_events(alerts: list[Wanted], step: int) -> set[str]:
    """Return the keys of all events when this step is over."""
    return {
        str(alert.event(time))
        for alert in alerts
        for time in range(1, times_fired(alert, step) + 1)
    }
