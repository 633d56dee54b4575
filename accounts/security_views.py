"""One's own security: password, second factor, passkeys, and where one is logged in."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from cryptopulse.limits import limited

from . import services
from .access import require
from .addresses import client_address
from .models import Activity, User
from .roles import Permission
from .services.sessions import session_id

SECURITY_KINDS = frozenset(
    {
        Activity.Kind.LOGGED_IN,
        Activity.Kind.LOGGED_OUT,
        Activity.Kind.LOGIN_FAILED,
        Activity.Kind.PASSWORD_CHANGED,
        Activity.Kind.SIGNED_UP,
    }
)
ROWS = 10


@require_GET
@limited("read")
@require(Permission.READ_MARKET)
def security(request: HttpRequest) -> HttpResponse:
    """One's own password, second factors, address, sessions, and who came in lately."""
    me, key = _me(request), request.session.session_key or ""
    sessions = services.open_sessions(user=me, now=timezone.now())
    here = session_id(key)
    verified = dict(EmailAddress.objects.filter(user=me).values_list("email", "verified"))
    context = {
        "email": me.email,
        "is_verified": verified.get(me.email, False),
        "may_add": all(verified.values()),  # allauth refuses a factor beside an unproven address
        **_second_factors(me),
        "sessions": sessions,
        "here": here,
        "others": sum(one.pk != here for one in sessions),
        "rows": services.recent_activity(user=me, limit=ROWS, kinds=SECURITY_KINDS),
    }
    return render(request, "accounts/security.html", context)


def _second_factors(user: User) -> dict[str, Any]:
    """Return which of the second factors are there, in one query."""
    mine = list(Authenticator.objects.filter(user=user))
    kinds = Authenticator.Type
    codes = [one for one in mine if one.type == kinds.RECOVERY_CODES]
    keys = [one for one in mine if one.type == kinds.WEBAUTHN]
    has_app = any(one.type == kinds.TOTP for one in mine)
    return {
        "has_app": has_app,
        "has_second_factor": has_app or bool(keys),
        "passkeys": len(keys),
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
    }


@require_POST
@limited("read")
@require(Permission.READ_MARKET)
def session_end(request: HttpRequest, session: uuid.UUID) -> HttpResponse:
    """Log out of one of one's own sessions."""
    if session == session_id(request.session.session_key or ""):
        return redirect("account_logout")
    if services.end_session(user=_me(request), session=session, address=client_address(request)):
        messages.success(request, _("That device is logged out."))
    else:
        messages.info(request, _("That device was logged out already."))
    return redirect("accounts:security")


@require_POST
@limited("read")
@require(Permission.READ_MARKET)
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Log out everywhere else."""
    ended = services.end_other_sessions(
        user=_me(request),
        session_key=request.session.session_key or "",
        address=client_address(request),
    )
    if ended:
        sentence = ngettext(
            "%(count)d other device is logged out.",
            "%(count)d other devices are logged out.",
            ended,
        )
        messages.success(request, sentence % {"count": ended})
    else:
        messages.info(request, _("You are logged in nowhere else."))
    return redirect("accounts:security")


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (`require` has let only people through)
    return request.user
