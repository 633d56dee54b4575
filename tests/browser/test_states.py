"""What pages do when all is not as usual: in the background, after sleep, on paper, refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .product import PHONE, Product

pytestmark = pytest.mark.browser

IS = "text => document.querySelector('[data-live-text]').textContent === text"
#: Pretend that somebody has gone to another tab, or has come back.
HIDE = """is => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
#: Count what a page does by itself: timers that fire, frames that it asks for, cells it changes.
COUNT = """() => {
  const WHATEVER = { subtree: true, childList: true, characterData: true, attributes: true };
  window.done = { timers: 0, frames: 0, changes: 0 };
  const { setInterval, requestAnimationFrame } = window;
  window.setInterval = (run, ...rest) => setInterval(() => { done.timers += 1; run(); }, ...rest);
  window.requestAnimationFrame = (run) =>
    requestAnimationFrame((at) => { done.frames += 1; run(at); });
  addEventListener("DOMContentLoaded", () => new MutationObserver((all) => {
    done.changes += all.length;
  }).observe(document.body, WHATEVER));
}"""


def test_a_page_in_the_background_does_nothing(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.add_init_script(f"({COUNT})()")
    page.goto("/dashboard/")
    page.wait_for_function(IS, arg="Live")
    page.wait_for_timeout(2000)
    assert page.evaluate("done.changes") > 0  # prices move while somebody looks
    page.evaluate(HIDE, True)
    page.wait_for_timeout(500)
    page.evaluate("Object.assign(done, { timers: 0, frames: 0, changes: 0 })")
    page.wait_for_timeout(4000)
    done = page.evaluate("done")
    assert (done["frames"], done["changes"]) == (0, 0)
    assert done["timers"] <= 5  # one that looks each second whether somebody is back
    page.evaluate(HIDE, False)
    page.wait_for_function("() => done.changes > 0 && done.timers > 0")


def test_a_page_long_in_the_background_hangs_up_and_catches_up(
    open_page: Callable[..., Any],
) -> None:
    page = open_page()
    sockets: list[Any] = []
    page.on("websocket", lambda one: sockets.append(one))  # noqa: PLW0108 (no builtin is taken)
    page.clock.install()
    page.goto("/markets/")
    page.clock.run_for(2000)
    page.wait_for_function(IS, arg="Live")
    page.evaluate(HIDE, True)
    page.clock.run_for(31_000)
    page.wait_for_timeout(300)
    assert [socket.is_closed() for socket in sockets] == [True]
    page.evaluate(HIDE, False)
    page.clock.run_for(1000)
    page.wait_for_timeout(500)
    assert [socket.is_closed() for socket in sockets] == [True, False]
    page.wait_for_function(IS, arg="Live")
    assert page.locator(".toast").count() == 0  # nothing was lost that anybody saw


def test_a_network_that_comes_back_is_said(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.goto("/markets/")
    page.wait_for_function(IS, arg="Live")
    page.context.set_offline(True)
    page.wait_for_function(IS, arg="Offline")
    page.locator("[data-live-banner]").get_by_role("button", name="Retry now").wait_for()
    page.context.set_offline(False)
    page.locator(".toast", has_text="Connected again").wait_for()
    page.wait_for_function(IS, arg="Live")


def test_after_sleep_the_socket_is_made_anew(open_page: Callable[..., Any]) -> None:
    page = open_page()
    sockets: list[Any] = []
    page.on("websocket", lambda one: sockets.append(one))  # noqa: PLW0108 (no builtin is taken)
    page.clock.install()
    page.goto("/markets/")
    page.clock.run_for(2000)
    page.wait_for_function(IS, arg="Live")
    page.clock.fast_forward(3_600_000)  # timers stood still for an hour
    page.clock.run_for(2000)
    page.wait_for_timeout(500)
    assert len(sockets) == 2
    page.wait_for_function(IS, arg="Live")


def test_on_paper_there_is_the_content_and_nothing_else(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/portfolio/")
    page.emulate_media(media="print")
    for part in (".sidebar", ".ticker", ".tabbar", ".search", "[data-theme-toggle]"):
        assert all(one.is_hidden() for one in page.locator(part).all()), part
    assert page.locator("main .card").first.is_visible()
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(255, 255, 255)"


def test_forced_colours_leave_every_control_visible(open_page: Callable[..., Any]) -> None:
    page = open_page("alice", forced_colors="active")
    page.goto("/dashboard/")
    button = page.get_by_role("button", name="Place order").first
    border = button.evaluate("one => getComputedStyle(one).borderTopWidth")
    assert border != "0px"


@pytest.mark.xdist_group("production")
def test_pages_that_are_refused_or_missing_lead_on(
    open_page: Callable[..., Any], production: Product
) -> None:
    page = open_page("alice", at=production)
    for path, code in (("/portal/admin/", 403), ("/markets/no-such-coin/", 404)):
        assert page.goto(path).status == code
        assert page.locator(".error-page").is_visible()
        assert page.get_by_role("navigation", name="Main").is_visible()
        assert page.locator(".error-page a.button").first.get_attribute("href")
    assert page.locator(".error-page").get_by_role("link", name="See the markets").is_visible()


def test_what_htmx_waits_for_is_seen(open_page: Callable[..., Any]) -> None:
    page = open_page("alice", size=PHONE)
    page.goto("/markets/")
    page.evaluate("document.querySelector('main').classList.add('htmx-request')")
    assert page.locator("main").evaluate("one => getComputedStyle(one).cursor") == "progress"
