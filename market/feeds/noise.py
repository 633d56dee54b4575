"""A price path that is a pure function of time: many-octave value noise, like Brownian motion.

Nothing is remembered and nothing is drawn at random: the same seed, coin and moment give the same
price in every process, today and after a restart, so that history, candles and the live price can
never disagree.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

#: Seconds over which an octave goes from one of its values to the next: 200 days down to 1.2 s.
PERIODS = tuple(200 * 86400 / 3**k for k in range(16))
_MASK = (1 << 64) - 1
_UNIT = 2.0 / (1 << 64)


class Path:
    """One path around 0, whose change over a day has a standard deviation of 1.

    Each octave's amplitude is the root of its period in days, so that the deviation of a change
    grows with the root of the time that it takes: measured 0.99 to 1.03 times that from a minute
    to a week, then less, because the path keeps within about 9 (one deviation) of 0 for ever.
    """

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.shake_128(f"{seed}:{name}".encode()).digest(16 * len(PERIODS))
        self._octaves = []
        for k, period in enumerate(PERIODS):
            key = int.from_bytes(digest[16 * k : 16 * k + 8]) | 1
            phase = int.from_bytes(digest[16 * k + 8 : 16 * k + 16]) / 2**64
            self._octaves.append((key, phase, 1 / period, math.sqrt(period / 86400)))

    def at(self, stamp: float) -> float:
        """Return the path's height at a Unix time."""
        total = 0.0
        for key, phase, rate, amplitude in self._octaves:
            position = stamp * rate + phase
            cell = math.floor(position)
            into = position - cell
            before, after = _value(key, cell), _value(key, cell + 1)
            total += amplitude * (before + (after - before) * into * into * (3 - 2 * into))
        return total

    def along(self, stamps: Sequence[float]) -> list[float]:
        """Return the heights at many Unix times, to the last bit what `at` returns for each.

        For times in their order it takes half as long, because neighbours share a cell.
        """
        heights = [0.0] * len(stamps)
        for key, phase, rate, amplitude in self._octaves:
            known, before, after = None, 0.0, 0.0
            for index, stamp in enumerate(stamps):
                position = stamp * rate + phase
                cell = math.floor(position)
                if cell != known:
                    before, after, known = _mix(key, cell), _mix(key, cell + 1), cell
                into = position - cell
                heights[index] += amplitude * (
                    before + (after - before) * into * into * (3 - 2 * into)
                )
        return heights


def _mix(key: int, cell: int) -> float:
    """Return the octave's value at a point of its lattice, evenly spread over -1 to 1.

    A multiplicative mix of 64 bits (the finisher of splitmix64).
    """
    bits = (key * (2 * cell + 1)) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return (bits ^ (bits >> 31)) * _UNIT - 1.0


_value = lru_cache(maxsize=65_536)(_mix)  # for a live price nearly all are those of the last one
