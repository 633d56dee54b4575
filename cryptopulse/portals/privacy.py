"""One's own data: taking a copy of it, and leaving for good."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse.csv_export import cell
from cryptopulse.limits import limited
from market import services as market

from .requests import me

if TYPE_CHECKING:
    from accounts.models import User

REFUSED = 422
#: A copy smaller than this never touches the disk.
IN_MEMORY = 5 * 1024 * 1024

READ_ME = """CryptoPulse: the data of {username}, {moment}.

Each file is a table: columns first, then a line per row. Moments are in ISO 8601, amounts in US
dollars unless a column says otherwise. account.json is the account with its settings.
Prices of this database are {origin}. Portfolios are virtual: no real money is in them.
"""


class LeavingForm(forms.Form):
    """The password once more, and a word that is not typed by accident."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Enter your password to delete the account.")},
    )
    understood = forms.BooleanField(
        label=gettext_lazy("I know that this cannot be undone"),
        error_messages={"required": gettext_lazy("Tick this to delete the account.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.has_usable_password():  # shown to be themselves in another way, just now
            del self.fields["password"]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise forms.ValidationError(_("That is not your password. Nothing was deleted."))
        return password


@require_safe
@never_cache
@limited("read")
@require(Permission.READ_MARKET)
def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is kept, how to take a copy of it, and how to leave."""
    return _page(request, LeavingForm(user=me(request)))


@require_safe
@never_cache
@limited("export")
@require(Permission.READ_MARKET)
def data_export(request: HttpRequest) -> HttpResponseBase:
    """Give a person everything that is theirs, as a ZIP of CSV files."""
    user, now = me(request), timezone.now()
    archive = own_archive(user, now=now)
    filename = f"cryptopulse-{user.username}-{now:%Y-%m-%d}.zip"
    response = FileResponse(archive, as_attachment=True, filename=filename)
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@require(Permission.READ_MARKET)
def leave(request: HttpRequest) -> HttpResponseBase:
    """Delete one's account: asked for by password, or just after showing who one is."""
    user = me(request)
    if user.has_usable_password():
        return _leave(request)
    if is_mfa_enabled(user):
        guarded: HttpResponseBase = reauthentication_required(_leave)(request)
        return guarded
    patience = timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
    if user.last_login is not None and timezone.now() - user.last_login < patience:
        return _leave(request)
    form = LeavingForm(request.POST, user=user)
    form.add_error(None, _("Log out and in again, then delete the account within a few minutes."))
    return _page(request, form, status=REFUSED)


@limited("verify")
def _leave(request: HttpRequest) -> HttpResponse:
    user = me(request)
    form = LeavingForm(request.POST if request.method == "POST" else None, user=user)
    if not form.is_bound:
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=REFUSED)
    try:
        accounts.delete_account(
            user=user, now=timezone.now(), address=accounts.client_address(request)
        )
    except accounts.AccountRejected as refused:
        form.add_error(None, str(refused))
        return _page(request, form, status=REFUSED)
    # Not logout's signal: it would write the name that has just been taken out.
    request.session.flush()
    return redirect("portals:farewell")


@require_safe
@never_cache
def farewell(request: HttpRequest) -> HttpResponse:
    """Say that the account is gone."""
    return render(request, "portals/privacy_gone.html")


def _page(request: HttpRequest, form: LeavingForm, *, status: int = 200) -> HttpResponse:
    user = me(request)
    context = {"form": form, "obstacle": accounts.obstacle_to_leaving(user=user)}
    return render(request, "portals/privacy.html", context, status=status)


# --- The archive ------------------------------------------------------------------------------


def own_archive(user: User, *, now: datetime) -> IO[bytes]:
    """Return a ZIP with a person's tables, each written row by row while it is read."""
    archive = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (the response closes it)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        origin = market.origin() or "not known yet"
        words = READ_ME.format(username=user.username, moment=now.isoformat(), origin=origin)
        bundle.writestr("README.txt", words)
        for table in accounts.own_tables(user=user):
            if table.name == "account":
                whole = dict(zip(table.columns, next(table.rows), strict=True))
                text = json.dumps(whole, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
                bundle.writestr("account.json", text)
            else:
                with bundle.open(f"{table.name}.csv", "w") as file:
                    _write_csv(file, table.columns, table.rows)
    archive.seek(0)
    return archive


def _write_csv(file: IO[bytes], columns: Iterable[str], rows: Iterable[list[Any]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    text.flush()
    text.detach()


def _cell(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return cell(value)
