"""Pages: price alerts and what has fired. All works without JavaScript; htmx swaps a part."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.roles import Permission
from accounts.services import client_address, require, safe_next
from alerts import services
from alerts.forms import AlertForm, linked_price, suggest_coins, values_of
from alerts.models import Condition, PriceAlert
from alerts.services import AlertRejected
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited
from market import services as market

from .requests import REFUSED, is_htmx, key_of, me


@require_safe
@never_cache
@limited("read")
@require(Permission.SET_ALERTS)
def alert_list(request: HttpRequest) -> HttpResponse:
    """Show a person's alerts, what has fired, and the form for a new one.

    `coin`, `condition` and `target` fill the form; `copy` fills it with an alert that there is.
    """
    asked = request.GET
    initial: dict[str, Any] = {}
    if asked.get("condition") in Condition.values:
        initial["condition"] = asked["condition"]
    if (target := linked_price(asked.get("target", ""))) is not None:
        initial["target"] = target
    original = _named(request, asked.get("copy", ""))
    if original is not None:
        initial = values_of(original) | initial
    form = AlertForm(user=me(request), coin_id=asked.get("coin", ""), initial=initial)
    return _page(request, form, copied=original)


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_create(request: HttpRequest) -> HttpResponse:
    """Create an alert; refused, the form comes back with the reason and what was typed."""
    form = AlertForm(request.POST, user=me(request))
    alert = form.create(now=timezone.now(), address=client_address(request))
    whole_page = request.POST.get("view") == "page"
    if alert is None:
        return _page(request, form) if whole_page or not is_htmx(request) else _panel(request, form)
    saved = _("Alert created: %(alert)s.") % {"alert": services.describe(alert, alert.coin)}
    if not is_htmx(request):
        messages.success(request, saved)
        return safe_next(request, "alerts:list")
    empty = AlertForm(user=me(request), coin_id=alert.coin_id, coins=form.coins)
    answer = _page if whole_page else _panel
    return answer(request, empty, saved=saved, new_id=alert.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_change(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Show an alert in the form, and change it."""
    alert = _named(request, str(alert_id))
    if alert is None:
        refused = AlertRejected(_("There is no such alert of yours."), "unknown_alert")
        return _page(request, AlertForm(user=me(request)), refused=refused, refused_id=alert_id)
    if request.method != "POST":
        return _page(request, AlertForm(user=me(request), alert=alert))
    form = AlertForm(request.POST, user=me(request), alert=alert)
    changed = form.create(now=timezone.now(), address=client_address(request))
    if changed is None:
        return _page(request, form)
    saved = _("Alert changed: %(alert)s.") % {"alert": services.describe(changed, changed.coin)}
    if not is_htmx(request):
        messages.success(request, saved)
        return redirect("alerts:list")
    response = _page(request, AlertForm(user=me(request)), saved=saved, new_id=changed.pk)
    response["HX-Replace-Url"] = request.build_absolute_uri("/alerts/")
    return response


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_pause(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Pause an alert."""
    return _change(request, alert_id, services.pause, _("Alert paused."))


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_resume(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Arm an alert again."""
    return _change(request, alert_id, services.resume, _("Alert armed."))


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_delete(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Delete an alert."""
    return _change(request, alert_id, services.delete_alert, _("Alert deleted."))


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alerts_pause(request: HttpRequest) -> HttpResponse:
    """Pause all alerts, or those that the filter shows."""
    return _change_many(request, services.pause_own, _paused)


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alerts_resume(request: HttpRequest) -> HttpResponse:
    """Arm all paused alerts, or those that the filter shows."""
    return _change_many(request, services.resume_own, _resumed)


@require_safe
@never_cache
@limited("read")
@require(Permission.SET_ALERTS)
def coin_suggestions(request: HttpRequest) -> HttpResponse:
    """Propose coins to the form while a name is typed."""
    text = request.GET.get("coin_id", "")[:200]
    found = suggest_coins(text, market.latest_quotes()) if text.strip() else []
    return render(request, "alerts/_coin_options.html", {"coins": found, "query": text.strip()})


@require_safe
@never_cache
@limited("export")
@require(Permission.SET_ALERTS)
def history_csv(request: HttpRequest) -> HttpResponseBase:
    """Give what has fired, with the filter of the page, as a CSV file."""
    wanted = {
        "coin_id": request.GET.get("fired_coin", ""),
        "delivery": request.GET.get("delivery", ""),
    }
    header = ["fired_at", "coin", "what", "channel", "delivery", "attempts", "error",
              "settled_at", "prices"]  # fmt: skip
    rows = _history_rows(services.every_fired(user=me(request), **wanted), market.origin() or "")
    return csv_response("fired-alerts.csv", header, rows)


def _history_rows(fired: Iterator[services.Fired], origin: str) -> Iterator[list[Any]]:
    for one in fired:
        for row in one.rows:
            yield [row.created_at, row.coin_id, row.subject, row.channel, row.status,
                   row.attempts, row.error, row.settled_at, origin]  # fmt: skip


def _named(request: HttpRequest, text: str) -> PriceAlert | None:
    """Return the person's alert of this key."""
    key = key_of(text)
    return services.own_alert(user=me(request), alert_id=key) if key else None


def _change(
    request: HttpRequest, alert_id: uuid.UUID, operation: Callable[..., object], done: str
) -> HttpResponse:
    """Do one thing with one alert; a refusal is shown at that alert."""
    try:
        operation(
            user=me(request),
            alert_id=alert_id,
            now=timezone.now(),
            address=client_address(request),
        )
    except AlertRejected as refused:
        form = AlertForm(user=me(request))
        return _page(request, form, refused=refused, refused_id=alert_id)
    return _done(request, done)


def _change_many(
    request: HttpRequest,
    operation: Callable[..., services.BulkResult],
    say: Callable[[services.BulkResult], str],
) -> HttpResponse:
    """Do one thing with all alerts that the filter shows."""
    text, state = _filter(request)
    shown = None
    if text or state:
        views = services.own_alerts(user=me(request), now=timezone.now())
        found = services.matching_alerts(views, text=text, state=state)
        shown = [view.alert.pk for view in found]
    result = operation(
        user=me(request), alert_ids=shown, now=timezone.now(), address=client_address(request)
    )
    return _done(request, say(result))


def _done(request: HttpRequest, sentence: str) -> HttpResponse:
    if is_htmx(request):
        return _page(request, AlertForm(user=me(request)), saved=sentence)
    messages.success(request, sentence)
    return redirect("alerts:list")


def _paused(result: services.BulkResult) -> str:
    if not result.changed:
        return _("Nothing to pause.")
    return ngettext("%(count)s alert paused.", "%(count)s alerts paused.", result.changed) % {
        "count": result.changed
    }


def _resumed(result: services.BulkResult) -> str:
    if not result.changed and not result.left:
        return _("Nothing to resume.")
    armed = ngettext("%(count)s alert armed.", "%(count)s alerts armed.", result.changed)
    left = ngettext(
        "%(count)s stays paused: its target is reached already, or its coin has no price.",
        "%(count)s stay paused: their targets are reached already, or their coins have no price.",
        result.left,
    )
    parts = [(armed, result.changed), (left, result.left)]
    return " ".join(text % {"count": count} for text, count in parts if count)


def _filter(request: HttpRequest) -> tuple[str, str]:
    """Return the text and the state that alerts are looked for by."""
    asked = request.POST if request.method == "POST" else request.GET
    state = asked.get("state", "")
    return asked.get("q", "").strip()[:64], state if state in PriceAlert.State.values else ""


def _page(request: HttpRequest, form: AlertForm, **extra: Any) -> HttpResponse:
    """Draw the alerts page; for htmx only its content."""
    views = services.own_alerts(user=me(request), now=timezone.now(), coins=form.coins)
    text, state = _filter(request)
    context: dict[str, Any] = {
        "form": form,
        "views": services.matching_alerts(views, text=text, state=state),
        "total": len(views),
        "paused": sum(view.alert.state == PriceAlert.State.PAUSED for view in views),
        "q": text,
        "state": state,
        "states": PriceAlert.State.choices,
        "limit": services.MAX_ALERTS,
        "whole_page": True,
    }
    context |= _history(request) | extra
    known = any(view.alert.pk == extra.get("refused_id") for view in context["views"])
    template = "alerts/_page.html" if is_htmx(request) else "alerts/list.html"
    status = REFUSED if form.errors or "refused" in extra else 200
    return render(request, template, context | {"refused_is_known": known}, status=status)


def _history(request: HttpRequest) -> dict[str, Any]:
    """Return a page of what has fired, and what it is looked for by."""
    asked = request.GET
    coin_id, delivery = asked.get("fired_coin", "")[:128], asked.get("delivery", "")
    delivery = delivery if delivery in services.DELIVERY else ""
    cursor = asked.get("cursor", "")
    page = services.fired_page(user=me(request), coin_id=coin_id, delivery=delivery, cursor=cursor)
    wanted = {"fired_coin": coin_id, "delivery": delivery}
    query = urlencode({name: value for name, value in wanted.items() if value})
    older = urlencode({"cursor": page.next_cursor})
    return {
        "history": page.rows,
        "history_query": query,
        "fired_coin": coin_id,
        "delivery": delivery,
        "next_url": f"?{query}&{older}#fired" if page.next_cursor else "",
        "first_url": f"?{query}#fired" if cursor else "",
    }


def _panel(request: HttpRequest, form: AlertForm, **extra: Any) -> HttpResponse:
    """Draw the form alone, as other pages show it."""
    context = {"form": form, "of_coin": request.POST.get("view") == "coin"} | extra
    status = REFUSED if form.errors else 200
    return render(request, "alerts/_alert_panel.html", context, status=status)
