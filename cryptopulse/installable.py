"""What makes the site an app that one can install: its manifest, its worker, its offline page.

The worker keeps files that are named by their content, and the offline page, which is the same
for everybody. It keeps no page and no answer of the product: after a log-out there is nothing of a
person in the browser. Without such names (DEBUG) pages remove it instead (static/js/page.js).
"""

from __future__ import annotations

import hashlib
import json

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

#: What the offline page is drawn with; npm's files only where npm has brought them.
OFFLINE_FILES = (
    "css/frame.css", "css/inter.css", "vendor/inter/inter-latin-wght-normal.woff2",
    "js/theme.js", "js/offline.js", "img/favicon.svg",
)  # fmt: skip
DARK, LIGHT = "#0a0c10", "#f5f6f8"  # --bg in css/tokens.css


@require_safe
@cache_control(private=True, max_age=3600)
def manifest(_request: HttpRequest) -> JsonResponse:
    """Describe the app to whoever installs it. It starts at the portal of the person's role."""
    description = {
        "id": "/",
        "name": "CryptoPulse",
        "short_name": "CryptoPulse",
        "description": _("Live crypto prices, a virtual portfolio and price alerts."),
        "lang": get_language(),
        "start_url": reverse("portals:home"),
        "scope": "/",
        "display": "standalone",
        "background_color": DARK,
        "theme_color": DARK,
        "categories": ["finance"],
        "icons": [
            _icon("img/icon-192.png", "192x192", "any"),
            _icon("img/icon-512.png", "512x512", "any"),
            _icon("img/icon-maskable-192.png", "192x192", "maskable"),
            _icon("img/icon-maskable-512.png", "512x512", "maskable"),
        ],
        "shortcuts": [
            {"name": _("Markets"), "url": reverse("market:list")},
            {"name": _("Watchlist"), "url": reverse("market:watchlist")},
            {"name": _("News"), "url": reverse("market:news")},
        ],
    }
    return JsonResponse(description, content_type="application/manifest+json")


def _icon(path: str, sizes: str, purpose: str) -> dict[str, str]:
    return {"src": static(path), "sizes": sizes, "type": "image/png", "purpose": purpose}


@require_safe
@cache_control(no_cache=True)
def service_worker(_request: HttpRequest) -> HttpResponse:
    """Give the worker, which is another one as soon as a file or the offline page is."""
    files = [static(path) for path in OFFLINE_FILES if _exists(path)]
    page = render_to_string("offline.html")
    version = hashlib.sha256("\n".join([*files, page]).encode()).hexdigest()[:12]
    facts = {
        "version": version,
        "offline": reverse("offline"),
        "files": files,
        "static": settings.STATIC_URL,
    }
    script = render_to_string("service-worker.js", {"facts": json.dumps(facts, indent=2)})
    return HttpResponse(script, content_type="text/javascript")


@require_safe
@cache_control(public=True, max_age=60)
def offline(_request: HttpRequest) -> HttpResponse:
    """Draw what the worker shows without a network; nothing in it is anybody's."""
    return HttpResponse(render_to_string("offline.html"))


def _exists(path: str) -> bool:
    """Tell whether the file was found, here or when the static files were collected."""
    if not settings.DEBUG:
        try:
            static(path)
        except ValueError:  # not in the manifest
            return False
        return True
    return finders.find(path) is not None
