"""What Django and allauth tell us about log-ins and passwords, written into the activity log."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import (
    password_changed,
    password_reset,
    password_set,
    user_signed_up,
)
from allauth.mfa.signals import authentication_failed as second_factor_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from . import presence
from .addresses import client_address
from .models import Activity, User
from .services.activity import record
from .services.sessions import forget_other_sessions, forget_session


def _address(request: HttpRequest | None) -> str | None:
    return client_address(request) if request is not None else None


def _session_key(request: HttpRequest | None) -> str:
    session = getattr(request, "session", None)
    return (session.session_key if session is not None else None) or ""


@receiver(user_signed_up)
def _signed_up(request: HttpRequest, user: User, **_: Any) -> None:
    record(
        kind=Activity.Kind.SIGNED_UP,
        summary=f"{user.username} signed up",
        user=user,
        address=_address(request),
    )


@receiver(user_logged_in)
def _logged_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    record(
        kind=Activity.Kind.LOGGED_IN,
        summary=f"{user.username} logged in",
        user=user,
        address=_address(request),
    )
    if request is not None:
        presence.note(request, user)


@receiver(user_logged_out)
def _logged_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is None:  # the session had ended already
        return
    if key := _session_key(request):
        forget_session(session_key=key)
    record(
        kind=Activity.Kind.LOGGED_OUT,
        summary=f"{user.username} logged out",
        user=user,
        address=_address(request),
    )


@receiver(user_login_failed)
def _login_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    login = str(credentials.get("username") or credentials.get("email") or "")
    known = _known(login)
    # What nobody is called may be a password that went into the wrong field: it is not kept.
    name = f"“{known.username}”" if known else "somebody unknown"
    record(
        kind=Activity.Kind.LOGIN_FAILED,
        summary=f"Log-in failed for {name}",
        user=known,
        address=_address(request),
    )


def _known(login: str) -> User | None:
    """Find whom a failed log-in was aimed at: two unique columns, one request each."""
    name = login.strip().lower().replace("\0", "")
    field = "email" if "@" in name else "username"
    return User.objects.filter(**{field: name}).first()


@receiver(second_factor_failed)
def _second_factor_failed(request: HttpRequest, user: User, **_: Any) -> None:
    record(
        kind=Activity.Kind.LOGIN_FAILED,
        summary=f"Second factor of {user.username} was wrong",
        user=user,
        address=_address(request),
    )


@receiver([password_changed, password_set, password_reset])
def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    record(
        kind=Activity.Kind.PASSWORD_CHANGED,
        summary=f"{user.username} changed the password",
        user=user,
        address=_address(request),
    )
    # Where the password was changed by who is logged in, their session goes on under a new key.
    goes_on = request.user.is_authenticated and request.user.pk == user.pk
    forget_other_sessions(user=user, session_key=_session_key(request) if goes_on else "")
    if goes_on:
        presence.note(request, user)
