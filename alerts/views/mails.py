"""Pages behind the links of a mail: turning such mails off, and on again. No log-in is needed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from alerts import services
from cryptopulse.limits import limited

NOT_OURS = 404


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("read")
def mail_off(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether mails of a kind are to end; a POST ends them (RFC 8058: also a mail program's).

    The link's signature stands in for the form's token: nobody else can make it. A GET changes
    nothing, because programs that check mails follow their links.
    """
    if request.method == "POST":
        return _answer(request, token, services.set_mail(token=token, on=False))
    return _answer(request, token, services.subscription(token=token))


@never_cache
@require_POST
@limited("read")
def mail_on(request: HttpRequest, token: str) -> HttpResponse:
    """Turn the mails of a link on again."""
    return _answer(request, token, services.set_mail(token=token, on=True), is_changed=True)


def _answer(
    request: HttpRequest,
    token: str,
    found: services.Subscription | None,
    *,
    is_changed: bool = False,
) -> HttpResponse:
    context = {"subscription": found, "token": token, "is_on_again": is_changed}
    status = 200 if found else NOT_OURS
    return render(request, "alerts/mail_off.html", context, status=status)
