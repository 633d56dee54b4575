"""Every form and JSON operation under bad input: never a 500, and nothing changed.

Each field in turn gets each bad value while the others are right, so that the bad one is what is
looked at; then the whole body is bad.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from tests.conftest import PASSWORD, confirm, make_coin, make_person

from .conftest import person_of
from .snapshot import stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]

BAD_TEXTS = (
    "",
    " ",
    "abc",
    "-1",
    "0",
    "-0.00",
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "1e999999",
    "1e-999999",
    "9" * 400,
    "1" * 5000,  # more digits than int() reads
    "0." + "0" * 300 + "1",
    "1,5",
    "1_000",
    "0x10",
    "\u0661\u0662\u0663",  # Arabic-Indic digits, which Decimal() takes
    "\u00bd",
    "\U0001f4b8",
    "\u202e\u200b",
    "\0",
    "a\0b",
    "\x1b[31m",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "../../etc/passwd",
    "%00",
    "x" * 5000,
    "{{ 7*7 }}",
)
BAD_JSON: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1e308,
    float("nan"),
    float("inf"),
    10**400,
    [],
    ["100", "100"],
    {},
    {"amount": "1"},
    *BAD_TEXTS,
    "\ud800",  # half a character
)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form or operation, filled in right."""

    name: str
    role: str
    url: str
    args: tuple[Any, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    #: field -> which of the bad values it takes for good ones, as a pattern.
    takes: dict[str, str] = field(default_factory=dict)
    #: It does something without being told anything.
    needs_nothing: bool = False

    def __str__(self) -> str:
        return self.name

    def tolerates(self, name: str, value: str) -> bool:
        """Tell whether this bad value is one that the field takes."""
        pattern = self.takes.get(name)
        return bool(pattern and re.fullmatch(pattern, value, re.DOTALL | re.ASCII))


ANYTHING = ".*"
ORDER_NUMBER = r"[A-Za-z0-9._:-]{1,64}"
ORDER = {"coin_id": "bitcoin", "amount": "50", "client_order_id": "bad-1"}

FORMS = (
    Form(name="trade: buy by amount", role="user", url="portfolio:trade",
         fields={"side": "buy", "coin_id": "bitcoin", "amount": "50", "client_order_id": "f-1",
                 "next": "/markets/"},
         takes={"client_order_id": ORDER_NUMBER, "next": ANYTHING}),
    Form(name="trade: buy by quantity", role="user", url="portfolio:trade",
         fields={"side": "buy", "coin_id": "bitcoin", "quantity": "0.0001",
                 "client_order_id": "f-2"},
         takes={"client_order_id": ORDER_NUMBER}),
    Form(name="create an alert", role="user", url="alerts:create",
         fields={"coin_id": "bitcoin", "condition": "above", "target": "250000",
                 "channels": ["in_app"], "next": "/markets/"},
         takes={"next": ANYTHING}),
    Form(name="watch", role="user", url="market:watch", args=("bitcoin",),
         fields={"watch": "1", "next": "/markets/"}, takes={"watch": ANYTHING, "next": ANYTHING},
         needs_nothing=True),
    Form(name="settings", role="user", url="portals:settings",
         fields={"theme": "dark", "palette": "blue-orange", "display_currency": "USD",
                 "timezone": "Europe/Prague", "trade": ["in_app"], "price_alert": ["in_app"]},
         takes={"trade": r"\(missing\)", "price_alert": r"\(missing\)"}),
    Form(name="add a coin", role="admin", url="portals:coin-add", fields={"coin_id": "solana"}),
    Form(name="remove a coin", role="admin", url="portals:coin-remove",
         fields={"coin_id": "ethereum"}),
    Form(name="invite", role="admin", url="accounts:invite",
         fields={"email": "new@example.com", "role": "analyst"}),
    Form(name="suspend", role="moderator", url="accounts:suspend", args=("<bob>",),
         fields={"reason": "Spam", "next": "/users/"},
         takes={"reason": ANYTHING, "next": ANYTHING}),
    Form(name="restore", role="moderator", url="accounts:restore", args=("<mallory>",),
         fields={"next": "/users/"}, takes={"next": ANYTHING}, needs_nothing=True),
    Form(name="change a role", role="admin", url="accounts:change-role", args=("<bob>",),
         fields={"role": "analyst", "next": "/users/"}, takes={"next": ANYTHING}),
    Form(name="save a screen", role="analyst", url="portals:screen-save",
         fields={"name": "Cheap", "query": "max_price=1"},
         takes={"name": r"(?=.*[^\s\0]).{1,60}", "query": ANYTHING}),
    Form(name="sign up", role="", url="account_signup",
         fields={"username": "newcomer", "email": "new@example.com", "password1": PASSWORD,
                 "password2": PASSWORD},
         takes={"username": ANYTHING}),
    Form(name="log in", role="", url="account_login",
         fields={"login": "bob", "password": PASSWORD}),
    Form(name="reset a password", role="", url="account_reset_password",
         fields={"email": "bob@example.com"}),
)  # fmt: skip

#: Pages whose query strings people and scripts write.
PAGES = (
    ("user", "market:list", ("q", "sort", "order", "page", "cursor")),
    ("user", "market:search", ("q",)),
    ("user", "market:news", ("coin", "page", "cursor")),
    ("user", "market:charts", ("coin", "range")),
    ("user", "market:watchlist", ("sort",)),
    ("user", "portfolio:overview", ("portfolio",)),
    ("user", "portfolio:transactions", ("cursor", "portfolio")),
    ("user", "portfolio:preview", ("side", "coin_id", "amount", "quantity", "sell_all")),
    ("user", "alerts:list", ("coin", "coin_id", "target")),
    ("user", "portals:settings", ("next",)),
    ("admin", "portals:admin", ("find",)),
    ("admin", "accounts:users", ("q", "role", "cursor")),
    ("admin", "portfolio:all-transactions", ("cursor", "user")),
    ("analyst", "portals:analyst", ("range",)),
    ("analyst", "portals:analysis", ("days", "coins")),
    ("analyst", "portals:report", ("days", "coins")),
    ("analyst", "portals:screener", ("min_price", "max_rsi", "category", "sma50", "sort", "page")),
    ("analyst", "portals:screener-csv", ("min_price", "sort")),
    ("moderator", "accounts:activity", ("kind", "person", "cursor")),
    ("", "account_login", ("next",)),
)


@pytest.fixture(autouse=True)
def world(settings: Any) -> None:
    at = timezone.now()
    make_coin("bitcoin", at=at, rank=1)
    make_coin("ethereum", price="3400", at=at, rank=2)
    confirm(make_person("bob"))
    make_person("mallory", is_active=False, suspended_at=at, suspension_reason="Spam")
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (10**6, 60))
    settings.ACCOUNT_RATE_LIMITS = False


def client_of(role: str) -> Client:
    client = Client(raise_request_exception=False)
    if role:
        client.force_login(person_of(Role(role)))
    if role == "user":
        client.get(reverse("portfolio:overview"))  # what a first visit makes is made
    return client


def url_of(form: Form) -> str:
    from accounts.services import person_called

    keys = {}
    for name in ("bob", "mallory"):
        person = person_called(username=name)
        assert person is not None
        keys[f"<{name}>"] = person.pk
    return reverse(form.url, args=[keys.get(arg, arg) for arg in form.args])


def mutations(form: Form) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (field, bad value, the form with it)."""
    for name, good in form.fields.items():
        yield name, "(missing)", {key: one for key, one in form.fields.items() if key != name}
        for bad in BAD_TEXTS:
            yield name, bad, form.fields | {name: bad}
        if not isinstance(good, list):
            yield name, "(twice)", form.fields | {name: [good, "abc"]}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_with_one_bad_field_is_no_500_and_changes_nothing(form: Form) -> None:
    client = client_of(form.role)
    url = url_of(form)
    before = stored()
    for name, bad, body in mutations(form):
        with undone():
            response = (client if form.role else client_of("")).post(url, body)
            assert response.status_code < 500, (name, bad[:40])
            if not form.tolerates(name, bad):
                assert stored() == before, (name, bad[:40], response.status_code)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_filled_in_right_does_something(form: Form) -> None:
    """Without this the tests below could try forms that nothing reads."""
    client = client_of(form.role)
    url = url_of(form)
    before = stored()
    assert client.post(url, form.fields).status_code in {200, 302}
    if form.name == "log in":
        assert "_auth_user_id" in client.session
    elif form.name == "reset a password":
        assert len(mail.outbox) == 1
    else:
        assert stored() != before


@contextmanager
def undone() -> Iterator[None]:
    """Undo what a request did, so that the next bad value meets the same world."""
    cache.clear()
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_with_a_bad_body_is_no_500_and_changes_nothing(form: Form) -> None:
    client = client_of(form.role)
    url = url_of(form)
    before = stored()
    for content_type, body in (
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"&&&==="),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&coin_id=%ff"),
        ("application/x-www-form-urlencoded", urlencode({"x" * 2000: "y" * 20000}).encode()),
        ("multipart/form-data; boundary=x", b"--x\r\nnot a part"),
        ("multipart/form-data", b"no boundary"),
        ("application/json", b'{"coin_id": "bitcoin"}'),
        ("text/plain; charset=nonsense", b"\xff\xfe"),
    ):
        with undone():
            response = client.generic("POST", url, body, content_type=content_type)
            assert response.status_code < 500, (content_type, body[:40])
            assert form.needs_nothing or stored() == before, (content_type, body[:40])


@pytest.mark.parametrize("operation", ["buy_coin", "sell_coin"])
def test_a_json_order_with_one_bad_field_is_refused_in_a_sentence(operation: str) -> None:
    client = client_of("user")
    url = f"/api/{operation}"
    good = ORDER if operation == "buy_coin" else {"coin_id": "bitcoin", "quantity": "0.0001",
                                                  "client_order_id": "bad-2"}  # fmt: skip
    before = stored()
    bodies: list[tuple[str, Any]] = []
    for name in good:
        bodies.append((name, {key: one for key, one in good.items() if key != name}))
        bodies += [
            (f"{name}={bad!r:.40}", good | {name: bad})
            for bad in BAD_JSON
            if name != "client_order_id" or not re.fullmatch(ORDER_NUMBER, str(bad), re.ASCII)
        ]
    for label, body in bodies:
        response = client.post(url, json.dumps(body), content_type="application/json")
        assert 400 <= response.status_code < 500, (label, response.status_code, response.content)
        answer = response.json()
        assert isinstance(answer["error"], str), label
        assert isinstance(answer["code"], str), label
        assert stored() == before, label


@pytest.mark.parametrize("operation", ["buy_coin", "sell_coin"])
def test_a_json_order_that_is_no_order_is_refused(operation: str) -> None:
    client = client_of("user")
    before = stored()
    bodies = (b"", b"null", b"[]", b'"buy"', b"17", b"{", b"{}", b"\xff\xfe\x00", b"[" * 100_000,
              b'{"coin_id": "bitcoin", "amount": "5", "amount": "-5", "client_order_id": "x"}',
              b'{"coin_id": "bitcoin", "amount": "5", "quantity": "1", "client_order_id": "x"}',
              b"a" * 3_000_000)  # fmt: skip
    for body in bodies:
        for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            response = client.generic("POST", f"/api/{operation}", body, content_type=content_type)
            assert 400 <= response.status_code < 500, (body[:40], response.status_code)
            assert stored() == before, body[:40]
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        response = client.generic(method, f"/api/{operation}")
        assert response.status_code == 405


@pytest.mark.parametrize(("role", "url", "parameters"), PAGES, ids=[page[1] for page in PAGES])
def test_a_page_takes_any_query_string(role: str, url: str, parameters: tuple[str, ...]) -> None:
    client = client_of(role)
    client.get(reverse(url))  # what a first visit makes is made
    before = stored()
    for name in parameters:
        for bad in BAD_TEXTS:
            response = client.get(reverse(url), {name: bad})
            assert response.status_code < 500, (name, bad[:40])
        assert client.get(reverse(url), {name: ["a", "b"]}).status_code < 500
    assert client.get(f"{reverse(url)}?%ff=%fe&&=").status_code < 500
    assert stored() == before


@pytest.mark.parametrize(
    "where", ["http://[", "//[", "\u00a0", "x" * 5000, "http://a//evil.example"]
)
def test_a_session_that_ended_on_a_strange_page_leads_to_the_log_in(where: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": where}
    response = client_of("").get(reverse("alerts:list"), headers=headers)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/accounts/login/?next=/"


def test_a_path_takes_anything() -> None:
    client = client_of("user")
    before = stored()
    for bad in (*BAD_TEXTS, "bitcoin\n", "BITCOIN", "a/b"):
        for url in ("/markets/{}/", "/markets/{}/chart/", "/users/{}/suspend/",
                    "/invitations/{}/", "/alerts/{}/pause/"):  # fmt: skip
            response = client.get(url.format(bad))
            assert response.status_code < 500, (url, bad[:40])
    for bad in BAD_TEXTS:
        response = client.get("/markets/bitcoin/chart/", {"range": bad})
        assert response.status_code < 500, bad[:40]
    assert stored() == before
