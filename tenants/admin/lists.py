"""Lists of the back office: search, filters as chips, sorting, pages; the address holds all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.choices import flatten_choices

from tenants.admin.frame import StaffPage

PAGE_SIZE: Final = 25
_MOST_PAGES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, and the address without it."""

    label: str
    value: str
    without: str


class FilterForm(forms.Form):
    """Filters of a list. A wrong value in the address is ignored, never an error page."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = False

    def values(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}

    def chips(self, request: HttpRequest) -> list[Chip]:
        chips = []
        for name, value in self.values().items():
            query = request.GET.copy()
            query.pop(name, None)
            query.pop("page", None)
            field = self.fields[name]
            chips.append(Chip(str(field.label), _shown(field, value), f"?{query.urlencode()}"))
        return chips


def _shown(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.BooleanField):
        return ""
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        named: list[tuple[Any, Any]] = list(flatten_choices(choices))
        return next((str(label) for key, label in named if str(key) == str(value)), str(value))
    return str(value)


class ListPage(StaffPage):
    """A table of rows with filters, order and pages.

    ``orderings`` maps the names allowed in ``?sort=`` to fields, the first deciding and the rest breaking
    ties; a leading minus turns all of them round. Rows without a value of a ``nullable`` field come last.
    """

    filter_class: ClassVar[type[FilterForm]] = FilterForm
    orderings: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    nullable: ClassVar[frozenset[str]] = frozenset()
    default_ordering: ClassVar[str] = ""

    def rows(self, filters: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError

    def filter_form(self) -> FilterForm:
        return self.filter_class(self.request.GET)

    def beside(self, page: Page[Any]) -> dict[str, Any]:
        """Return what the template needs beside the rows; ``page`` holds the rows shown."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.filter_form()
        ordering = self._ordering()
        rows = self.rows(form.values())
        if ordering:
            rows = rows.order_by(*self._fields(ordering))
        page = Paginator(rows, PAGE_SIZE).get_page(self._page_number())
        return self.page(
            filters=form, chips=form.chips(request), rows=page, ordering=ordering, **self.beside(page)
        )

    def _page_number(self) -> int:
        text = self.request.GET.get("page", "1")
        return min(int(text), _MOST_PAGES) if text.isascii() and text.isdigit() else 1

    def _ordering(self) -> str:
        wanted = self.request.GET.get("sort", "")
        return wanted if wanted.removeprefix("-") in self.orderings else self.default_ordering

    def _fields(self, ordering: str) -> list[Any]:
        is_descending = ordering.startswith("-")
        return [self._order_by(field, is_descending) for field in self.orderings[ordering.removeprefix("-")]]

    def _order_by(self, field: str, is_descending: bool) -> Any:
        if field in self.nullable:
            return F(field).desc(nulls_last=True) if is_descending else F(field).asc(nulls_last=True)
        return f"-{field}" if is_descending else field
