"""How the prices go, step by step, and what that fires: sums that a person can check. No product.

Each coin shows one thing. Every target lies between two prices of the script, never on one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

#: Coins that go on with every fast step, in one direction for ever.
FAST = ("bitcoin", "ethereum", "ripple")
#: Coins that go on with every slow step: two that swing, and one that has a wick.
SLOW = ("solana", "cardano", "dogecoin")

#: Fast steps between two cliffs of ripple, and how many alerts wait on the way down: more than the
#: thread that stores prices fires by itself.
CLIFF, ALERTS_PER_CLIFF = 40, 210
#: Fast steps for one alert of ethereum.
STAIR = 5
#: Alerts of each coin that swings.
SAWS = 3
OWNERS = ("alice", "bob", "charlie")
CHANNELS = ("in_app", "email")
#: Seconds; a person may choose a minute at least, which a soak does not have.
COOLDOWN = 1
#: Seconds for which a slow step is held at least, so that a cooldown is over.
SLOW_HOLD = COOLDOWN + 0.5

_SPACE = uuid.UUID("5f0a7a52-6f0e-4d3c-9c46-2b8f8f3f6c11")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An alert that waits from the beginning on."""

    coin_id: str
    condition: str
    target: Decimal
    #: Which one of its coin it is, counted from one in the order in which they fire.
    place: int

    @property
    def repeats(self) -> bool:
        return self.coin_id in ("solana", "cardano")

    @property
    def key(self) -> uuid.UUID:
        return uuid.uuid5(_SPACE, f"{self.coin_id}:{self.place}")

    @property
    def owner(self) -> str:
        return OWNERS[self.place % len(OWNERS)]

    def event(self, time: int) -> uuid.UUID:
        """Return the key of the event that it fired for the first, second ... time."""
        return uuid.uuid5(self.key, str(time))


def price_of(coin_id: str, step: int) -> Decimal:
    """Return where a coin of the script stands: `step` is the fast or the slow one, as it is."""
    swung = step % 2 == 1
    return {
        "bitcoin": Decimal(100_000 + 10 * step),
        "ethereum": Decimal(100_000 - step),
        "ripple": Decimal(1_000 - step // CLIFF),
        "solana": Decimal(120 if swung else 100),
        "cardano": Decimal("1.00") if swung else Decimal("1.20"),
        "dogecoin": Decimal("0.10"),
    }[coin_id]


def peak(step: int) -> Decimal:
    """Return the price that dogecoin has for a moment as slow step 1, 2, 3 ... begins."""
    return Decimal("0.10") + _CENT * step


def wanted(*, fast: int, slow: int) -> list[Wanted]:
    """Return the alerts for so many steps."""
    targets = {
        ("bitcoin", "above"): [Decimal(100_000 + 10 * n - 5) for n in range(1, fast + 1)],
        ("ethereum", "below"): [
            Decimal(100_000 - STAIR * n) + Decimal("0.5") for n in range(1, fast // STAIR + 1)
        ],
        ("ripple", "below"): [
            Decimal(1_000 - cliff) + Decimal("0.001") * (ALERTS_PER_CLIFF - n)
            for cliff in range(1, fast // CLIFF + 1)
            for n in range(ALERTS_PER_CLIFF)
        ],
        ("solana", "above"): [Decimal(103 + 5 * n) for n in range(SAWS)],
        ("cardano", "below"): [Decimal("1.15") - 5 * _CENT * n for n in range(SAWS)],
        ("dogecoin", "above"): [peak(n) - _CENT / 2 for n in range(1, slow + 1)],
    }
    return [
        Wanted(coin_id=coin_id, condition=condition, target=target, place=place)
        for (coin_id, condition), some in targets.items()
        for place, target in enumerate(some, start=1)
    ]


def times_fired(alert: Wanted, *, fast: int, slow: int) -> int:
    """Return how often an alert must have fired after so many steps."""
    if alert.repeats:  # at slow steps 1, 3, 5 ...
        return (slow + 1) // 2
    reached = {
        "bitcoin": fast,  # one a step
        "ethereum": fast // STAIR,
        "ripple": fast // CLIFF * ALERTS_PER_CLIFF,  # many at once
        "dogecoin": slow,  # one a wick
    }
    return 1 if alert.place <= reached[alert.coin_id] else 0


def expected_events(alerts: list[Wanted], *, fast: int, slow: int) -> set[str]:
    """Return the keys of all events after so many steps."""
    return {
        str(alert.event(time))
        for alert in alerts
        for time in range(1, times_fired(alert, fast=fast, slow=slow) + 1)
    }
