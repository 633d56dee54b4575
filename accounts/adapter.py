"""Where allauth asks us: what people may be called, where they land, how they are locked out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from .addresses import client_address
from .models import User
from .roles import HOME_URL_NAMES, Role
from .services.people import ALREADY_THERE
from .usernames import USERNAME_RULE, is_username


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Our answers to allauth's questions.

    Sign-up never reads a role: a new User has the default, and only `services` gives another.
    """

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Accept plain, free, unreserved names, in lower case."""
        username = username.strip().lower()
        if not is_username(username):
            raise ValidationError(USERNAME_RULE, code="username_shape")
        name: str = super().clean_username(username, shallow=shallow)
        return name

    def save_user(
        self,
        request: HttpRequest,
        user: User,
        form: BaseForm,
        commit: bool = True,
    ) -> User:
        """Save a new person; of two who take a name at once, the second may try again."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit=commit)
        except IntegrityError:
            messages.error(request, ALREADY_THERE)
            raise ImmediateHttpResponse(redirect("account_signup")) from None
        return saved

    def set_password(self, user: User, password: str) -> None:
        """Store a new password and nothing else.

        Saving the whole row would undo a suspension that came while the form was open.
        """
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead people to the portal of their role."""
        assert isinstance(request.user, User)  # noqa: S101 (allauth asks after the log-in)
        return reverse(HOME_URL_NAMES[Role(request.user.role)])

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """Lead new people to the same place."""
        return self.get_login_redirect_url(request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002
        """Lead back to where the link to the form is."""
        return reverse("accounts:security")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Tell a suspended person so, and why: they have shown that the account is theirs."""
        context = {"reason": user.suspension_reason, "suspended_at": user.suspended_at}
        return render(request, "account/account_inactive.html", context, status=403)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail whose links lead to SITE_URL.

        allauth builds them from the Host header, which whoever asks for a reset may choose.
        """
        ours = {
            name: _on_our_site(value) if name.endswith("_url") else value
            for name, value in context.items()
        }
        domain = urlsplit(settings.SITE_URL).netloc
        site = SimpleNamespace(name=domain, domain=domain)
        super().send_mail(template_prefix, email, {**ours, "current_site": site})

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:  # noqa: ARG002
        """Count failures by the name alone; allauth would begin anew with each Host header."""
        return str(credentials.get("email") or credentials.get("username") or "").lower()

    def get_client_ip(self, request: HttpRequest) -> str:
        """Count attempts by the address that the rest of the product believes.

        Of an IPv6 address allauth itself counts the /64, which one client has whole.
        """
        return client_address(request) or "0.0.0.0"  # noqa: S104 (no listener: nobody's address)


def _on_our_site(url: str) -> str:
    """Return the same page at the address that we are known by."""
    return f"{settings.SITE_URL}{urlsplit(url)._replace(scheme='', netloc='').geturl()}"
