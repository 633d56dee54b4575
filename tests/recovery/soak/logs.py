"""Which lines may appear in the product's logs, and why. Any other fails the soak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .production import Recorded

#: A line that belongs to the entry before it: indented, or a part of a traceback.
_GOES_ON = re.compile(
    r"\s|Traceback |During handling of |The above exception |[\w.]*(Error|Exception|Exit)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a line may say, in whose log, for which reason; perhaps only during an outage."""

    who: str
    says: str
    reason: str
    outage: bool = False


EXPECTED = (
    Expected(who="feed", says=r"stored \d+ \d+$", reason="the feed says what it has stored"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    who: str
    at: float
    text: str


def entries(process: Recorded) -> Iterable[Entry]:
    """Put lines together into what was logged at once."""
    text, at = "", 0.0
    for moment, line in process.stamped:
        if text and _GOES_ON.match(line):
            text += line
            continue
        if text:
            yield Entry(who=process.name, at=at, text=text)
        text, at = line, moment
    if text:
        yield Entry(who=process.name, at=at, text=text)


def unexpected(processes: Iterable[Recorded], *, is_outage: Callable[[float], bool]) -> list[Entry]:
    """Return what nobody has foreseen."""
    return [
        entry
        for process in processes
        for entry in entries(process)
        if not any(_fits(expected, entry, is_outage) for expected in EXPECTED)
    ]


def _fits(expected: Expected, entry: Entry, is_outage: Callable[[float], bool]) -> bool:
    return (
        entry.who.startswith(expected.who)
        and (not expected.outage or is_outage(entry.at))
        and re.search(expected.says, entry.text) is not None
    )


def summary(found: Iterable[Entry]) -> list[str]:
    """Return what was said how often, times and numbers left out, with its last line."""
    alike: Counter[tuple[str, str]] = Counter()
    samples: dict[tuple[str, str], str] = {}
    for entry in found:
        first, *rest = entry.text.strip().splitlines()
        key = entry.who, re.sub(r"\d+", "0", first)
        alike[key] += 1
        samples.setdefault(key, " ... ".join([first, *rest[-1:]]))
    return [f"{times} x {who}: {samples[who, text]}" for (who, text), times in alike.items()]
