"""Figures over time: counted from the rows by a job, read as a range by the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import services as accounts
from alerts import services as alerts
from cryptopulse import figures
from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.models import DailyFigure
from portfolio import services as portfolio

Name = DailyFigure.Name
Kind = accounts.Activity.Kind
Counted = Mapping[date, tuple[int, Decimal]]

#: The first run counts so far back; later ones go on where the last one was.
COUNTED_BACK = timedelta(days=180)
#: Days that a page may draw, and the one it draws unless asked.
PERIODS = (30, 90)
BAR_WIDTH, BAR_ROOM, BAR_HEIGHT = 6, 8, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day's figure, and its bar in a drawing BAR_HEIGHT units high."""

    day: date
    count: int
    amount: Decimal
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over a period, and what it came to in the period before."""

    name: str
    title: str
    bars: list[Bar]
    count: int
    amount: Decimal
    before: Decimal
    is_money: bool = False

    @property
    def width(self) -> int:
        return len(self.bars) * BAR_ROOM

    @property
    def height(self) -> int:
        return BAR_HEIGHT

    @property
    def bar_width(self) -> int:
        return BAR_WIDTH

    @property
    def change(self) -> Decimal | None:
        """The change against the period before in percent; None where that had nothing."""
        if not self.before:
            return None
        total = self.amount if self.is_money else self.count
        return (total - self.before) * 100 / self.before

    @property
    def most(self) -> Bar | None:
        """The day that had the most, if any had something."""
        best = max(self.bars, key=lambda bar: (self._measure(bar), bar.day), default=None)
        return best if best and self._measure(best) else None

    def _measure(self, bar: Bar) -> Decimal | int:
        return bar.amount if self.is_money else bar.count


# --- Counting ---------------------------------------------------------------------------------


def _plain(counts: Mapping[date, int]) -> Counted:
    return {day: (count, Decimal(0)) for day, count in counts.items()}


#: What is counted how: from which day to which (UTC), both included.
COUNTERS: dict[str, Callable[[date, date], Counted]] = {
    Name.SIGN_UPS: lambda first, last: _plain(
        accounts.activity_by_day(kind=Kind.SIGNED_UP, first=first, last=last)
    ),
    Name.TRADES: lambda first, last: portfolio.volume_by_day(first=first, last=last),
    Name.ALERTS_SET: lambda first, last: _plain(
        accounts.activity_by_day(kind=Kind.ALERT_CREATED, first=first, last=last)
    ),
    Name.ALERTS_FIRED: lambda first, last: _plain(alerts.fired_by_day(first=first, last=last)),
}


def count_days(*, now: datetime) -> int:
    """Count each figure from its last day on, today included; return how many rows were written.

    The first run counts what there was before. Running it again changes nothing.
    """
    today = now.astimezone(UTC).date()
    written = 0
    for name, counter in COUNTERS.items():
        first = _uncounted_since(name, today=today)
        counted = counter(first, today)
        days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
        rows = [_row(name, day, counted, now=now) for day in days if day in counted or day == today]
        _store(rows)
        written += len(rows)
    return written


def _uncounted_since(name: str, *, today: date) -> date:
    """Return the last day that was counted: it may have been before that day was over."""
    newest = DailyFigure.objects.filter(name=name, day__lte=today).order_by("-day")
    return newest.values_list("day", flat=True).first() or today - COUNTED_BACK


def _row(name: str, day: date, counted: Counted, *, now: datetime) -> DailyFigure:
    count, amount = counted.get(day, (0, Decimal(0)))
    return DailyFigure(
        id=DailyFigure.key(name, day),
        name=name,
        day=day,
        count=count,
        amount=amount,
        counted_at=now,
    )


def _store(rows: list[DailyFigure]) -> None:
    for chunk in in_chunks(rows, actions_per_item=1):
        run_atomic(
            lambda chunk=chunk: DailyFigure.objects.bulk_create(  # type: ignore[misc]
                chunk,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["count", "amount", "counted_at"],
            )
        )


# --- Reading ----------------------------------------------------------------------------------

TITLES = {
    Name.SIGN_UPS: gettext_lazy("Sign-ups"),
    Name.TRADES: gettext_lazy("Trades"),
    Name.ALERTS_SET: gettext_lazy("Alerts set"),
    Name.ALERTS_FIRED: gettext_lazy("Alerts fired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One day's figures, as they are written in a table."""

    day: date
    values: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """All figures of a period, and when the newest of them was counted."""

    series: list[Series]
    counted_at: datetime | None
    days: int

    @property
    def days_with_figures(self) -> list[DayRow]:
        """The days on which anything happened, newest first, as lines of a table."""
        return [
            DayRow(
                day=bars[0].day,
                values=[
                    figures.money(bar.amount) if one.is_money else str(bar.count)
                    for one, bar in zip(self.series, bars, strict=True)
                ],
            )
            for bars in zip(*(reversed(one.bars) for one in self.series), strict=True)
            if any(bar.count for bar in bars)
        ]


def growth(*, now: datetime, days: int) -> Growth:
    """Return the figures of the last days and their totals before: sign-ups first. One query.

    Trades are there twice: how many, and the dollars that moved.
    """
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    rows = DailyFigure.objects.filter(
        name__in=list(TITLES), day__gte=first - timedelta(days=days), day__lte=today
    )
    found: dict[str, dict[date, DailyFigure]] = {name: {} for name in TITLES}
    counted_at = None
    for row in rows:
        found[row.name][row.day] = row
        counted_at = max(counted_at or row.counted_at, row.counted_at)
    wanted = [first + timedelta(days=number) for number in range(days)]
    drawn = [_series(name, str(title), found[name], wanted) for name, title in TITLES.items()]
    volume = _series(Name.TRADES, _("Volume"), found[Name.TRADES], wanted, is_money=True)
    return Growth(series=[*drawn[:2], volume, *drawn[2:]], counted_at=counted_at, days=days)


def period(text: str) -> int:
    """Read how many days a page is asked to draw; what it does not offer is the first choice."""
    return int(text) if text in {str(days) for days in PERIODS} else PERIODS[0]


def _series(
    name: str, title: str, found: dict[date, DailyFigure], wanted: list[date], *,
    is_money: bool = False,
) -> Series:  # fmt: skip
    nothing = (0, Decimal(0))
    values = [
        (day, *((found[day].count, found[day].amount) if day in found else nothing))
        for day in wanted
    ]
    drawn = bars(values, is_money=is_money)
    earlier = [row for day, row in found.items() if day < wanted[0]]
    return Series(
        name=f"{name}_amount" if is_money else name,
        title=title,
        bars=drawn,
        count=sum(bar.count for bar in drawn),
        amount=sum((bar.amount for bar in drawn), Decimal(0)),
        before=sum((row.amount if is_money else Decimal(row.count) for row in earlier), Decimal(0)),
        is_money=is_money,
    )


def bars(values: list[tuple[date, int, Decimal]], *, is_money: bool = False) -> list[Bar]:
    """Return a bar per day; the tallest fills the height, and the smallest can be seen."""
    measures = [amount if is_money else Decimal(count) for _day, count, amount in values]
    most = max(measures, default=Decimal(0))
    drawn = []
    for number, ((day, count, amount), measure) in enumerate(zip(values, measures, strict=True)):
        height = max(2, round(measure / most * BAR_HEIGHT)) if measure else 1
        drawn.append(
            Bar(
                day=day,
                count=count,
                amount=amount,
                x=number * BAR_ROOM + (BAR_ROOM - BAR_WIDTH) // 2,
                y=BAR_HEIGHT - height,
                height=height,
            )
        )
    return drawn
