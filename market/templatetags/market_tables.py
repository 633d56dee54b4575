"""What tables of coins need: {% load market_tables %}."""

from __future__ import annotations

from django import template
from django.urls import reverse

from market.listing import Listing, make_listing
from market.studies import STUDIES, Study

register = template.Library()


@register.simple_tag(takes_context=True)
def first_listing(context: template.Context) -> Listing:
    """Return the tabs of a part that shows the first view, on a page that knows no listing."""
    user = context["request"].user
    watched = () if user.is_authenticated else None
    return make_listing((), path=reverse("market:list"), watched=watched)


@register.simple_tag
def indicators() -> list[Study]:
    """Return the indicators that a chart offers."""
    return list(STUDIES.values())
