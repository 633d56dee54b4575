"""The same story of several publishers, shown once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Titles of two publishers that share so much of their words tell the same.
ALIKE = 0.75
FEWEST_WORDS = 4  # a shorter title says too little to be told apart


@dataclass(frozen=True, slots=True)
class Story:
    """A headline, and the others that tell the same."""

    article: Any
    others: list[Any] = field(default_factory=list)


def one_per_story(articles: Iterable[Any]) -> list[Story]:
    """Gather headlines, newest first, under the newest of each story.

    One publisher's similar titles ("Prices at noon", "Prices at one") are different stories.
    """
    stories: list[tuple[set[str], Story]] = []
    for article in articles:
        words = set(re.findall(r"\w+", article.title.casefold()))
        for known, story in stories:
            if tells_the_same(words, known) and _is_another(article, story):
                story.others.append(article)
                break
        else:
            stories.append((words, Story(article)))
    return [story for _, story in stories]


def tells_the_same(one: set[str], other: set[str]) -> bool:
    """Compare the words of two titles."""
    if min(len(one), len(other)) < FEWEST_WORDS:
        return False
    return len(one & other) >= ALIKE * len(one | other)


def _is_another(article: Any, story: Story) -> bool:
    return article.publisher not in {one.publisher for one in (story.article, *story.others)}
