"""What must be so in the end: each with its figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from .browsers import Crowd, Listener
from .mailbox import Mailbox
from .script import CHANNELS, Wanted, expected_events, times_fired

#: Growth after the warm-up, and seconds behind.
MOST_GROWTH = 0.10
MOST_BEHIND = 2.0
#: Seconds that a row may be due when all stops: a busy machine sends later, but it sends.
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One thing that must be so."""

    what: str
    figure: str
    holds: bool

    def __str__(self) -> str:
        return f"{'ok    ' if self.holds else 'FAILED'}  {self.what}: {self.figure}"


def memory(samples: dict[str, list[int]]) -> list[Verdict]:
    """Compare the first fifth after the warm-up with the last one."""
    verdicts = []
    for name, sizes in samples.items():
        fifth = max(1, len(sizes) // 5)
        before, after = median(sizes[:fifth]), median(sizes[-fifth:])
        growth = after / before - 1
        verdicts.append(
            Verdict(
                what=f"memory of {name}",
                figure=f"{before / 1024:.1f} MB, then {after / 1024:.1f} MB ({growth:+.1%})",
                holds=growth <= MOST_GROWTH,
            )
        )
    return verdicts


def rows(report: dict[str, Any], alerts: list[Wanted], *, fast: int, slow: int) -> list[Verdict]:
    """Compare the database with the script."""
    expected = expected_events(alerts, fast=fast, slow=slow)
    found = Counter((event, channel) for event, channel, *_ in report["rows"])
    wanted = Counter((event, channel) for event in expected for channel in CHANNELS)
    missing, extra = wanted - found, found - wanted
    miscounted = [
        alert
        for alert in alerts
        if report["fired"][str(alert.key)] != times_fired(alert, fast=fast, slow=slow)
    ]
    unsent = [row for row in report["rows"] if row[2] != "sent"]
    return [
        Verdict(
            what="one row for each transition and channel",
            figure=(
                f"{len(expected)} transitions x {len(CHANNELS)}, {found.total()} rows, "
                f"{missing.total()} missing, {extra.total()} too many"
            ),
            holds=len(expected) > 0 and not missing and not extra,
        ),
        Verdict(
            what="alerts fired as often as the prices say",
            figure=f"{len(alerts) - len(miscounted)} of {len(alerts)}",
            holds=not miscounted,
        ),
        Verdict(
            what="no row is forgotten",
            figure=(
                f"{report['waiting']} due, {report['longest_wait']:.1f} s ago at most, "
                f"{report['leased']} in the lease of a killed worker, "
                f"{report['postponed']} postponed"
            ),
            holds=report["longest_wait"] <= LONGEST_WAIT,
        ),
        Verdict(
            what="every row is sent",
            figure=f"{len(report['rows']) - len(unsent)} of {len(report['rows'])}",
            holds=not unsent,
        ),
    ]


def mails(box: Mailbox, expected: set[str], *, kills: int) -> list[Verdict]:
    """Compare what arrived at the mail server."""
    lost = expected - set(box.mails)
    strange = set(box.mails) - expected
    doubled = sum(times - 1 for times in box.mails.values())
    return [
        Verdict(
            what="no delivery lost",
            figure=f"{len(expected) - len(lost)} of {len(expected)}, {len(strange)} of no alert",
            holds=not lost and not strange,
        ),
        Verdict(
            what="no more doubled than there were kills",
            figure=f"{doubled} doubled, {kills} kills",
            holds=doubled <= kills,
        ),
    ]


def crowd(them: Crowd) -> list[Verdict]:
    """How the browsers fared."""
    bad = {what: times for what, times in them.closed_on.items() if "(outage)" not in what}
    return [
        Verdict(
            what="nobody more than 2 s behind outside outages",
            figure=(
                f"{them.worst_behind:.2f} s at most (we were late ourselves by "
                f"{them.worst_lateness:.2f} s); from price to browser "
                f"p50 {them.latency(0.5)} ms, p99 {them.latency(0.99)} ms, "
                f"{them.frames} frames to {them.opened} browsers"
            ),
            holds=them.worst_behind <= MOST_BEHIND and them.frames > 0,
        ),
        Verdict(
            what="nobody closed or refused by the server",
            figure=", ".join(f"{times} {what}" for what, times in them.closed_on.items()) or "none",
            holds=not bad,
        ),
    ]


def pushes(
    report: dict[str, Any], listeners: list[Listener], *, is_outage: Callable[[float], bool]
) -> Verdict:
    """Compare what people's open pages heard with the rows that were sent outside outages.

    Rows of the last look at the database were sent when no page was open any more.
    """
    heard: Counter[str] = Counter()
    for listener in listeners:
        heard += listener.events
    until = min(listener.until for listener in listeners) - 1
    missed = [
        key
        for _, channel, _, key, settled in report["rows"]
        if channel == "in_app" and settled < until and not is_outage(settled) and not heard[key]
    ]
    return Verdict(
        what="alerts pushed to open pages",
        figure=(
            f"{len(heard)}, {heard.total() - len(heard)} of them again, "
            f"{len(missed)} missed outside outages"
        ),
        holds=not missed,
    )


def restarts(ended: list[tuple[str, float]], *, is_outage: Callable[[float], bool]) -> Verdict:
    """Say which programs ended by themselves; Celery's may while their broker is away."""
    outside = [name for name, at in ended if not is_outage(at)]
    return Verdict(
        what="no program ends by itself outside outages",
        figure=", ".join(name for name, _ in ended) or "none did",
        holds=not outside,
    )
