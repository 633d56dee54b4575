"""The garbage collector of a process that lives long: short pauses, whatever they interrupt."""

from __future__ import annotations

import gc

#: New containers before the youngest generation is looked through (Python's own is 700), and
#: rounds of a younger generation before the next older one's. A page makes some thousands, and
#: nearly all of them are gone when it is sent. A websocket leaves some two thousand in circles
#: that only the oldest generation's round finds, 23 kB: with twenty and ten rounds a process that
#: browsers come to and leave weighed 25 MB more until it came; so it comes more often.
THRESHOLDS = (10_000, 10, 3)


def settle() -> None:
    """Leave what the start has made (modules, classes, templates) out of every later round.

    Those are a hundred and fifty thousand objects that stay: a full round through them stops all
    threads of a process for 50 to 100 ms, without them for 3. Call it once, when all is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
