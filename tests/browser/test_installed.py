"""The installed app: what its worker keeps, what it shows without a network, what it never has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Complaints
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("production")]

#: Everything that any cache of this browser holds.
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      found.push(`${name} ${new URL(request.url).pathname}`);
    }
  }
  return found;
}"""
READY = "() => navigator.serviceWorker.ready.then((one) => one.active.state === 'activated')"
IN_CHARGE = "() => navigator.serviceWorker.controller !== null"


def with_worker(open_page: Callable[..., Any], production: Product, who: str = "") -> Any:
    page = open_page(who, at=production)
    page.goto("/markets/")
    until(page, READY)
    until(page, IN_CHARGE)
    return page


def test_the_manifest_is_complete(
    open_page: Callable[..., Any], production: Product, complaints: Complaints
) -> None:
    page = open_page(at=production)
    page.goto("/")
    url = page.get_attribute("link[rel=manifest]", "href")
    manifest = page.request.get(url).json()
    assert manifest["start_url"] == "/home/"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        answer = page.request.get(icon["src"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert complaints == []


def test_only_static_files_and_the_offline_page_are_kept(
    open_page: Callable[..., Any], production: Product, complaints: Complaints
) -> None:
    page = with_worker(open_page, production, "alice")
    for path in ("/dashboard/", "/portfolio/", "/alerts/", "/settings/"):
        page.goto(path)
        page.wait_for_load_state("load")
    kept = {entry.split()[1] for entry in page.evaluate(KEPT)}
    assert kept
    assert {path for path in kept if not path.startswith("/static/")} == {"/offline/"}
    assert complaints == []


def test_after_a_log_out_and_without_a_network_nothing_private_is_shown(
    open_page: Callable[..., Any], production: Product
) -> None:
    page = with_worker(open_page, production, "alice")
    page.goto("/portfolio/")
    assert "alice" in page.content()
    page.get_by_role("button", name="Log out").first.click()
    page.wait_for_url("**/")
    page.context.set_offline(True)
    page.goto("/portfolio/")
    page.get_by_role("heading", name="There is no connection.").wait_for()
    assert "alice" not in page.content()
    page.go_back()
    page.wait_for_load_state("load")
    assert "alice" not in page.content()


def test_the_offline_page_is_drawn_and_gives_way(
    open_page: Callable[..., Any], production: Product
) -> None:
    page = with_worker(open_page, production)
    page.context.set_offline(True)
    page.goto("/news/")
    page.get_by_role("heading", name="There is no connection.").wait_for()
    button = page.get_by_role("link", name="Try again")
    background = button.evaluate("one => getComputedStyle(one).backgroundColor")
    assert background not in {"rgba(0, 0, 0, 0)", "transparent"}  # its style sheets are there
    page.context.set_offline(False)
    page.get_by_role("heading", name="News").first.wait_for()


def test_a_new_worker_takes_over_silently_and_clears_up(
    open_page: Callable[..., Any], production: Product
) -> None:
    page = with_worker(open_page, production)
    page.evaluate("() => caches.open('cryptopulse-older')")
    page.evaluate("() => caches.open('of-somebody-else')")
    page.evaluate("() => navigator.serviceWorker.register('/service-worker.js?next')")
    until(page, "() => navigator.serviceWorker.controller.scriptURL.endsWith('?next')")
    until(page, "() => caches.keys().then((all) => !all.includes('cryptopulse-older'))")
    names = page.evaluate("() => caches.keys()")
    assert len([name for name in names if name.startswith("cryptopulse-")]) == 1
    assert "of-somebody-else" in names


def until(page: Any, expression: str) -> None:
    """Wait for what a promise says; `wait_for_function` takes the promise itself for a yes."""
    for _ in range(150):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(expression)


def test_development_has_no_worker(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.goto("/markets/")
    page.wait_for_load_state("load")
    found = page.evaluate(
        "() => navigator.serviceWorker.getRegistrations().then((all) => all.length)"
    )
    assert found == 0
