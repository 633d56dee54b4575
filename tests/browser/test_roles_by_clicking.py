"""Each role by clicking: all its navigation answers, and the pages of the others do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .product import ROLE_PAGES

pytestmark = pytest.mark.browser

#: Sorted by what each role's own pages are in product.py; some belong to two roles.
PRIVATE = {path for paths in ROLE_PAGES.values() for path in paths}


@pytest.mark.parametrize("who", ROLE_PAGES)
def test_every_link_answers_and_the_doors_of_others_are_shut(
    person: Callable[..., Any], who: str
) -> None:
    somebody = person(who)
    somebody.logs_in()
    menu = somebody.page.get_by_role("navigation", name="Main")
    links = {one.get_attribute("href") for one in menu.get_by_role("link").all()}
    assert len(links) >= 5
    for path in sorted(links):
        assert somebody.visits(path) == 200, path
        if path.startswith("/admin/"):  # Django's own pages, which have a frame of their own
            continue
        current = menu.locator("[aria-current=page]").all()
        assert [one.get_attribute("href") for one in current] == [path]
    assert somebody.has_nothing_to_complain_about()
    for path in sorted(PRIVATE - set(ROLE_PAGES[who])):
        assert somebody.visits(path) == 403, path
        assert somebody.page.locator(".error-page").is_visible()


def test_a_visitor_is_asked_to_log_in(person: Callable[..., Any]) -> None:
    visitor = person()
    for path in sorted(PRIVATE):
        visitor.visits(path)
        assert visitor.is_at("/accounts/login/"), path
