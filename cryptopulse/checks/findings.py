"""How a check is written: a generator of findings, each with a number, a sentence and a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

Findings = Iterator[CheckMessage]


def checked(
    *tags: str, deploy: bool = False
) -> Callable[[Callable[[], Findings]], Callable[..., list[CheckMessage]]]:
    """Register a generator of findings as a system check."""

    def decorate(find: Callable[[], Findings]) -> Callable[..., list[CheckMessage]]:
        def check(**_: Any) -> list[CheckMessage]:
            return list(find())

        check.__name__, check.__doc__ = find.__name__, find.__doc__
        return register(*tags, deploy=deploy)(check)

    return decorate


def error(number: int, sentence: str, hint: str) -> Error:
    """Say that something does not work. Numbers are never used again."""
    return Error(sentence, hint=hint, id=f"cryptopulse.E{number:03}")


def warning(number: int, sentence: str, hint: str) -> Warning:
    """Say that something could be better. Numbers are never used again."""
    return Warning(sentence, hint=hint, id=f"cryptopulse.W{number:03}")
