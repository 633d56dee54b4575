"""What every page of the Django admin has in common."""

# ruff: noqa: ARG002 (Django passes the request and the object to every hook)

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from .engine import deleting_many, is_dynamodb, is_small, reading_all

if TYPE_CHECKING:
    from django.contrib import admin
    from django.contrib.admin.views.main import ChangeList as BaseList

    Base = admin.ModelAdmin[Model]
    Pages = Paginator[Any]
else:
    from unfold.admin import ModelAdmin as Base
    from unfold.views import ChangeList as BaseList

    Pages = Paginator

#: What may follow a filter's field in the address. No pattern is among them: whoever may ask
#: whether a column matches one can read the column, one letter at a time.
PLAIN_LOOKUPS = frozenset(
    {"exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day", "date", "id", "pk"}
)
#: People whom the beginning of a username may mean, at the most.
MOST_PEOPLE = 20


class OpenPaginator(Pages):
    """Pages without a count: of the page that is shown it reads one row more, and no others.

    `count` is how many rows there are up to there; `is_open` says that there are more, and
    nobody knows how many.
    """

    template_name = "admin/pagination_open.html"

    def __init__(self, rows: QuerySet[Any], per_page: int, *, shown: int) -> None:
        super().__init__(rows, per_page)
        self.shown = max(1, shown)

    @cached_property
    def _found(self) -> list[Any]:
        first = (self.shown - 1) * self.per_page
        return list(self.object_list[first : first + self.per_page + 1])

    @property
    def is_open(self) -> bool:
        """Tell whether there are rows after the page that is shown."""
        return len(self._found) > self.per_page

    @cached_property
    def count(self) -> int:
        return (self.shown - 1) * self.per_page + min(len(self._found), self.per_page)

    @cached_property
    def num_pages(self) -> int:
        return self.shown + self.is_open

    def page(self, number: int | str) -> Page[Any]:
        """Return the page that is shown: the only one there is."""
        return Page(self._found[: self.per_page], int(number), self)


class ChangeList(BaseList):
    """A list that shows the page an OpenPaginator has read, instead of asking a second time."""

    def get_results(self, request: HttpRequest) -> None:
        rows = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        is_narrowed = bool(self.query or self.get_filters_params())
        reason = "an administrator's search or filter"
        with reading_all(reason) if is_narrowed else nullcontext():
            if isinstance(rows, OpenPaginator):
                self._show(rows)
            else:
                super().get_results(request)

    def _show(self, rows: OpenPaginator) -> None:
        found = rows.page(rows.shown).object_list
        if not found and rows.shown > 1:
            raise IncorrectLookupParameters
        self.result_list = cast("QuerySet[Any]", found)
        self.result_count = rows.count
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions = True
        self.multi_page = rows.shown > 1 or rows.is_open
        self.paginator = rows


class ModelAdmin(Base):
    """Lists that can be filtered by what they offer as a filter, and by nothing else.

    Django filters by any column that the address names, shown or not: password hashes, links in
    mails that wait to be sent, codes. What a page does not offer is refused here (400).

    Where a count reads all that it counts (DynamoDB), a list counts nothing, can be sorted only
    as it comes, unless its table is small, and deletes what one transaction does not take in
    several.
    """

    show_facets = ShowFacets.NEVER  # counts for each choice of each filter
    show_full_result_count = False  # a second count of the whole table, for a number in a corner
    #: The path to the person whom a row is about: the search box takes the beginning of a name.
    person_path = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChangeList

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: Any,
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,
    ) -> Paginator[Any]:
        if not is_dynamodb():
            return super().get_paginator(
                request, queryset, per_page, orphans, allow_empty_first_page
            )
        asked = request.GET.get("p", "1")
        shown = int(asked[:9]) if asked.isascii() and asked.isdigit() else 1
        return OpenPaginator(queryset, per_page, shown=shown)

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Let a large table be sorted by its columns only where the database sorts."""
        if is_dynamodb() and not is_small(self.model):
            return ()
        return super().get_sortable_by(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the people first and then their rows: joined, all rows would be read for a name."""
        name = search_term.strip().lower().replace("\0", "")
        if not (self.person_path and name):
            return super().get_search_results(request, queryset, search_term)
        people = get_user_model().objects.filter(username__startswith=name).order_by("pk")
        with reading_all("an administrator looks for a person"):
            keys = list(people.values_list("pk", flat=True)[:MOST_PEOPLE])
        return queryset.filter(**{f"{self.person_path}__in": keys}), False

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with deleting_many("an administrator deletes a selection"):
            super().delete_queryset(request, queryset)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with deleting_many("an administrator deletes a row and what hangs on it"):
            super().delete_model(request, obj)

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
    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _named(entry: Any) -> bool:
    """Tell whether a filter names a field: a string, or a pair of a field and a class."""
    return isinstance(entry, (str, tuple, list))
