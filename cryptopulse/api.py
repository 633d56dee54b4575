"""The JSON operations: /api/. Session and CSRF token, one shape of refusal, numbers kept exact."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import django_auth

from portfolio.api import router as trading
from portfolio.services import TradeRejected

#: An order has a few hundred bytes; nobody needs to send us more to parse.
LARGEST_BODY = 16 * 1024
LONGEST_NAME = 64  # of a field, where one is repeated to the sender

SENTENCES: dict[int, tuple[str | Promise, str]] = {
    401: (gettext_lazy("Log in first."), "not_logged_in"),
    403: (
        gettext_lazy("The request lacks this site's CSRF token. Load the page again."),
        "csrf_failed",
    ),
    404: (gettext_lazy("There is no such operation."), "not_found"),
}
#: What the sender may not do at all, as against what was wrong with the order.
FORBIDDEN = frozenset({"wrong_role", "suspended"})


class BodyRejected(Exception):  # noqa: N818 (it is what happened, not a fault)
    """The body is not what an operation takes."""

    def __init__(self, sentence: str, code: str, *, status: int = 422) -> None:
        super().__init__(sentence)
        self.sentence, self.code, self.status = sentence, code, status


class ExactParser(Parser):
    """Reads JSON without floats: 0.1 in the text is Decimal("0.1"), whatever its size."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return the body's one object."""
        if len(request.body) > LARGEST_BODY:
            raise BodyRejected(_("The request is too large."), "body_too_large", status=413)
        try:
            body = json.loads(
                request.body,
                parse_float=_number,
                parse_int=_number,
                parse_constant=Decimal,  # NaN and Infinity; the operation refuses them by name
                object_pairs_hook=_fields,
            )
        except (ValueError, RecursionError):  # not JSON, not Unicode, nested without end
            raise BodyRejected(_("The body is not JSON."), "not_json") from None
        if not isinstance(body, dict):
            raise BodyRejected(_("The body must be a JSON object."), "not_an_object")
        return body


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal itself can hold
        return Decimal("NaN")


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse repeated names: which of two amounts was meant is not ours to guess."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BodyRejected(_("A field is given twice."), "repeated_field")
    return fields


api = NinjaAPI(
    title="CryptoPulse",
    version="1",
    urls_namespace="api",
    auth=django_auth,
    parser=ExactParser(),
    docs_url=None,
    openapi_url=None,
)
api.add_router("", trading)


def refuse(
    request: HttpRequest, sentence: str | Promise, code: str, *, status: int
) -> HttpResponse:
    """Answer in the one shape that all refusals have."""
    return api.create_response(request, {"error": str(sentence), "code": code}, status=status)


@api.exception_handler(TradeRejected)
def trade_rejected(request: HttpRequest, error: TradeRejected) -> HttpResponse:
    """Say why a trade was refused."""
    status = 403 if error.code in FORBIDDEN else 409 if error.code == "busy" else 422
    return refuse(request, error.sentence, error.code, status=status)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Say what is wrong with the first field that is."""
    first = error.errors[0]
    kind, location = first["type"], first["loc"]
    # The location is ("body", the view's argument, the field); a body without any has no field.
    field = str(location[2])[:LONGEST_NAME] if len(location) > 2 else _("The body")  # noqa: PLR2004
    sentence, code = {
        "missing": (_("%(field)s is missing."), "missing_field"),
        "extra_forbidden": (_("%(field)s is not a field of this operation."), "unknown_field"),
        "string_type": (_("%(field)s must be text."), "wrong_type"),
    }.get(kind, (_("%(field)s is not valid."), "wrong_type"))
    return refuse(request, sentence % {"field": field}, code, status=422)


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Say what Ninja itself refuses: no session, no CSRF token, a body that it cannot read."""
    cause = error.__cause__
    if isinstance(cause, BodyRejected):
        return refuse(request, cause.sentence, cause.code, status=cause.status)
    sentence, code = SENTENCES.get(error.status_code, (str(error), "refused"))
    return refuse(request, sentence, code, status=error.status_code)


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    """Refuse a body that Django has refused to read."""
    return refuse(request, _("The request is too large."), "body_too_large", status=413)


@api.exception_handler(RawPostDataException)
def not_json(request: HttpRequest, _error: RawPostDataException) -> HttpResponse:
    """Refuse a form: looking for its CSRF token has used it up."""
    return refuse(request, _("The body is not JSON."), "not_json", status=422)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
    """Refuse what is not there."""
    return refuse(request, *SENTENCES[404], status=404)
