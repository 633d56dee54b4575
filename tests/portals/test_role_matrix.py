"""Every cell of the role matrix through every door, and no door without a guard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import pytest
from django.apps import apps
from django.contrib import admin
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import HOME_URL_NAMES, ROLE_PERMISSIONS, Permission, Role
from market.models import Coin
from tests.conftest import PASSWORD, make_coin, make_person

from .conftest import person_of
from .matrix import DOORS, MATRIX, NOBODY, READ_ONLY_MODELS, ROLES, VISITOR, Door, allowed
from .snapshot import stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]

EVERYBODY = (*ROLES, VISITOR)


@pytest.fixture
def somebody() -> User:
    return person_of(Role.USER, "bob")


@pytest.fixture(autouse=True)
def coins(db: None) -> list[Coin]:
    at = timezone.now()
    return [make_coin("bitcoin", at=at, rank=1), make_coin("ethereum", at=at, rank=2, tracked=True)]


def client_of(role: str) -> Client:
    client = Client()
    if role != VISITOR:
        client.force_login(person_of(Role(role)))
    return client


def knock(client: Client, door: Door, somebody: User) -> Any:
    """Try a door as a browser or a script would."""
    args = [somebody.pk if arg == NOBODY else arg for arg in door.args]
    url = door.url if door.url.startswith("/") else reverse(door.url, args=args)
    if door.kind == "json":
        return client.post(url, json.dumps(door.data), content_type="application/json")
    if door.method == "POST":
        return client.post(url, door.data)
    return client.get(url)


# --- The walk ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_door_opens_for_exactly_those_who_may(door: Door, role: str, somebody: User) -> None:
    client = client_of(role)
    before = stored()
    response = knock(client, door, somebody)
    if allowed(door.row, role):
        assert response.status_code in door.open, response.content[:400]
        return
    assert_refused(response, door, role)
    assert stored() == before


def assert_refused(response: Any, door: Door, role: str) -> None:
    if door.kind == "json":
        assert response.status_code == (401 if role == VISITOR else 403)
        assert response.json() == {"error": ANY, "code": ANY}
    elif role == VISITOR or (door.kind == "admin" and response.status_code == 302):
        assert response.status_code == 302
        assert_leads_to_login(response)
    else:
        assert response.status_code == 403


def assert_leads_to_login(response: HttpResponseBase) -> None:
    assert re.match(r"/(accounts|admin)/login/", response.headers["Location"])


def test_every_row_of_the_matrix_has_a_door() -> None:
    walked = {door.row for door in DOORS}
    assert set(MATRIX) - walked == {"log in and sign up"}
    assert walked <= set(MATRIX)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_suspended_person_gets_through_no_door_of_their_role(door: Door, somebody: User) -> None:
    role = next(role for role in ROLES if allowed(door.row, role))
    person = person_of(Role(role))
    client = Client()
    client.force_login(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    before = stored()
    response = knock(client, door, somebody)
    if allowed(door.row, VISITOR):
        assert response.status_code == 200
    else:
        assert_refused(response, door, VISITOR)
    assert stored() == before


# --- Log in, sign up ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_each_role_logs_in_and_lands_in_its_own_portal(role: str) -> None:
    make_person("somebody", Role(role))
    client = Client()
    form = {"login": "somebody@example.com", "password": PASSWORD}
    response = client.post(reverse("account_login"), form, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == reverse(HOME_URL_NAMES[Role(role)])


def test_whatever_role_a_sign_up_asks_for_it_makes_a_user() -> None:
    form = {
        "username": "mallory",
        "email": "mallory@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "role": "admin",
        "is_staff": "1",
        "is_superuser": "1",
    }
    response = Client().post(reverse("account_signup"), form)
    assert response.status_code == 302
    made = User.objects.get(username="mallory")
    assert (made.role, made.is_staff, made.is_superuser) == ("user", False, False)


@pytest.mark.parametrize("role", EVERYBODY)
def test_the_front_door_leads_everybody_home(role: str) -> None:
    response = client_of(role).get(reverse("portals:landing"), follow=True)
    assert response.status_code == 200
    home = "portals:landing" if role == VISITOR else HOME_URL_NAMES[Role(role)]
    assert response.request["PATH_INFO"] == reverse(home)


# --- The Django admin changes nothing that it must not ------------------------------------------


@pytest.mark.parametrize("role", [*EVERYBODY, "superuser"])
@pytest.mark.parametrize(("app", "model"), READ_ONLY_MODELS)
def test_nobody_writes_money_or_logs_in_the_django_admin(app: str, model: str, role: str) -> None:
    if apps.get_model(app, model) not in admin.site._registry:
        return  # not even shown
    client = client_of("admin" if role == "superuser" else role)
    if role == "superuser":
        User.objects.filter(username="root").update(is_superuser=True, is_staff=True)
    victim = person_of(Role.USER, "bob")
    key = victim.pk if model == "user" else "00000000-0000-0000-0000-000000000001"
    before = stored()
    form = {"cash": "999999", "role": "admin", "username": "bob", "is_active": "", "_save": "Save"}
    for action, args in (("add", []), ("change", [key]), ("delete", [key])):
        url = reverse(f"admin:{app}_{model}_{action}", args=args)
        response = client.post(url, form | {"post": "yes"})
        assert response.status_code in {302, 403}, (action, response.status_code)
        if response.status_code == 302:
            assert_refusing_redirect(response)
    listing = reverse(f"admin:{app}_{model}_changelist")
    client.post(listing, {"action": "delete_selected", "_selected_action": [str(key)],
                          "post": "yes"})  # fmt: skip
    assert stored() == before


def assert_refusing_redirect(response: HttpResponseBase) -> None:
    """To the log-in, or to the index with "it does not exist"; never to "was changed"."""
    assert re.match(r"/(accounts|admin)/login/|/admin/$", response.headers["Location"])


# --- No door without a guard ---------------------------------------------------------------------

#: Views that carry no permission, each with its reason. A new view is in here or has one.
PUBLIC = {
    "portals:landing": "what the product is, for visitors",
    "portals:home": "redirects to the role's portal, or to the landing page",
    "portals:about": "attributions must be reachable for everybody",
    "market:list": "visitors may see the market",
    "market:coin": "visitors may see a coin",
    "market:chart-data": "the chart of a coin's page",
    "market:news": "visitors may read the news",
    "market:search": "finds coins for the pages above",
    "market:glance": "the part of the dashboard that shows the list above",
    "market:export": "the list above as a file",
    "alerts:mail-off": "whoever holds a mail's signed link turns such mails off",
    "alerts:mail-on": "and on again",
    "portals:language": "sets a cookie with the language of a visitor",
    "portals:farewell": "says to somebody who has left that their account is gone",
    "accounts:invitation": "whoever holds the token may accept",
    "favicon.ico": "a redirect to the icon",
    "manifest": "what the installed app is called and how it looks",
    "service-worker": "keeps static files; the same for everybody",
    "offline": "what the browser shows without a network",
    "healthz": "for load balancers",
    "readyz": "for load balancers",
}

#: Whole branches that guard themselves.
BRANCHES = {
    "admin": "AdminSite.has_permission and User.has_perm; walked above",
    "account_": "allauth: log-in, sign-up and one's own account",
    "mfa_": "allauth: one's own second factor",
    "api": "Ninja: every operation has an authenticator; walked above",
}


def views() -> Iterator[tuple[str, Any]]:
    """Yield (name, view) of every URL pattern of the project."""

    def walk(patterns: list[Any], namespace: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                inner = pattern.namespace or ""
                yield from walk(pattern.url_patterns, ":".join(filter(None, (namespace, inner))))
            elif isinstance(pattern, URLPattern):
                name = pattern.name or str(pattern.pattern)
                yield ":".join(filter(None, (namespace, name))), pattern.callback

    yield from walk(get_resolver().url_patterns, "")


def test_every_view_has_a_permission_or_a_reason() -> None:
    unguarded = {
        name
        for name, view in views()
        if not hasattr(view, "permission") and not name.startswith(tuple(BRANCHES))
    }
    assert unguarded == set(PUBLIC) & unguarded, sorted(unguarded - set(PUBLIC))


def test_every_reason_still_has_its_view() -> None:
    assert set(PUBLIC) <= {name for name, _ in views()}


def test_every_permission_is_somebodys() -> None:
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(Permission)
