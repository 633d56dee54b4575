"""What every page of the Django admin has in common."""

# ruff: noqa: ARG002 (Django passes the request and the object to every hook)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib import admin

    Base = admin.ModelAdmin[Model]
else:
    from unfold.admin import ModelAdmin as Base

#: What may follow a filter's field in the address. No pattern is among them: whoever may ask
#: whether a column matches one can read the column, one letter at a time.
PLAIN_LOOKUPS = frozenset(
    {"exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day", "date", "id", "pk"}
)


class ModelAdmin(Base):
    """Lists that can be filtered by what they offer as a filter, and by nothing else.

    Django filters by any column that the address names, shown or not: password hashes, links in
    mails that wait to be sent, codes. What a page does not offer is refused here (400).
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        name, *rest = lookup.split("__")
        if name not in self._columns():
            return bool(super().lookup_allowed(lookup, value, request))
        return name in self._offered(request) and PLAIN_LOOKUPS.issuperset(rest)

    def _columns(self) -> set[str]:
        columns = {"pk"}
        for field in self.model._meta.get_fields():  # noqa: SLF001 (Django's public API)
            columns |= {field.name, getattr(field, "attname", field.name)}
        return columns

    def _offered(self, request: HttpRequest) -> set[str]:
        filters: Any = self.get_list_filter(request)
        names = {
            entry if isinstance(entry, str) else entry[0] for entry in filters if _named(entry)
        }
        if self.date_hierarchy:
            names.add(self.date_hierarchy)
        return {name.split("__")[0] for name in names} | {"pk", "id"}


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows; who may see them is decided by the role alone, and nobody changes them."""

    list_per_page = 50
    show_full_result_count = False  # counting a table that only grows costs more than the page
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _named(entry: Any) -> bool:
    """Tell whether a filter names a field: a string, or a pair of a field and a class."""
    return isinstance(entry, (str, tuple, list))
