"""What is drawn when something went wrong: helpful, and without what may be broken."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client


@pytest.mark.parametrize("template", ["500.html", "offline.html"])
def test_pages_for_trouble_ask_no_database_and_know_nobody(template: str) -> None:
    page = render_to_string(template)  # this test has no database: a query would be an error
    assert "<h1>" in page
    assert "Try again" in page
    assert "csrf" not in page


@pytest.mark.django_db
def test_a_missing_page_leads_on(client: Client) -> None:
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "See the markets" in answer.content.decode()


@pytest.mark.django_db
def test_the_worker_keeps_the_offline_page_and_says_not_to_keep_itself(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"] == "text/javascript"
    assert "no-cache" in answer["Cache-Control"]
    assert '"offline": "/offline/"' in answer.content.decode()
    assert client.get("/offline/").status_code == 200


@pytest.mark.django_db
def test_pages_of_members_are_not_stored_and_those_of_visitors_may_be(
    client: Client, alice: object
) -> None:
    assert "Cache-Control" not in client.get("/about/").headers
    client.force_login(alice)  # type: ignore[arg-type]
    assert client.get("/about/")["Cache-Control"] == "private, no-store"
