"""Values longer than their share of a key: cut in the key, whole and in order in what is read."""

from __future__ import annotations

import random
from typing import Any

from django.db import models
from django.test.utils import isolate_apps

from tests.dynamodb.conftest import create_tables

LENGTHS = (1, 20, 31, 32, 33, 40, 100, 300, 600, 700)


def test_long_texts_come_in_order_through_an_index_either_way(dynamodb: None) -> None:
    with isolate_apps("tests.dynamodb"):

        class Page(models.Model):
            shelf = models.CharField(max_length=5)
            title = models.TextField()

            class Meta:
                app_label = "tests"
                indexes = [models.Index(fields=["shelf", "title"], name="page_title")]

            def __str__(self) -> str:
                return self.title

        create_tables(Page)
        pages: Any = Page._default_manager
        titles = ["x" * length + last for length in LENGTHS for last in "abé\x01"]
        titles += ["x" * 600 + "z" * length for length in range(1, 5)]
        random.Random(1).shuffle(titles)
        for title in titles:
            pages.create(shelf="a", title=title)

        found = pages.filter(shelf="a").order_by("title").values_list("title", flat=True)
        assert "index page_title" in found.explain()
        assert list(found) == sorted(titles)
        assert list(found.reverse()[:7]) == sorted(titles)[::-1][:7]
