"""Big firings that are under way: a hint in the cache, so that one worker does each.

Nothing depends on it but work that would be done twice, since whatever is fired is claimed in the
database. It runs out by itself when a worker dies.
"""

from __future__ import annotations

import logging

from django.core.cache import cache

logger = logging.getLogger(__name__)

#: A chunk takes far less; after this long nobody is at it any more.
LEASE = 10  # seconds


def _name(coin_id: str) -> str:
    return f"alerts:firing:{coin_id}"


def begin(coin_id: str) -> bool:
    """Take the firing of a coin; False where somebody has it."""
    try:
        return bool(cache.add(_name(coin_id), 1, LEASE))
    except Exception as error:  # whatever a cache raises: then it is done twice
        logger.warning("no cache (%s): the firing of %s may be done twice", error, coin_id)
        return True


def note(coin_id: str) -> None:
    """Say that it goes on."""
    try:
        cache.set(_name(coin_id), 1, LEASE)
    except Exception as error:
        logger.debug("no cache: %s", error)


def end(coin_id: str) -> None:
    """Say that nobody is at it."""
    try:
        cache.delete(_name(coin_id))
    except Exception as error:
        logger.debug("no cache: %s", error)


def is_on(coin_id: str) -> bool:
    """Tell whether somebody is at it."""
    try:
        return cache.get(_name(coin_id)) is not None
    except Exception as error:
        logger.debug("no cache: %s", error)
        return False
