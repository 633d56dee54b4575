"""Feeds: where prices come from. One module each; settings.FEEDS names them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from .base import Feed, FeedError, StreamFeed

__all__ = ["Feed", "FeedError", "StreamFeed", "feed"]


def feed(alias: str, **options: Any) -> Feed:
    """Return the feed of this alias in settings.FEEDS, one per process.

    With `options` a new one, made with these in place of the settings' own: a start that will
    not wait asks `feed("coingecko", deadline=3, attempts=1)`. Raises FeedError when no such feed
    is configured or its options do not fit it.
    """
    return _build(alias, options) if options else _shared(alias)


@cache
def _shared(alias: str) -> Feed:
    return _build(alias, {})


def _build(alias: str, options: dict[str, Any]) -> Feed:
    if alias not in settings.FEEDS:
        known = ", ".join(settings.FEEDS)
        raise FeedError(
            f"There is no feed called “{alias}”; MARKET_FEEDS may name {known}.",
            misconfigured=True,
        )
    configuration = settings.FEEDS[alias]
    try:
        backend = import_string(configuration["BACKEND"])
        made: Feed = backend(name=alias, **(configuration.get("OPTIONS", {}) | options))
    except (KeyError, ImportError, TypeError, ValueError, OverflowError) as error:
        raise FeedError(
            f"The feed “{alias}” cannot be set up: {error}. Check its entry in settings.FEEDS.",
            misconfigured=True,
        ) from error
    return made


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting in {"FEEDS", "CURRENCIES"}:
        _shared.cache_clear()
