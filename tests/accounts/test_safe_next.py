"""Going back to where a form was: only ever to a page of ours."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.urls import reverse

from accounts.services import local_path, safe_next


@pytest.mark.parametrize("path", ["/", "/markets/?q=bit&page=2", "/users/#top", "/a//b"])
def test_a_path_of_ours_is_gone_to(path: str) -> None:
    response = safe_next(RequestFactory().post("/", {"next": path}), "market:list")
    assert (response.status_code, response.headers["Location"]) == (302, path)


@pytest.mark.parametrize(
    "target",
    [
        "", " ", "abc", "1e5", "-1", "NaN", "market:news", "markets/", "..", "?q=1", "#x",
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "\t//evil.example", "https://evil.example/", "http://[", "//[",
        "javascript:alert(1)", "http:///evil.example",
    ],
)  # fmt: skip
def test_anything_else_leads_to_the_default(target: str) -> None:
    assert local_path(target) == ""
    response = safe_next(RequestFactory().post("/", {"next": target}), "market:list")
    assert response.headers["Location"] == reverse("market:list")


def test_a_form_that_names_nothing_leads_to_the_default() -> None:
    assert safe_next(RequestFactory().post("/"), "market:list").headers["Location"] == "/markets/"


def test_no_line_break_gets_into_the_header() -> None:
    response = safe_next(
        RequestFactory().post("/", {"next": "/a\r\nSet-Cookie: x=1"}), "market:list"
    )
    assert "\n" not in response.headers["Location"]
