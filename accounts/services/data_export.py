"""One's own data: every row that belongs to a person, read a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, Model

from accounts.models import Activity, Note, OpenSession, User
from cryptopulse.engine import reading_all

from .belongings import Tie, ties

PAGE = 500
#: What somebody else wrote about the person for the staff's eyes, and what only opens accounts.
NOT_TOLD = frozenset({Note._meta.label, "admin.LogEntry"})  # noqa: SLF001 (Django's public API)
#: Columns that would open something or are ours alone, wherever they stand.
SECRET = frozenset(
    {
        "password", "session_key", "token_hash", "code_hash", "topic_arn", "subscription_arn",
        "data", "bucket", "html",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a person's data: its name, its columns, and its rows as they are read."""

    name: str
    columns: Sequence[str]
    rows: Iterator[list[Any]]


def own_tables(*, user: User) -> Iterator[Table]:
    """Yield the tables of a person's data, without secrets; the account itself comes first."""
    yield Table("account", _names(User), iter([_values(user, _fields(User))]))
    yield from _below(User, [user.pk], {User._meta.label})  # noqa: SLF001 (as above)
    activity = Tie(Activity, "user", goes=False)
    yield Table("activity", _names(Activity), _rows(activity, [user.pk]))


def _below(model: type[Model], owners: Sequence[object], seen: set[str]) -> Iterator[Table]:
    """Yield the tables whose rows belong to these owners, each once, and what belongs to those."""
    for tie in ties(model):
        if not tie.goes or tie.label in seen | NOT_TOLD:
            continue
        seen.add(tie.label)
        yield Table(_title(tie.model), _names(tie.model), _rows(tie, owners))
        if any(below.goes and below.label not in seen | NOT_TOLD for below in ties(tie.model)):
            yield from _below(tie.model, _all_keys(tie, owners), seen)


def _all_keys(tie: Tie, owners: Sequence[object]) -> list[object]:
    return [row.pk for row in _read(tie, owners)]


def _rows(tie: Tie, owners: Sequence[object]) -> Iterator[list[Any]]:
    fields = _fields(tie.model)
    for row in _read(tie, owners):
        yield _values(row, fields)


def _read(tie: Tie, owners: Sequence[object]) -> Iterator[Model]:
    """Yield the rows in the order of their keys, a page of one owner at a time."""
    for owner in owners:
        last: object = None
        while True:
            rows = tie.model._default_manager.filter(**{tie.field: owner}).order_by("pk")  # noqa: SLF001
            with reading_all("giving somebody their own data"):
                page = list((rows.filter(pk__gt=last) if last is not None else rows)[:PAGE])
            yield from page
            if len(page) < PAGE:
                break
            last = page[-1].pk


def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if field.name not in SECRET]  # noqa: SLF001


def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in _fields(model)]


def _values(row: Model, fields: Sequence[Field[Any, Any]]) -> list[Any]:
    return [None if _is_sealed(field, row) else getattr(row, field.attname) for field in fields]


def _is_sealed(field: Field[Any, Any], row: Model) -> bool:
    """Tell whether this value is stored sealed: whoever copies it here need not get it elsewhere.

    A code that is on its way to somebody's telephone proves that they have it.
    """
    seals = getattr(field, "seals", None)
    return bool(seals and seals(row))


def _title(model: type[Model]) -> str:
    if model is OpenSession:
        return "sessions"
    return model._meta.verbose_name_plural.replace(" ", "-").lower()  # type: ignore[union-attr]  # noqa: SLF001
