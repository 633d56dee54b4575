"""What belongs to a person, in every app: the rows that name them, and the rows that name those.

Models say it themselves by `on_delete`: CASCADE is theirs and goes with them, SET_NULL stays
without them. So a table that is added tomorrow is exported and erased without a word here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import CASCADE, SET_NULL, Model

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Tie:
    """One way in which rows of a model name rows of another: `model.field` is the foreign key."""

    model: type[Model]
    field: str
    goes: bool  # with the row that it names; else it stays and forgets it

    @property
    def label(self) -> str:
        return self.model._meta.label  # noqa: SLF001 (Django's public API)


def ties(model: type[Model] = User) -> Iterator[Tie]:
    """Yield the ties to a model's rows, many-to-many tables included."""
    for relation in model._meta.get_fields(include_hidden=True):  # noqa: SLF001 (as above)
        if not (relation.one_to_many or relation.one_to_one) or relation.concrete:
            continue
        found: Any = relation  # the types know only of fields that are columns
        if getattr(found, "on_delete", None) in (CASCADE, SET_NULL):
            yield Tie(found.related_model, found.field.name, goes=found.on_delete is CASCADE)
