"""Pages about people: who is here, who may do what, who is invited."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cryptopulse.limits import limited

from . import services
from .access import require, safe_next
from .addresses import client_address
from .errors import AccountRejected
from .forms import InvitationForm, InviteForm
from .models import Invitation, User
from .roles import Permission, Role


@require_GET
@limited("read")
@require(Permission.VIEW_USERS)
def users(request: HttpRequest) -> HttpResponse:
    """Everybody, newest first, with what the viewer may do about each."""
    return _users_page(request, InviteForm())


def _users_page(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    by = _me(request)
    query, role, state = (request.GET.get(name, "") for name in ("q", "role", "state"))
    page = services.users_page(
        query=query, role=role, state=state, cursor=request.GET.get("cursor", "")
    )
    manages = by.may(Permission.MANAGE_USERS)
    confirmed = services.confirmed_ids(page.rows)
    rows = [
        {
            "person": person,
            "is_confirmed": person.pk in confirmed,
            "may_suspend": services.obstacle_to_suspending(user=person, by=by) is None,
            "may_change_role": services.obstacle_to_changing_role(user=person, by=by) is None,
            "may_reset": services.obstacle_to_resetting(user=person, by=by) is None,
        }
        for person in page.rows
    ]
    context = {
        "rows": rows,
        "sought": query,
        "role": role,
        "roles": Role.choices,
        "state": state,
        "states": [("active", _("Active")), ("suspended", _("Suspended"))],
        "is_narrowed": bool(query or role or state),
        **_pager(request, page.next_cursor, q=query, role=role, state=state),
        "form": form if manages else None,
        "invitations": services.pending_invitations(now=timezone.now()) if manages else [],
    }
    return render(request, "accounts/users.html", context, status=status)


@require_POST
@limited("invite")
@require(Permission.MANAGE_USERS)
def invite(request: HttpRequest) -> HttpResponse:
    """Send an invitation; the page comes back with what was wrong, if something was."""
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invitation, _token = services.invite(
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                by=_me(request),
                address=client_address(request),
            )
        except AccountRejected as refused:
            form.add_error(refused.field or None, refused.sentence)
        else:
            sentence = _("The invitation to %(email)s is on its way.")
            messages.success(request, sentence % {"email": invitation.email})
            return redirect("accounts:users")
    return _users_page(request, form, status=422)


@require_POST
@limited("invite")
@require(Permission.MANAGE_USERS)
def invitation_resend(request: HttpRequest) -> HttpResponse:
    """Send a pending invitation again, with a new link and a new week."""
    return _act_on_invitation(
        request,
        lambda email: services.resend_invitation(
            email=email, by=_me(request), address=client_address(request)
        )[0],
        _("The invitation to %(email)s is on its way again; the older link is worthless now."),
    )


@require_POST
@limited("invite")
@require(Permission.MANAGE_USERS)
def invitation_withdraw(request: HttpRequest) -> HttpResponse:
    """Make a pending invitation worthless."""
    return _act_on_invitation(
        request,
        lambda email: services.withdraw_invitation(
            email=email, by=_me(request), address=client_address(request)
        ),
        _("The invitation to %(email)s is withdrawn."),
    )


def _act_on_invitation(
    request: HttpRequest, operation: Callable[[str], Invitation], done: str
) -> HttpResponse:
    try:
        found = operation(request.POST.get("email", ""))
    except AccountRejected as refused:
        messages.error(request, refused.sentence)
    else:
        messages.success(request, done % {"email": found.email})
    return redirect("accounts:users")


@require_POST
@limited("read")
@require(Permission.SUSPEND_USERS)
def suspend(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Suspend a person, for a reason that they will read."""
    reason = request.POST.get("reason", "").replace("\0", "")
    return _act(
        request,
        lambda: services.suspend(
            user=_person(user_id), by=_me(request), reason=reason, address=client_address(request)
        ),
        _("%(person)s is suspended and logged out everywhere."),
    )


@require_POST
@limited("read")
@require(Permission.SUSPEND_USERS)
def restore(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Let a suspended person back in."""
    return _act(
        request,
        lambda: services.restore(
            user=_person(user_id), by=_me(request), address=client_address(request)
        ),
        _("%(person)s may log in again."),
    )


@require_POST
@limited("read")
@require(Permission.MANAGE_USERS)
def change_role(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Give a person another role."""
    role = request.POST.get("role", "")
    return _act(
        request,
        lambda: services.change_role(
            user=_person(user_id), role=role, by=_me(request), address=client_address(request)
        ),
        _("%(person)s is now %(role)s."),
    )


@require_POST
@limited("invite")
@require(Permission.SUSPEND_USERS)
def send_reset(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Mail a person a link with which they choose a new password."""
    return _act(
        request,
        lambda: services.send_password_reset(
            user=_person(user_id), by=_me(request), request=request
        ),
        _("%(person)s gets a mail with a link to choose a new password."),
    )


def _act(request: HttpRequest, operation: Callable[[], User], done: str) -> HttpResponse:
    """Run an operation on a person, say what came of it, and go back to the list."""
    try:
        person = operation()
    except AccountRejected as refused:
        messages.error(request, refused.sentence)
    else:
        messages.success(
            request, done % {"person": person.username, "role": person.get_role_display()}
        )
    return safe_next(request, "accounts:users")


@require_http_methods(["GET", "POST"])
@limited("read")
@never_cache
@sensitive_post_parameters("password1", "password2")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a username and a password, and lead them to their portal.

    They are logged in at once: who has the token has the mailbox, and the password is theirs.
    """
    now = timezone.now()
    found = services.open_invitation(token=token, now=now)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    if request.user.is_authenticated:
        return render(request, "accounts/invitation_other.html", {"invitation": found})
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        try:
            user = services.accept_invitation(
                token=token,
                username=form.cleaned_data["username"],
                password=form.cleaned_data["password1"],
                now=now,
                address=client_address(request),
            )
        except AccountRejected as refused:
            field = {"password": "password1"}.get(refused.field, refused.field)
            form.add_error(field or None, refused.sentence)
        else:
            messages.success(
                request,
                _("Welcome, %(person)s. Your account is ready.") % {"person": user.username},
            )
            response: HttpResponse = perform_login(request, user)
            return response
    context = {"form": form, "invitation": found}
    return render(request, "accounts/invitation.html", context, status=422 if form.errors else 200)


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (`require` has let only people through)
    return request.user


def _person(user_id: uuid.UUID) -> User:
    found = services.person(user_id=user_id)
    if found is None:
        raise Http404
    return found


def _pager(request: HttpRequest, next_cursor: str, **filters: str) -> dict[str, str]:
    """Return the links to the next page, and back to the first where this is another one."""
    chosen = {name: value for name, value in filters.items() if value}
    first = "?" + urlencode(chosen) if request.GET.get("cursor") else ""
    following = "?" + urlencode({**chosen, "cursor": next_cursor}) if next_cursor else ""
    return {"first_url": first, "next_url": following}
