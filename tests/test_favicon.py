"""The icon that browsers ask for without being told of one."""

from __future__ import annotations

from django.test import Client


def test_the_icon_that_nobody_names_is_the_one_of_the_pages(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("img/favicon.svg")
