"""The guard in front of views."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.roles import Permission, Role
from accounts.services import require


@require(Permission.TRADE)
def desk(_request: HttpRequest, coin: str = "") -> HttpResponse:
    """Trade."""
    return HttpResponse(f"traded {coin}")


SCRIPTS = [
    ("/api/desk", {}, ""),
    ("/desk/", {"accept": "application/json"}, ""),
    ("/desk/", {"accept": "application/json, text/html;q=0.5"}, ""),
    ("/desk/", {"HX-Request": "true"}, ""),
    ("/desk/", {}, "application/json"),
]


def come(
    user: User | AnonymousUser, path: str = "/desk/", *, content_type: str = "", **headers: str
) -> HttpResponse:
    factory = RequestFactory()
    request = (
        factory.post(path, data="{}", content_type=content_type, headers=headers)
        if content_type
        else factory.get(path, headers=headers)
    )
    request.user = user
    response = desk(request, coin="bitcoin")
    assert isinstance(response, HttpResponse)
    return response


def test_who_may_comes_in() -> None:
    assert come(User(role=Role.USER)).content == b"traded bitcoin"


def test_the_view_says_what_it_needs_and_keeps_its_name() -> None:
    assert vars(desk)["permission"] is Permission.TRADE
    assert (desk.__name__, desk.__doc__) == ("desk", "Trade.")


def test_a_visitor_is_sent_to_log_in_and_comes_back() -> None:
    response = come(AnonymousUser(), "/desk/?side=buy&x=1")
    assert response.status_code == 302
    assert response.headers["Location"] == "/accounts/login/?next=/desk/%3Fside%3Dbuy%26x%3D1"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.MODERATOR])
def test_another_role_is_refused_a_page(role: Role) -> None:
    with pytest.raises(PermissionDenied, match="Your role does not let you"):
        come(User(role=role))


@pytest.mark.parametrize(("path", "headers", "content_type"), SCRIPTS)
def test_scripts_are_answered_in_json(
    path: str, headers: dict[str, str], content_type: str
) -> None:
    visitor = come(AnonymousUser(), path, content_type=content_type, **headers)
    assert visitor.status_code == 401
    assert json.loads(visitor.content) == {"error": "Log in first.", "code": "not_logged_in"}
    refused = come(User(role=Role.ANALYST), path, content_type=content_type, **headers)
    assert refused.status_code == 403
    assert json.loads(refused.content) == {
        "error": "Your role does not let you manage a portfolio, buy and sell.",
        "code": "forbidden",
    }


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("http://testserver/markets/?page=2", "/accounts/login/?next=/markets/"),
        ("", "/accounts/login/?next=/"),
        ("https://evil.example", "/accounts/login/?next=/"),
    ],
)
def test_a_page_whose_session_has_ended_goes_to_log_in(current: str, expected: str) -> None:
    response = come(AnonymousUser(), **{"HX-Request": "true", "HX-Current-URL": current})
    assert response.headers["HX-Redirect"] == expected


@pytest.mark.parametrize("accept", ["text/html", "*/*", "", "image/png", "text/html,*/*;q=0.8"])
def test_browsers_are_not_taken_for_scripts(accept: str) -> None:
    assert come(AnonymousUser(), accept=accept).status_code == 302


OURS = [
    ("accounts:users", Permission.VIEW_USERS, []),
    ("accounts:invite", Permission.MANAGE_USERS, []),
    ("accounts:activity", Permission.MONITOR_ACTIVITY, []),
    ("accounts:security", Permission.READ_MARKET, []),
    ("accounts:suspend", Permission.SUSPEND_USERS, ["00000000-0000-7000-8000-000000000000"]),
    ("accounts:restore", Permission.SUSPEND_USERS, ["00000000-0000-7000-8000-000000000000"]),
    ("accounts:change-role", Permission.MANAGE_USERS, ["00000000-0000-7000-8000-000000000000"]),
]


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("name", "permission", "arguments"), OURS)
def test_each_page_of_people_asks_the_matrix(
    client: Client, role: Role, name: str, permission: Permission, arguments: list[str]
) -> None:
    person = User.objects.create(username="someone", email="someone@example.com", role=role)
    url = reverse(name, args=arguments)
    method = client.post if arguments or name == "accounts:invite" else client.get
    assert method(url).headers["Location"].startswith("/accounts/login/?next=")
    client.force_login(person)
    assert (method(url).status_code == 403) is not person.may(permission)
