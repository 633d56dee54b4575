"""What a visit costs over the wire, as a browser counts it: compressed, and from its cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from .product import ROOT, Product

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("production"),
    pytest.mark.skipif(
        not (ROOT / "node_modules" / "lightweight-charts").exists(),
        reason="without lightweight-charts and the font a page is lighter than it is for people",
    ),
]

KB = 1000
#: With the heads of some twenty answers; HTTP/2 in front makes those nearly nothing.
WITH_CHART, WITHOUT_CHART = 150 * KB, 80 * KB
#: Again from the browser's cache: the page, and where there is a chart its bars, which are 5 KB.
AGAIN, AGAIN_WITH_CHART = 15 * KB, 19 * KB


class Scale:
    """Weighs what a page receives: heads and bodies as they were sent."""

    def __init__(self, page: Any) -> None:
        self.bytes: dict[str, int] = {}
        self.paths: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self.note)
        session.on("Network.loadingFinished", self.weigh)

    def note(self, event: Any) -> None:
        self.paths[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def weigh(self, event: Any) -> None:
        path = self.paths.get(event["requestId"], "?")
        self.bytes[path] = self.bytes.get(path, 0) + int(event["encodedDataLength"])

    def weight_of(self, page: Any, path: str) -> int:
        """Load the page and return how many bytes it took."""
        self.bytes.clear()
        page.goto(path)
        page.wait_for_load_state("networkidle")
        return sum(self.bytes.values())

    def __str__(self) -> str:
        heaviest = sorted(self.bytes.items(), key=lambda item: -item[1])
        return "\n" + "\n".join(f"{size:>8,}  {path}" for path, size in heaviest)


@pytest.fixture
def weighed(open_page: Callable[..., Any], production: Product) -> Callable[..., Any]:
    """Give a page whose browser knows nothing yet but who its person is, and its scale."""

    def opened(who: str = "") -> tuple[Any, Scale]:
        # Weighed is what the network brings, not what the worker keeps beside it.
        page = open_page(who, at=production, service_workers="block")
        page.goto("about:blank")  # what the log-in led to has nothing on the way any more
        scale = Scale(page)
        if who:
            session = page.context.new_cdp_session(page)
            session.send("Network.clearBrowserCache")
        return page, scale

    return opened


def test_the_first_visit_to_the_dashboard_is_light(weighed: Callable[..., Any]) -> None:
    page, scale = weighed("alice")
    assert scale.weight_of(page, "/dashboard/") <= WITH_CHART, str(scale)


def test_the_first_visit_without_a_chart_is_lighter(weighed: Callable[..., Any]) -> None:
    page, scale = weighed()
    assert scale.weight_of(page, "/news/") <= WITHOUT_CHART, str(scale)


def test_the_landing_page_is_light(weighed: Callable[..., Any]) -> None:
    page, scale = weighed()
    assert scale.weight_of(page, "/") <= WITHOUT_CHART, str(scale)


@pytest.mark.parametrize(
    ("who", "path", "limit"),
    [("alice", "/dashboard/", AGAIN_WITH_CHART), ("alice", "/portfolio/", AGAIN)],
)
def test_the_second_visit_brings_little_more_than_the_page(
    weighed: Callable[..., Any], who: str, path: str, limit: int
) -> None:
    page, scale = weighed(who)
    scale.weight_of(page, path)
    assert scale.weight_of(page, path) <= limit, str(scale)


def test_pages_are_compressed(weighed: Callable[..., Any]) -> None:
    page, _ = weighed("alice")
    response = page.goto("/dashboard/")
    assert response.header_value("content-encoding") == "br"
    assert "no-store" in response.header_value("cache-control")
