"""The administrator's portal: people, trades, alerts, feeds, queues, schedules, coins."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_celery_beat.models import PeriodicTask

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import client_address, require
from alerts import services as alerts
from cryptopulse.celery import app as celery
from cryptopulse.limits import limited
from cryptopulse.live.ticker import hub
from cryptopulse.live.visitors import seats
from market import services as market
from portfolio import services as portfolio

from . import faults, workers
from .growth import PERIODS, growth, period
from .requests import me
from .statistics import STARTED_AT, database_use, next_month, spell

logger = logging.getLogger(__name__)

LONGEST_QUERY = 64
FAULTS_SHOWN = 4
FIND_COINS = "market.tasks.find_coins"
FIND_EXPIRES = 60  # seconds; later nobody waits for it
#: A schedule this many of its intervals late is not running.
LATE_AFTER_RUNS = 3
#: Runs are written down some seconds after they began (`SkippingScheduler.sync_every`).
WRITTEN_WITHIN = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One background job and whether it runs as it should."""

    name: str
    every: str
    enabled: bool
    last_run_at: datetime | None
    runs: int
    is_late: bool


@require_safe
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def admin_portal(request: HttpRequest) -> HttpResponse:
    """Show what a business is run by: people, trades, alerts, what works, and the coins."""
    now = timezone.now()
    query = _query(request.GET.get("find", ""))
    counts = accounts.user_counts()
    told = alerts.alert_statistics(now=now)
    context = {
        "counts": counts,
        "total": sum(counts.values()),
        "trades": portfolio.trade_statistics(now=now),
        "alerts": told,
        "growth": growth(now=now, days=period(request.GET.get("days", ""))),
        "periods": PERIODS,
        "coins": market.latest_quotes(),
        "sought": query,
        "found": found(query, now=now) if query else [],
        **_health(now=now, outbox=told),
    }
    return render(request, "portals/admin.html", context)


@require_safe
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def admin_health(request: HttpRequest) -> HttpResponse:
    """Show only what works and what does not: the part of the page that asks again by itself."""
    now = timezone.now()
    context = _health(now=now, outbox=alerts.outbox_state(now=now))
    return render(request, "portals/_health.html", context)


def _health(*, now: datetime, outbox: alerts.Outbox) -> dict[str, Any]:
    """Return the state of everything that runs. Five queries besides the outbox's; no scan."""
    jobs = schedules(now=now)
    open_faults = faults.newest(limit=FAULTS_SHOWN + 1)
    return {
        "now": now,
        "outbox": outbox,
        "longest_wait": spell(outbox.longest_wait),
        "jobs": jobs,
        "late_jobs": [job.name for job in jobs if job.is_late],
        "last_beat": max((job.last_run_at for job in jobs if job.last_run_at), default=None),
        "workers": workers.known(now=now),
        "feeds": market.feed_states(),
        "resets_at": next_month(now),
        "faults": open_faults[:FAULTS_SHOWN],
        "has_more_faults": len(open_faults) > FAULTS_SHOWN,
        "sockets": seats.total,
        "ticker_clients": len(hub.clients),
        "ticks": hub.ticks,
        "started_at": STARTED_AT,
        "use": database_use(now=now),
    }


@require_POST
@require(Permission.MANAGE_COINS)
@limited("read")
def coin_find(request: HttpRequest) -> HttpResponse:
    """Have a worker ask the feed for coins of this name; the page waits for nobody's server."""
    query = _query(request.POST.get("find", ""))
    if not query:
        messages.error(request, _("Type a name or a symbol to look for."))
        return redirect("portals:admin")
    try:
        celery.send_task(FIND_COINS, args=[query], retry=False, expires=FIND_EXPIRES)
    except Exception as error:  # whatever a broker raises, the page has a sentence for it
        logger.warning("no broker (%s): nobody asks for coins called %r", error, query)
        messages.error(request, _("The feed cannot be asked now: no worker can be reached."))
    else:
        messages.info(request, _("The feed is being asked. Look again in a few seconds."))
    return redirect(f"{reverse('portals:admin')}?{urlencode({'find': query})}#coins")


@require_POST
@require(Permission.MANAGE_COINS)
def coin_add(request: HttpRequest) -> HttpResponse:
    """Start to track a coin."""
    try:
        coin = market.add_coin(
            coin_id=_coin_id(request), by=me(request), address=client_address(request)
        )
    except market.MarketRejected as refusal:
        messages.error(request, refusal.sentence)
    else:
        sentence = _("%(coin)s is tracked now. Its price comes with the next one.")
        messages.success(request, sentence % {"coin": coin.name})
    return _back_to_coins()


@require_POST
@require(Permission.MANAGE_COINS)
def coin_remove(request: HttpRequest) -> HttpResponse:
    """Stop to track a coin; what people hold of it stays theirs."""
    try:
        coin = market.remove_coin(
            coin_id=_coin_id(request), by=me(request), address=client_address(request)
        )
    except market.MarketRejected as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("%(coin)s is not tracked any more.") % {"coin": coin.name})
    return _back_to_coins()


def _back_to_coins() -> HttpResponse:
    return redirect(f"{reverse('portals:admin')}#coins")


def schedules(*, now: datetime) -> list[Schedule]:
    """Return the background jobs by name, and whether each runs when it should."""
    rows = PeriodicTask.objects.select_related("interval", "crontab").order_by("name")
    return [
        Schedule(
            name=task.name,
            every=_rhythm(task),
            enabled=task.enabled,
            last_run_at=task.last_run_at,
            runs=task.total_run_count,
            is_late=_is_late(task, now=now),
        )
        for task in rows
    ]


def _rhythm(task: PeriodicTask) -> str:
    """Write how often a job runs: every 15 s, every 1 h, or the lines of its crontab."""
    if task.interval is not None:
        return _("every %(time)s") % {"time": spell(task.interval.schedule.run_every)}
    return str(task.crontab or "")


def _is_late(task: PeriodicTask, *, now: datetime) -> bool:
    """Tell whether a job with an interval has missed several of its runs."""
    if not task.enabled or task.interval is None or task.last_run_at is None:
        return False
    every: timedelta = task.interval.schedule.run_every
    return bool(now - task.last_run_at > every * LATE_AFTER_RUNS + WRITTEN_WITHIN)


def found(query: str, *, now: datetime) -> list[Any]:
    """Return the coins of the catalogue that match and are not tracked yet."""
    matching = market.search_catalogue(query=query, now=now)
    return [entry for entry in matching if not entry.is_tracked]


def _query(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST_QUERY]


def _coin_id(request: HttpRequest) -> str:
    return request.POST.get("coin_id", "").replace("\0", "").strip()[:128]
