"""The errors page: what failed, how often, since when; resolved by hand."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import client_address, require
from cryptopulse.limits import limited
from cryptopulse.models import Fault

from . import faults
from .requests import me


@require_safe
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def errors(request: HttpRequest) -> HttpResponse:
    """List what failed, newest first: what is open, or what was resolved."""
    state = Fault.State.RESOLVED if request.GET.get("state") == "resolved" else Fault.State.OPEN
    context = {"faults": faults.newest(state=state), "state": state, "most": faults.SHOWN}
    return render(request, "portals/errors.html", context)


@require_POST
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def resolve(request: HttpRequest, key: str) -> HttpResponse:
    """Call an error resolved; should it come back, it is open again."""
    found = faults.resolve(key=key)
    if found is None:
        raise Http404
    by = me(request)
    accounts.record(
        kind=accounts.Activity.Kind.FAULT_RESOLVED,
        summary=f"{by.username} resolved {found}",
        user=by,
        address=client_address(request),
    )
    messages.success(request, _("Resolved. If it happens again, it is back here."))
    return redirect("portals:errors")
