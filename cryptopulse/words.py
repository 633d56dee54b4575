"""gettext for modules that know no framework: the same names, English until Django is there.

Rules and arithmetic import this instead of `django.utils.translation`; the app's `ready` gives it
Django's functions. Texts are extracted from `_("...")` alike.
"""

from __future__ import annotations

from collections.abc import Callable


def _in_english(text: str) -> str:
    return text


def _count_in_english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


_say: Callable[[str], str] = _in_english
_count: Callable[[str, str, int], str] = _count_in_english


def gettext(text: str) -> str:
    """Say it in the language of whoever it is for."""
    return _say(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Say it of so many, in the language of whoever it is for."""
    return _count(one, many, count)


def gettext_noop(text: str) -> str:
    """Mark a text that is said later: a constant, the value of an enum."""
    return text


def speak_by(say: Callable[[str], str], count: Callable[[str, str, int], str]) -> None:
    """Translate with these functions from now on."""
    global _say, _count
    _say, _count = say, count
